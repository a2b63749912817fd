/* SPDX-License-Identifier: MIT */
#include "net_live.h"

#include <time.h>

#define AWAIT_NS 20000

void net_lives_set(struct net_lives *s, const struct net_live *l)
{
	atomic_store(&s->mcast, l->mcast);
	atomic_store(&s->headroom, l->headroom);
	/* 0 is a queue that sleeps. */
	if (!(atomic_fetch_add(&s->change, 1) + 1))
		atomic_store(&s->change, 1);
}

/*
 * Each side stores before it loads, in an order that all agree on: either who makes a
 * change sees that this queue is awake with an older one, or what it loads next is new.
 */
void net_heed_wake(struct net_heed *h, const struct net_lives *s)
{
	atomic_store(&h->change, atomic_load(&s->change));
}

void net_heed_sleep(struct net_heed *h)
{
	atomic_store(&h->change, 0);
}

void net_lives_await(const struct net_lives *s, const struct net_heed *h)
{
	const struct timespec ts = { .tv_nsec = AWAIT_NS };
	unsigned int change = atomic_load(&s->change), is;

	while ((is = atomic_load(&h->change)) && is != change)
		nanosleep(&ts, NULL);
}
