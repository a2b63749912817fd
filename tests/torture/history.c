/* SPDX-License-Identifier: MIT */
/*
 * For each sector there are values (what a write or discard has written), and sightings.
 *
 * A value that is seen by a read which began after it was answered was there all the time
 * from that answer to the beginning of the last such read: its zone. Everything else took
 * place at some moment of an interval: a write between its beginning and answer, a
 * sighting of a value that was not answered when the read began between that and the end
 * of the read. There are right moments for all if and only if
 *
 *   - no two zones of different values meet, and
 *   - no interval of another value lies within a zone:
 *
 * zones that do not meet leave room between them, where what need not be within one has
 * its moment, with an effect of its write just before. So it suffices to look at pairs,
 * when a zone grows or an interval is known.
 *
 * Zeros are written by several discards. Of those that were answered the last one makes
 * the smallest zone. Where it might as well have been one on its way nothing follows from
 * a sighting of zeros: there, and only there, something wrong might be let through.
 *
 * Nothing is asked any more of what is older than the oldest request on its way (T): a
 * value that could not be seen from T on is forgotten, with its zone when that has ended
 * before T, and an interval when it has. What a forgotten one would have forbidden to a
 * value that is left is decided: it would have had to be answered before T, and was
 * tried.
 */
#include "history.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEVER UINT64_MAX
/* Forget when a sector has more than this of either. */
#define FEW   2U

/**
 * struct value
 * @begun, @acked: Of the write; NEVER: not answered
 * @seen:	Beginning of the last read that has found it after @acked; or 0
 * @optional:	It may have had no effect
 * @dead:	About to be forgotten
 */
struct value {
	uint64_t write;
	uint64_t begun, acked;
	uint64_t seen;
	bool optional;
	bool dead;
};

/** struct sight - A value was there at a moment between @from and @to */
struct sight {
	uint64_t write;
	uint64_t from, to;
};

/**
 * struct sector
 * @solid:	Beginning of the last barrier that wrote it and was answered
 */
struct sector {
	struct value *v;
	struct sight *s;
	uint32_t nv, ns;
	uint32_t max_v, max_s;
	uint64_t solid;
};

/**
 * struct history
 * @now:	A number for each event
 * @flushed:	Beginning of the last flush that was answered
 * @oldest, @newest: On their way
 */
struct history {
	uint64_t sectors;
	uint64_t now;
	uint64_t flushed;
	bool durable;
	struct history_op *oldest, *newest;
	struct sector *sector;
};

const char *const history_kind_name[HISTORY_KINDS] = {
	[HISTORY_READ] = "read",       [HISTORY_WRITE] = "write",
	[HISTORY_DISCARD] = "discard", [HISTORY_FLUSH] = "flush",
	[HISTORY_BARRIER] = "barrier",
};

int history_new(struct history **out, uint64_t sectors, bool durable)
{
	struct history *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	*h = (struct history){ .sectors = sectors,
		               .now = 1,
		               .durable = durable,
		               .sector = calloc(sectors, sizeof(*h->sector)) };
	if (!h->sector) {
		free(h);
		return -ENOMEM;
	}
	*out = h;
	return 0;
}

void history_free(struct history *h)
{
	if (!h)
		return;
	for (uint64_t i = 0; i < h->sectors; i++) {
		free(h->sector[i].v);
		free(h->sector[i].s);
	}
	free(h->sector);
	free(h);
}

/* ---- Pairs ----------------------------------------------------------------------- */

static bool has_zone(const struct value *v)
{
	return v->acked < v->seen;
}

/*
 * May @v, answered, be there from its answer to @until? Return: or else the write that
 * was there meanwhile, by way of @by.
 */
static bool zone_fits(const struct sector *sec, const struct value *v, uint64_t until,
                      uint64_t *by)
{
	for (uint32_t i = 0; i < sec->nv; i++) {
		const struct value *u = &sec->v[i];

		*by = u->write;
		if (u->write == v->write)
			continue;
		if (!u->optional && u->begun > v->acked && u->acked < until)
			return false;
		if (has_zone(u) && v->acked < u->seen && u->acked < until)
			return false;
	}
	for (uint32_t i = 0; i < sec->ns; i++) {
		const struct sight *s = &sec->s[i];

		*by = s->write;
		if (s->write != v->write && s->from > v->acked && s->to < until)
			return false;
	}
	return true;
}

/* Is there a moment for @write outside of the zones of the others? */
static bool interval_fits(const struct sector *sec, uint64_t write, uint64_t from,
                          uint64_t to, uint64_t *by)
{
	for (uint32_t i = 0; i < sec->nv; i++) {
		const struct value *u = &sec->v[i];

		*by = u->write;
		if (u->write != write && has_zone(u) && u->acked < from && to < u->seen)
			return false;
	}
	return true;
}

/* ---- A sector -------------------------------------------------------------------- */

