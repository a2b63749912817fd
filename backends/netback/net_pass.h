/* SPDX-License-Identifier: MIT */
/*
 * May a frame pass a card now? What net_shape.h says, asked by all queues at once, and by
 * none that has nothing to ask for.
 */
#ifndef PVB_NET_PASS_H
#define PVB_NET_PASS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "net_shape.h"

/**
 * struct net_pass - Of a card
 * @limited:	There are limits in this direction: @shape is to be asked
 * @lock:	Guards @shape
 */
struct net_pass {
	atomic_bool limited[NET_NDIRS];
	pthread_mutex_t lock;
	struct net_shape shape[NET_NDIRS];
};

void net_pass_init(struct net_pass *p, const struct net_limits *l);
void net_pass_end(struct net_pass *p);

/** net_pass_set() - From now on; with full buckets */
void net_pass_set(struct net_pass *p, const struct net_limits *l);

/** net_pass_allow() - May the guest's frame of @len go? 0, and it counts; or ns to wait
 */
uint64_t net_pass_allow(void *pass, uint32_t len);

/** net_pass_may_read() - May one for the guest be read? 0, or ns to wait */
uint64_t net_pass_may_read(void *pass);

/**
 * net_pass_was_read() - One was
 *
 * Its size is known only then, and another queue may have read one meanwhile, too: those
 * that come later pay for it.
 */
void net_pass_was_read(void *pass, uint32_t len);

#endif
