/* SPDX-License-Identifier: MIT */
#include "net_steer.h"

void net_steer_set(struct net_steer *s, const struct net_hash_conf *c, uint32_t nqueues)
{
	uint32_t next = !(__atomic_load_n(&s->which, __ATOMIC_RELAXED) & 1);
	struct net_steer_way *w = &s->way[next];

	w->types = c->types;
	w->size = c->size ? c->size : nqueues;
	for (uint32_t i = 0; i < w->size; i++)
		w->to[i] = c->size ? c->to[i] : i;
	net_toeplitz_init(&w->toeplitz, c->key);
	__atomic_store_n(&s->which, next, __ATOMIC_RELEASE);
}
