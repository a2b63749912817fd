/* SPDX-License-Identifier: MIT */
/*
 * Memory that a program in the kernel reads (net_steer_super.c), which gives each frame
 * for a guest with several queues one of them: the one that the guest wants for its hash,
 * or, where it wants nothing, always the same for a flow. The kernel's own choice is the
 * queue that the guest has last sent the flow from: when that changes, or becomes known,
 * frames overtake those that wait in the queue of before (tun_flow_update()).
 *
 * The supervisor makes both; the worker has the memory mapped and writes what its guest
 * says, and attaches the program to the TAP that it has. So whoever has taken a worker
 * over can do no more than choose queues of that guest: the program is the kernel's to
 * have judged, and what it returns is taken modulo their number.
 *
 * There are two of everything: one is read, the other one is written and then becomes the
 * one that is read.
 */
#ifndef PVB_NET_STEER_H
#define PVB_NET_STEER_H

#include <stdint.h>

#include "compiler.h"
#include "net_hash.h"

/* With a TCP type: datagrams of UDP are hashed as TCP, which no guest can ask for. */
#define NET_STEER_UDP 0x100U

/**
 * struct net_steer_way - Where frames go
 * @types:	XEN_NETIF_CTRL_HASH_TYPE_*, NET_STEER_UDP
 * @size:	Entries of @to, 1 to NET_HASH_MAP
 * @to:		Queue of a hash modulo @size; a frame without a hash has 0
 * @toeplitz:	Its key
 */
struct net_steer_way {
	uint32_t types;
	uint32_t size;
	uint32_t to[NET_HASH_MAP];
	struct net_toeplitz toeplitz;
};

/**
 * struct net_steer - The memory, see net_memory.h
 * @which:	Its last bit is the way that is read
 */
struct net_steer {
	uint32_t which;
	uint32_t pad;
	struct net_steer_way way[2];
};

/* Descriptors of a CONNECT with NET_STEERED, behind the journal's: that of the map
 * that the memory is of, and that of the program. */
enum {
	NET_STEER_MAP,
	NET_STEER_PROG,
	NET_STEER_FDS
};

/**
 * net_steer_set() - What is read from now on is @c of a card with @nqueues; one thread
 * @spread:	Key for where @c wants nothing, and flows are to be spread
 */
void net_steer_set(struct net_steer *s, const struct net_hash_conf *c, uint32_t nqueues,
                   const uint8_t spread[NET_HASH_KEY]);

#endif
