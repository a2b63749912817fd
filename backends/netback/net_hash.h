/* SPDX-License-Identifier: MIT */
/*
 * What a guest wants hashed and where it wants to have it, and the hash of a frame. Pure.
 *
 * With an algorithm and types a frame has a hash if one of the types is its own: TCP ones
 * first, as netif.h asks for. TCP is what has its header right behind that of IP and is
 * no fragment; anything else with an IP header is hashed over its addresses. One VLAN tag
 * is looked through; a frame with more of them, and one whose headers are not whole, has
 * none. The program of net_steer_super.c finds the same of the same frames.
 */
#ifndef PVB_NET_HASH_H
#define PVB_NET_HASH_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"
#include "net_toeplitz.h"
#include "xenabi.h"

/* Entries of a mapping: as many as Linux's netback has room for. */
#define NET_HASH_MAP 128U

#define NET_HASH_TYPES                                                       \
	(XEN_NETIF_CTRL_HASH_TYPE_IPV4 | XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP | \
	 XEN_NETIF_CTRL_HASH_TYPE_IPV6 | XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP)

/**
 * struct net_hash_conf - What the guest has asked for; zero-initialised: nothing
 * @algorithm:	XEN_NETIF_CTRL_HASH_ALGORITHM_*
 * @types:	XEN_NETIF_CTRL_HASH_TYPE_*
 * @size:	Entries of @to that count; 0: the hash modulo the number of queues
 * @to:		Queue of a hash modulo @size
 */
struct net_hash_conf {
	uint32_t algorithm;
	uint32_t types;
	uint32_t size;
	uint8_t key[NET_HASH_KEY];
	uint8_t to[NET_HASH_MAP];
};

_Static_assert(sizeof(struct net_hash_conf) == 180, "no padding in memory that is kept");

/** net_hash_conf_ok() - Can a guest with @nqueues have asked for it? */
static inline bool net_hash_conf_ok(const struct net_hash_conf *c, uint32_t nqueues)
{
	if (c->algorithm > XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ ||
	    c->types & ~(uint32_t)NET_HASH_TYPES || c->size > NET_HASH_MAP)
		return false;
	for (uint32_t i = 0; i < c->size; i++)
		if (c->to[i] >= nqueues)
			return false;
	return true;
}

/** net_hash_on() - Frames are hashed, and steered by that */
static inline bool net_hash_on(const struct net_hash_conf *c)
{
	return c->algorithm != XEN_NETIF_CTRL_HASH_ALGORITHM_NONE && c->types;
}

/**
 * net_hash_frame() - Hash of a frame
 * @types:	To choose from
 * @type:	The one that it is of, _XEN_NETIF_CTRL_HASH_TYPE_*
 *
 * Return: it has one.
 */
bool net_hash_frame(const struct net_toeplitz *t, uint32_t types, const uint8_t *frame,
                    uint32_t len, uint32_t *hash, uint8_t *type);

#endif
