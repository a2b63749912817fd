/* SPDX-License-Identifier: MIT */
/*
 * What may change of a card while it is connected, between the thread that is told and
 * those of the queues. A queue looks when it wakes up, and keeps to it until it sleeps.
 */
#ifndef PVB_NET_LIVE_H
#define PVB_NET_LIVE_H

#include <stdatomic.h>

#include "net_conf.h"

/**
 * struct net_lives - What is so now, for all queues; zero-initialised
 * @change:	Counts changes; not 0 after the first one
 * @mcast, @headroom: As in struct net_live
 */
struct net_lives {
	atomic_uint change;
	atomic_uint mcast;
	atomic_uint headroom;
};

/** struct net_heed - The change that a queue keeps to while it is awake; asleep: 0 */
struct net_heed {
	atomic_uint change;
};

/** net_lives_set() - It is so from now on, but for queues that are awake */
void net_lives_set(struct net_lives *s, const struct net_live *l);

/** net_lives_await() - Those, too: until one has slept, which is some turns at most */
void net_lives_await(const struct net_lives *s, const struct net_heed *h);

/** net_heed_wake() - A queue wakes up: what it loads now holds until net_heed_sleep() */
void net_heed_wake(struct net_heed *h, const struct net_lives *s);
void net_heed_sleep(struct net_heed *h);

#endif