/* Can it not be seen any more by who begins at @t or later? */
static bool is_dead(const struct sector *sec, const struct value *v, uint64_t t)
{
	uint64_t by;

	if (v->acked >= t || v->seen >= t)
		return false;
	/* Of discards only the one that was answered last is asked for. */
	for (uint32_t i = 0; i < sec->nv; i++)
		if (sec->v[i].write == v->write && sec->v[i].acked > v->acked &&
		    sec->v[i].acked < t)
			return true;
	return !zone_fits(sec, v, t, &by);
}

static void forget(struct sector *sec, uint64_t t)
{
	uint32_t n = 0;

	/* All are judged before any is gone. */
	for (uint32_t i = 0; i < sec->nv; i++)
		sec->v[i].dead = is_dead(sec, &sec->v[i], t);
	for (uint32_t i = 0; i < sec->nv; i++)
		if (!sec->v[i].dead)
			sec->v[n++] = sec->v[i];
	sec->nv = n;
	n = 0;
	for (uint32_t i = 0; i < sec->ns; i++)
		if (sec->s[i].to >= t)
			sec->s[n++] = sec->s[i];
	sec->ns = n;
}

static bool room(void **mem, uint32_t n, uint32_t *max, size_t size)
{
	uint32_t want = *max ? *max * 2 : 4;
	void *more;

	if (n < *max)
		return true;
	more = realloc(*mem, want * size);
	if (!more)
		return false;
	*mem = more;
	*max = want;
	return true;
}

/* As far back as somebody may still ask. */
static uint64_t horizon(const struct history *h)
{
	uint64_t t = h->oldest ? h->oldest->begun : h->now;

	return h->durable && h->flushed < t ? h->flushed : t;
}

/* For one more of *@n values or sights of @sec: what nobody asks for any more gives way.
 */
static bool make_room(const struct history *h, struct sector *sec, void **mem,
                      const uint32_t *n, uint32_t *max, size_t size)
{
	if (*n > FEW)
		forget(sec, horizon(h));
	return room(mem, *n, max, size);
}

/* Zeros from the beginning are a value as any other. */
static bool add_value(struct history *h, struct sector *sec, const struct value *v)
{
	if (!make_room(h, sec, (void **)&sec->v, &sec->nv, &sec->max_v, sizeof(*sec->v)))
		return false;
	sec->v[sec->nv++] = *v;
	return true;
}

static bool add_sight(struct history *h, struct sector *sec, const struct sight *s)
{
	if (!make_room(h, sec, (void **)&sec->s, &sec->ns, &sec->max_s, sizeof(*sec->s)))
		return false;
	sec->s[sec->ns++] = *s;
	return true;
}

static int no_memory(struct history_fault *fault)
{
	snprintf(fault->why, sizeof(fault->why), "out of memory for the history");
	return -ENOMEM;
}

static bool touch(struct history *h, struct sector *sec)
{
	const struct value zero = { .write = HISTORY_ZERO, .optional = true };

	return sec->nv || add_value(h, sec, &zero);
}

static void name(char *to, size_t size, uint64_t write)
{
	if (write == HISTORY_ZERO)
		snprintf(to, size, "zeros");
	else if (write == HISTORY_ALIEN)
		snprintf(to, size, "what nobody has written");
	else
		snprintf(to, size, "write %" PRIu64, write);
}

/* @by: Another write that is part of @why, or NULL */
static int wrong(struct history_fault *fault, const char *what, uint64_t write,
                 const char *why, const uint64_t *by)
{
	char has[40], other[40] = "";

	name(has, sizeof(has), write);
	if (by)
		name(other, sizeof(other), *by);
	fault->write = write;
	snprintf(fault->why, sizeof(fault->why), "sector %" PRIu64 " %s %s, %s%s",
	         fault->sector, what, has, why, other);
	return -EILSEQ;
}

/**
 * struct look - What a sector was found to hold
 * @from, @to:	When
 * @what:	"holds"
 */
struct look {
	uint64_t write;
	uint64_t from, to;
	const char *what;
};

static bool is_short(const struct value *v, const struct look *l)
{
	return l->from <= v->acked;
}

static struct sight sight_of(const struct value *v, const struct look *l)
{
	return (struct sight){ v->write, v->begun > l->from ? v->begun : l->from,
		               v->acked < l->to ? v->acked : l->to };
}

static bool value_fits(const struct sector *sec, const struct value *v,
                       const struct look *l, uint64_t *by)
{
	struct sight s = sight_of(v, l);

	return is_short(v, l) ? interval_fits(sec, v->write, s.from, s.to, by)
	                      : zone_fits(sec, v, l->from, by);
}

/*
 * Which value is it? Of zeros that were there already the last answered one, or one that
 * was on its way. @sure: it can be no other.
 */
static int seen(const struct sector *sec, const struct look *l, uint32_t *at, bool *sure,
                struct history_fault *fault)
{
	const struct value *lasting = NULL;
	uint32_t found = 0, fits = 0;
	uint64_t by = 0;
	bool old = true;

