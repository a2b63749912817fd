/* SPDX-License-Identifier: MIT */
/*
 * A vif's TAP, as the supervisor has it. It is made as the toolstack's scripts expect it,
 * persists until it is removed, and is known by its index: scripts rename it.
 */
#ifndef PVB_NET_TAP_SUPER_H
#define PVB_NET_TAP_SUPER_H

#include <stdbool.h>
#include <stdint.h>

#include "backend.h"
#include "net_conf.h"

/**
 * struct net_tap - A TAP that is open
 * @fd:		Its first queue; -1 when it is not
 * @more:	The others, @nmore
 * @index:	Of the interface
 * @offload:	TUN_F_*, as last told
 */
struct net_tap {
	int fd;
	int more[NET_QUEUES_MAX - 1];
	uint32_t nmore;
	uint32_t index;
	uint32_t offload;
};

/**
 * net_tap_open() - Take the interface with number @index, or make one called @name
 * @index:	Of one that was left by an earlier pvbackd; 0 for none
 * @mtu:	0 for the kernel's default
 *
 * It has no carrier until a worker serves it.
 *
 * Return: 0 or -errno after bdev_fault().
 */
int must_check net_tap_open(struct bdev *d, const char *name, uint32_t index,
                            uint32_t mtu, struct net_tap *t);

/**
 * net_tap_share() - Take one that a worker has, by its descriptors, which are duplicated
 * @fds:	Of its @n queues
 * @index:	The number it has to have
 *
 * It stays as it is, with its carrier.
 *
 * Return: 0 or -errno after bdev_fault().
 */
int must_check net_tap_share(struct bdev *d, const int *fds, uint32_t n, uint32_t index,
                             struct net_tap *t);

/** net_tap_told() - An earlier pvbackd has done net_tap_offload() with @flags */
void net_tap_told(struct net_tap *t, uint32_t flags);

/** net_tap_close() - It stays, for an other pvbackd */
void net_tap_close(struct net_tap *t);

/** net_tap_remove() - Nor does it stay */
void net_tap_remove(struct net_tap *t);

/** net_tap_name() - What it is called now, into IFNAMSIZ bytes. Return: 0 or -errno. */
int must_check net_tap_name(const struct net_tap *t, char *name);

/**
 * net_tap_offload() - What the host may leave to the guest
 * @flags:	NET_* of net_conf.h
 * @resume:	The TAP was told so already, by an earlier pvbackd
 *
 * What was switched off since by ethtool -K (tx, tso), by hand or by a script, stays off:
 * TUNSETOFFLOAD alone would switch it on again.
 * Return: 0 or -errno after bdev_fault().
 */
int must_check net_tap_offload(struct bdev *d, struct net_tap *t, uint32_t flags,
                               bool resume);

/**
 * net_tap_queues() - Have @n queues: frames for the guest are spread over them by flow
 *
 * Return: 0 or -errno after bdev_fault().
 */
int must_check net_tap_queues(struct bdev *d, struct net_tap *t, uint32_t n);

/** net_tap_queue() - The descriptor of queue @i */
static inline int net_tap_queue(const struct net_tap *t, uint32_t i)
{
	return i ? t->more[i - 1] : t->fd;
}

/**
 * net_tap_rest() - No guest uses it: no carrier, one queue, which the kernel chooses, all
 * offloads but those that were switched off
 */
void net_tap_rest(struct net_tap *t);

#endif
