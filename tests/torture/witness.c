/* SPDX-License-Identifier: MIT */
#include "witness.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So many of a queue are remembered: more than can be on their way. */
#define WINDOW  1024U
/* Sectors of the largest request. */
#define SECTORS 2816U

/**
 * struct seen - A write
 * @flying:	Of it with storage now
 * @again:	Some sector of it was seen twice
 * @times:	How often each sector was; or NULL, the entry is not in use
 */
struct seen {
	struct stamp s;
	uint32_t flying;
	bool again;
	uint8_t *times;
};

struct witness {
	uint32_t orders;
	uint64_t again;
	struct seen seen[WITNESS_QUEUES][WINDOW];
};

int witness_new(struct witness **w, uint32_t orders)
{
	*w = calloc(1, sizeof(**w));
	if (!*w)
		return -ENOMEM;
	(*w)->orders = orders;
	return 0;
}

void witness_free(struct witness *w)
{
	for (size_t i = 0; w && i < (size_t)WITNESS_QUEUES * WINDOW; i++)
		free(w->seen[i / WINDOW][i % WINDOW].times);
	free(w);
}

uint64_t witness_again(const struct witness *w)
{
	return w->again;
}

static bool must_wait(const struct witness *w, const struct stamp *a,
                      const struct stamp *b)
{
	if (w->orders & (1U << a->kind | 1U << b->kind))
		return true;
	return a->first < b->first + b->n && b->first < a->first + a->n;
}

/* Return: its entry; NULL: it is none that can be followed. */
static struct seen *entry(struct witness *w, const struct stamp *s)
{
	struct seen *e;

	if (s->queue >= WITNESS_QUEUES || s->n > SECTORS || s->kind >= 32 ||
	    s->sector < s->first || s->sector - s->first >= s->n)
		return NULL;
	e = &w->seen[s->queue][s->order % WINDOW];
	if (e->times && e->s.write == s->write)
		return e;
	free(e->times);
	*e = (struct seen){ .s = *s, .times = calloc(s->n, 1) };
	return e->times ? e : NULL;
}

static bool complain(const struct seen *old, const struct seen *young, const char *what,
                     char *why, size_t size)
{
	snprintf(why, size,
	         "queue %u: request %u, %u sectors from %" PRIu64
	         " on, %s when request %u, "
	         "%u sectors from %" PRIu64 " on, was done again",
	         old->s.queue, old->s.order, old->s.n, old->s.first, what, young->s.order,
	         young->s.n, young->s.first);
	return false;
}

bool witness_begin(struct witness *w, const struct stamp *s, uint32_t n, char *why,
                   size_t size)
{
	struct seen *e = entry(w, s);
	uint64_t at = s->sector - s->first;

	if (!e)
		return true;
	e->flying++;
	for (uint64_t i = at; i < at + n && i < e->s.n; i++) {
		if (e->times[i] < UINT8_MAX)
			e->times[i]++;
		if (e->times[i] > 1 && !e->again) {
			e->again = true;
			w->again++;
		}
	}
	for (uint32_t i = 0; i < WINDOW; i++) {
		const struct seen *o = &w->seen[s->queue][i];
		int32_t age;

		if (!o->times || o == e || !must_wait(w, &o->s, &e->s))
			continue;
		age = (int32_t)(e->s.order - o->s.order);
		if (age > 0 && e->again && o->flying)
			return complain(o, e, "was on its way", why, size);
		if (age < 0 && o->again)
			return complain(e, o, "was still to come", why, size);
	}
	return true;
}

void witness_end(struct witness *w, const struct stamp *s)
{
	struct seen *e = entry(w, s);

	if (e && e->flying)
		e->flying--;
}
