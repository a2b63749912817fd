/* SPDX-License-Identifier: MIT */
#include "net_pass.h"

#include "clock.h"

void net_pass_init(struct net_pass *p, const struct net_limits *l)
{
	pthread_mutex_init(&p->lock, NULL);
	net_pass_set(p, l);
}

void net_pass_end(struct net_pass *p)
{
	pthread_mutex_destroy(&p->lock);
}

void net_pass_set(struct net_pass *p, const struct net_limits *l)
{
	uint64_t now = clock_ns();

	pthread_mutex_lock(&p->lock);
	for (int dir = 0; dir < NET_NDIRS; dir++)
		atomic_store_explicit(
			&p->limited[dir],
			net_shape_init(&p->shape[dir], l, (enum net_dir)dir, now),
			memory_order_relaxed);
	pthread_mutex_unlock(&p->lock);
}

static bool limited(const struct net_pass *p, enum net_dir dir)
{
	return atomic_load_explicit(&p->limited[dir], memory_order_relaxed);
}

/* How long it has to wait; what need not and has a known length is charged at once. */
static uint64_t wait_for(struct net_pass *p, enum net_dir dir, const uint32_t *len)
{
	uint64_t wait;

	if (!limited(p, dir))
		return 0;
	pthread_mutex_lock(&p->lock);
	wait = net_shape_wait(&p->shape[dir], clock_ns());
	if (!wait && len)
		net_shape_charge(&p->shape[dir], *len);
	pthread_mutex_unlock(&p->lock);
	return wait;
}

uint64_t net_pass_allow(void *pass, uint32_t len)
{
	return wait_for(pass, NET_TX, &len);
}

uint64_t net_pass_may_read(void *pass)
{
	return wait_for(pass, NET_RX, NULL);
}

void net_pass_was_read(void *pass, uint32_t len)
{
	struct net_pass *p = pass;

	if (!limited(p, NET_RX))
		return;
	pthread_mutex_lock(&p->lock);
	net_shape_charge(&p->shape[NET_RX], len);
	pthread_mutex_unlock(&p->lock);
}
