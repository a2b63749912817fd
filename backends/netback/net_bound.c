/* SPDX-License-Identifier: MIT */
#include "net_bound.h"

void net_bound_begin(struct net_bound_view *v, struct net_bound_queue *q)
{
	*v = (struct net_bound_view){
		.q = q,
		.came = __atomic_load_n(&q->came, __ATOMIC_RELAXED),
		.over = __atomic_load_n(&q->over, __ATOMIC_RELAXED),
		.gone = q->gone,
	};
}

uint64_t net_bound_look(struct net_bound_view *v)
{
	uint64_t over, more;

	if (!v->q)
		return 0;
	/* What had come is there to be read by now, or nearly so. */
	v->came = __atomic_load_n(&v->q->came, __ATOMIC_ACQUIRE);
	over = __atomic_load_n(&v->q->over, __ATOMIC_RELAXED);
	more = over - v->over;
	v->over = over;
	return more;
}

void net_bound_read(struct net_bound_view *v, uint64_t bytes, bool empty)
{
	if (!v->q)
		return;
	v->gone += bytes;
	if (empty) {
		uint64_t now = __atomic_load_n(&v->q->came, __ATOMIC_RELAXED);

		if ((int64_t)(v->came - v->gone) > 0)
			v->gone = v->came;
		if ((int64_t)(v->gone - now) > 0)
			v->gone = now;
	}
	__atomic_store_n(&v->q->gone, v->gone, __ATOMIC_RELAXED);
}
