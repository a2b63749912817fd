/* SPDX-License-Identifier: MIT */
/*
 * How a card's frames are hashed and steered now: set before it is served and by the
 * thread of the control ring, looked at by those of the queues once in a turn.
 */
#ifndef PVB_NET_RSS_H
#define PVB_NET_RSS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "compiler.h"
#include "net_hash.h"
#include "net_steer.h"

/**
 * struct net_rss - Of a card
 * @tap:	Any queue of its TAP, or -1 if the kernel chooses; then nothing ever
 * changes
 * @prog:	The program for it, or -1 if it is attached
 * @steer:	What that reads
 * @spread:	Key for flows of which the guest wants nothing
 * @changes:	How often @conf was changed, which @lock guards
 */
struct net_rss {
	const char *tag;
	int tap;
	int prog;
	struct net_steer *steer;
	const uint8_t *spread;
	atomic_uint changes;
	pthread_mutex_t lock;
	struct net_hash_conf conf;
};

/**
 * struct net_rss_view - A thread's own copy of it; zero-initialised: nothing is hashed
 * @seen:	Changes that it has
 * @types:	To be hashed; 0: none
 */
struct net_rss_view {
	unsigned int seen;
	uint32_t types;
	struct net_toeplitz toeplitz;
};

void net_rss_init(struct net_rss *r, const char *tag);

/**
 * net_rss_open() - Queues are ours to choose: net_rss_set() is due
 * @tap:	Duplicated
 * @fd:		By NET_STEER_*; the program is taken, and set to -1
 * @spread:	Key of NET_HASH_KEY bytes, is kept until net_rss_end()
 *
 * Return: 0, or -errno with @text; net_rss_end() is due either way.
 */
int must_check net_rss_open(struct net_rss *r, int tap, int fd[NET_STEER_FDS],
                            const uint8_t *spread, char *text, size_t text_size);
void net_rss_end(struct net_rss *r);

/** net_rss_set() - From now on it is @c, for @nqueues; one thread */
void net_rss_set(struct net_rss *r, const struct net_hash_conf *c, uint32_t nqueues);

/** net_rss_update() - The slow part of net_rss_look() */
void net_rss_update(struct net_rss *r, struct net_rss_view *v);

/** net_rss_look() - Have @v be as it is now */
static inline void net_rss_look(struct net_rss *r, struct net_rss_view *v)
{
	if (atomic_load_explicit(&r->changes, memory_order_relaxed) != v->seen)
		net_rss_update(r, v);
}

#endif