	for (uint32_t i = 0; i < sec->nv; i++) {
		const struct value *v = &sec->v[i];

		if (v->write != l->write || v->begun > l->to)
			continue;
		if (!is_short(v, l) && (!lasting || lasting->acked < v->acked))
			lasting = v;
	}
	for (uint32_t i = 0; i < sec->nv; i++) {
		const struct value *v = &sec->v[i];

		if (v->write != l->write || v->begun > l->to ||
		    (!is_short(v, l) && v != lasting))
			continue;
		found++;
		if (!value_fits(sec, v, l, &by)) {
			old = !is_short(v, l);
			continue;
		}
		fits++;
		*at = i;
	}
	*sure = fits == 1;
	if (!found)
		return wrong(fault, l->what, l->write,
		             "which was overwritten long ago or never written", NULL);
	if (fits)
		return 0;
	return wrong(fault, l->what, l->write,
	             old ? "which is older than " : "while it must hold ", &by);
}

/* Was something written while it was looked at? */
static bool is_torn(const struct sector *sec, const struct history_op *op)
{
	for (uint32_t i = 0; i < sec->nv; i++)
		if (sec->v[i].acked > op->begun)
			return true;
	return false;
}

static int end_read(struct history *h, struct sector *sec, const struct history_op *op,
                    uint64_t write, struct history_fault *fault)
{
	const struct look l = { write, op->begun, h->now, "holds" };
	struct value *v;
	struct sight s;
	uint32_t at;
	bool sure;
	int rc;

	if (!touch(h, sec))
		return no_memory(fault);
	if (write == HISTORY_ALIEN && is_torn(sec, op))
		return 0;
	rc = seen(sec, &l, &at, &sure, fault);
	if (rc || !sure)
		return rc;
	v = &sec->v[at];
	if (!is_short(v, &l)) {
		v->seen = v->seen > l.from ? v->seen : l.from;
		return 0;
	}
	s = sight_of(v, &l);
	return add_sight(h, sec, &s) ? 0 : no_memory(fault);
}

static int end_write(struct history *h, struct sector *sec, const struct history_op *op,
                     bool ok, struct history_fault *fault)
{
	struct value *v = NULL;
	uint64_t by;

	for (uint32_t i = 0; i < sec->nv; i++)
		if (sec->v[i].begun == op->begun)
			v = &sec->v[i];
	assert(v);
	v->acked = h->now;
	v->optional |= !ok;
	if (ok && op->kind == HISTORY_BARRIER)
		sec->solid = sec->solid > op->begun ? sec->solid : op->begun;
	if (v->optional || interval_fits(sec, v->write, v->begun, v->acked, &by))
		return 0;
	return wrong(fault, "never held", v->write, "which was answered, but ", &by);
}

/* ---- Requests -------------------------------------------------------------------- */

static bool writes(const struct history_op *op)
{
	return op->kind != HISTORY_READ && op->n;
}

void history_begin(struct history *h, struct history_op *op)
{
	assert(op->first + op->n <= h->sectors);
	op->begun = h->now++;
	op->newer = NULL;
	op->older = h->newest;
	*(h->newest ? &h->newest->newer : &h->oldest) = op;
	h->newest = op;
	for (uint64_t i = op->first; writes(op) && i < op->first + op->n; i++) {
		bool discard = op->kind == HISTORY_DISCARD;
		const struct value v = { .write = discard ? HISTORY_ZERO : op->write,
			                 .begun = op->begun,
			                 .acked = NEVER,
			                 .optional = discard };
		bool good = touch(h, &h->sector[i]) && add_value(h, &h->sector[i], &v);

		/* A model that has lost a write is none. */
		if (!good)
			abort();
	}
}

int history_end(struct history *h, struct history_op *op, bool ok, const uint64_t *found,
                struct history_fault *fault)
{
	int rc = 0;

	for (uint32_t i = 0; i < op->n && !rc; i++) {
		struct sector *sec = &h->sector[op->first + i];

		fault->sector = op->first + i;
		if (op->kind != HISTORY_READ)
			rc = end_write(h, sec, op, ok, fault);
		else if (ok)
			rc = end_read(h, sec, op, found[i], fault);
	}
	if (ok && (op->kind == HISTORY_FLUSH || op->kind == HISTORY_BARRIER) &&
	    op->begun > h->flushed)
		h->flushed = op->begun;
	h->now++;
	*(op->older ? &op->older->newer : &h->oldest) = op->newer;
	*(op->newer ? &op->newer->older : &h->newest) = op->older;
	return rc;
}

int history_survived(const struct history *h, uint64_t sector, uint64_t found,
                     struct history_fault *fault)
{
	const struct sector *sec = &h->sector[sector];
	const struct look l = { found, h->flushed, h->now, "has kept" };
	uint32_t at;
	bool sure;
	int rc;

	fault->sector = sector;
	if (!sec->nv && found == HISTORY_ZERO)
		return 0;
	rc = seen(sec, &l, &at, &sure, fault);
	if (!rc && sure && sec->v[at].acked < sec->solid)
		rc = wrong(fault, l.what, found, "which is older than a barrier", NULL);
	return rc;
}
