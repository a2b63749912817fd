/* SPDX-License-Identifier: MIT */
#include "mix.h"

#include "xenabi.h"

/* Shortest frame of a flow: IPv6 and what flow.h has in front of the payload. */
#define LEAST 80U

/* Below @n. */
static uint32_t chance(struct mix *m, uint32_t n)
{
	return (uint32_t)(flow_hash(m->seed, 0, m->n++) >> 33) % n;
}

static uint32_t between(struct mix *m, uint32_t low, uint32_t high)
{
	return low + chance(m, high - low + 1);
}

/* As often short as long: what is wrong with one seldom is with the other. */
static uint32_t length(struct mix *m, uint32_t limit)
{
	static const uint32_t most[] = { 128, 1514, 9014, UINT16_MAX };
	uint32_t max = most[chance(m, ARRAY_SIZE(most))];
	uint32_t min = m->min < LEAST ? LEAST : m->min;

	limit = limit > m->max ? m->max : limit;
	if (max < min || max > limit)
		max = limit;
	return between(m, min < max ? min : max, max);
}

/* The length of a part: of @left bytes, @after slots are to take the rest. */
static uint32_t part(struct mix *m, uint32_t left, uint32_t after, uint32_t least)
{
	uint32_t max = left < XEN_PAGE ? left : XEN_PAGE;
	uint32_t min = left > after * XEN_PAGE ? left - after * XEN_PAGE : 0;

	min = min < least ? least : min;
	switch (chance(m, 4)) {
	case 0:
		return min;
	case 1:
		return max;
	default:
		return between(m, min, max);
	}
}

static void lay(struct mix *m, uint32_t len, struct netfront_layout *l)
{
	uint32_t need = (len + XEN_PAGE - 1) / XEN_PAGE;

	l->n = m->info.sg ? between(m, need, NETFRONT_PARTS) : 1;
	if (chance(m, 2) && l->n > need + 2)
		l->n = between(m, need, need + 2);
	for (uint32_t i = 0; i < l->n; i++) {
		uint32_t n = part(m, len, l->n - 1 - i, i ? 0 : 14);

		l->cut[i].len = (uint16_t)n;
		l->cut[i].off = (uint16_t)chance(m, XEN_PAGE - n + 1);
		len -= n;
	}
	l->twice = chance(m, 4) == 0;
}

void mix_next(struct mix *m, uint32_t flow, uint32_t serial, struct flow_frame *f,
              struct netfront_layout *l)
{
	const struct netfront_info *i = &m->info;
	bool gso;

	*f = (struct flow_frame){ .flow = flow,
		                  .serial = serial,
		                  .v6 = flow & 1,
		                  .udp = flow & 2,
		                  .seed = m->seed };
	gso = !f->udp && (f->v6 ? i->gso6 : i->gso4);
	f->segment = gso && chance(m, 2) ? flow_segment(m->seed, flow, serial) : 0;
	f->full = (f->v6 && !i->csum6) || chance(m, 2);
	f->len = length(m, f->segment ? UINT16_MAX : m->mtu + 14);
	if (!i->sg && f->len > XEN_PAGE)
		f->len = XEN_PAGE;
	lay(m, f->len, l);
}
