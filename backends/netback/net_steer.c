/* SPDX-License-Identifier: MIT */
#include "net_steer.h"

void net_steer_set(struct net_steer *s, const struct net_hash_conf *c, uint32_t nqueues,
                   const uint8_t spread[NET_HASH_KEY])
{
	uint32_t next = !(__atomic_load_n(&s->which, __ATOMIC_RELAXED) & 1);
	struct net_steer_way *w = &s->way[next];
	bool on = net_hash_on(c), mapped = on && c->size;

	w->types = on ? c->types : NET_HASH_TYPES | NET_STEER_UDP;
	w->size = mapped ? c->size : nqueues;
	for (uint32_t i = 0; i < w->size; i++)
		w->to[i] = mapped ? c->to[i] : i;
	net_toeplitz_init(&w->toeplitz, on ? c->key : spread);
	__atomic_store_n(&s->which, next, __ATOMIC_RELEASE);
}
