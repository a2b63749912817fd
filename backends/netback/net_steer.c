/* SPDX-License-Identifier: MIT */
#include "net_steer.h"

static void way_set(struct net_steer_way *w, const struct net_hash_conf *c,
                    uint32_t nqueues)
{
	w->types = c->types;
	w->size = c->size ? c->size : nqueues;
	for (uint32_t i = 0; i < w->size; i++)
		w->to[i] = c->size ? c->to[i] : i;
	net_toeplitz_init(&w->toeplitz, c->key);
}

static void way_spread(struct net_steer_way *w, uint32_t nqueues,
                       const uint8_t key[NET_HASH_KEY])
{
	w->types = NET_HASH_TYPES | NET_STEER_UDP;
	w->size = nqueues;
	for (uint32_t i = 0; i < nqueues; i++)
		w->to[i] = i;
	net_toeplitz_init(&w->toeplitz, key);
}

void net_steer_set(struct net_steer *s, const struct net_hash_conf *c, uint32_t nqueues,
                   const uint8_t spread[NET_HASH_KEY])
{
	uint32_t next = !(__atomic_load_n(&s->which, __ATOMIC_RELAXED) & 1);

	if (net_hash_on(c))
		way_set(&s->way[next], c, nqueues);
	else
		way_spread(&s->way[next], nqueues, spread);
	__atomic_store_n(&s->which, next, __ATOMIC_RELEASE);
}
