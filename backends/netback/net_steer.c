/* SPDX-License-Identifier: MIT */
#include "net_steer.h"

#include <errno.h>
#include <sys/mman.h>

/* A map's memory is whole pages. */
#define STEER_BYTES ((sizeof(struct net_steer) + XEN_PAGE - 1) / XEN_PAGE * XEN_PAGE)

int net_steer_open(int map, struct net_steer **out)
{
	void *p = mmap(NULL, STEER_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);

	if (p == MAP_FAILED)
		return -errno;
	*out = p;
	return 0;
}

void net_steer_close(struct net_steer *s)
{
	if (s)
		munmap(s, STEER_BYTES);
}

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
