/* SPDX-License-Identifier: MIT */
#include "traffic.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rng.h"

/* Without any answer for so long the backend hangs. */
#define WAIT_MS     20000
/* Tries to find sectors that are not on their way before something must have come back.
 */
#define TRIES       8
/* Sectors of a barrier that has a write on either side. */
#define BARRIER_MAX 64U
#define DISCARD_MAX 512U
#define DIRECT_MAX  ((uint64_t)BLKFRONT_DIRECT * BLK_PAGE_SECTORS)

static const uint8_t op_of[KINDS] = {
	[READ] = BLKIF_OP_READ,
	[WRITE] = BLKIF_OP_WRITE,
	[FLUSH] = BLKIF_OP_FLUSH_DISKCACHE,
	[BARRIER] = BLKIF_OP_WRITE_BARRIER,
	[DISCARD] = BLKIF_OP_DISCARD,
};

void tally_bad(struct tally *t, const char *fmt, ...)
{
	va_list ap;

	if (t->bad++)
		return;
	va_start(ap, fmt);
	vsnprintf(t->why, sizeof(t->why), fmt, ap);
	va_end(ap);
}

static uint64_t rng_from(struct traffic *t, uint64_t min, uint64_t max)
{
	return min + rng_next(&t->rng) % (max - min + 1);
}

/* ---- What is asked --------------------------------------------------------------- */

static enum kind pick_kind(struct traffic *t)
{
	static const struct {
		enum kind kind;
		unsigned int percent;
	} row[] = {
		{ READ, 40 }, { WRITE, 34 }, { FLUSH, 8 }, { BARRIER, 8 }, { DISCARD, 10 }
	};
	uint64_t at = rng_next(&t->rng) % 100;
	size_t i = 0;

	while (at >= row[i].percent)
		at -= row[i++].percent;
	return row[i].kind;
}

/* Most are small, some as large as they may be. */
static uint64_t pick_length(struct traffic *t, enum kind kind)
{
	uint64_t most = (uint64_t)blkfront_info(t->bf)->segments * BLK_PAGE_SECTORS;
	uint64_t size = rng_next(&t->rng) % 100;

	switch (kind) {
	case DISCARD:
		return rng_from(t, 1, DISCARD_MAX);
	case FLUSH:
	case BARRIER:
		/* Some have no data. */
		return size < 30 ? 0
		                 : rng_from(t, 1, size < 90 ? BARRIER_MAX : DIRECT_MAX);
	default:
		if (size < 65)
			return rng_from(t, 1, 16);
		return rng_from(t, 1, size < 96 ? DIRECT_MAX : most);
	}
}

static bool pick_place(struct traffic *t, uint64_t n, uint64_t *first)
{
	for (unsigned int i = 0; i < TRIES; i++) {
		*first = t->first + rng_next(&t->rng) % (t->sectors - n + 1);
		/* Whole pages now and then, and the last sector. */
		if (i % 4 == 1)
			*first &= ~UINT64_C(7);
		if (i % 8 == 2)
			*first = t->first + t->sectors - n;
		if (model_free(t->model, *first, n))
			return true;
	}
	return false;
}

static struct flight *flight_new(struct traffic *t)
{
	struct flight *f = t->flight;

	while (f->active)
		f++;
	return f;
}

/*
 * Put a request on the ring; what it covers is claimed, for a group of requests by each
 * of them. Return: 0 or -errno.
 */
static int issue(struct traffic *t, enum kind kind, uint64_t first, uint64_t n)
{
	uint64_t offset = first * BLK_SECTOR, done = 0;

	do {
		uint64_t len =
			blkfront_req_max(blkfront_info(t->bf), op_of[kind], offset);
		struct flight *f = flight_new(t);
		struct blkfront_req *req;
		int rc;

		if (len > (n - done) * BLK_SECTOR)
			len = (n - done) * BLK_SECTOR;
		rc = blkfront_get(t->bf, t->queue, op_of[kind], offset, len, &req);
		if (rc)
			return rc;
		*f = (struct flight){ kind, true, t->order++, offset / BLK_SECTOR,
			              len / BLK_SECTOR };
		req->cookie = f;
		/* Of a backend that does not offer secure ones it means nothing. */
		if (kind == DISCARD && rng_next(&t->rng) % 2)
			req->flag = BLKIF_DISCARD_SECURE;
		model_claim(t->model, f->first, f->n);
		if (kind == DISCARD)
			model_discard(t->model, f->first, f->n);
		else if (kind != READ)
			model_write(t->model, kind, f->first, f->n, req->buf);
		blkfront_queue(t->bf, req);
		t->active++;
		t->barriers += kind == BARRIER;
		t->bytes += kind == DISCARD ? 0 : len;
		offset += len;
		done += len / BLK_SECTOR;
	} while (done < n);
	return 0;
}

/*
 * A barrier between two writes of the same sectors, all three on the ring at once: the
 * last one must be what stays.
 */
static int issue_barrier(struct traffic *t, uint64_t first, uint64_t n)
{
	int rc = n ? issue(t, WRITE, first, n) : 0;

	if (!rc)
		rc = issue(t, BARRIER, first, n);
	if (!rc && n)
		rc = issue(t, WRITE, first, n);
	return rc;
}

/* Return: whether one was begun. */
static bool begin(struct traffic *t)
{
	enum kind kind = pick_kind(t);
	uint64_t n = pick_length(t, kind), first = t->first;
	int rc;

	if (n > t->sectors / 4)
		n = t->sectors / 4;
	if (n && !pick_place(t, n, &first))
		return false;
	rc = kind == BARRIER ? issue_barrier(t, first, n) : issue(t, kind, first, n);
	/* What is on its way holds all pages. */
	if (rc && rc != -EAGAIN) {
		tally_bad(&t->tally[kind], "cannot be sent: %s", strerror(-rc));
		t->error = rc;
	}
	return !rc;
}

/* ---- What is answered ------------------------------------------------------------ */

static bool writes(enum kind kind)
{
	return kind != READ;
}

/*
 * What a barrier promises of the ring it is on: all writes before it are complete when it
 * is, and none behind it is complete before it.
 */
static void check_order(struct traffic *t, const struct flight *f)
{
	if (!t->barriers || !writes(f->kind))
		return;
	for (unsigned int i = 0; i < t->depth; i++) {
		const struct flight *o = &t->flight[i];

		if (!o->active || o == f || !writes(o->kind) || o->order > f->order)
			continue;
		if (f->kind == BARRIER)
			tally_bad(&t->tally[BARRIER],
			          "request %" PRIu64
			          ", a barrier, was answered before request %" PRIu64
			          ", a %s",
			          f->order, o->order, kind_name[o->kind]);
		else if (o->kind == BARRIER)
			tally_bad(&t->tally[BARRIER],
			          "request %" PRIu64
			          ", a %s, was answered before request %" PRIu64
			          ", a barrier",
			          f->order, kind_name[f->kind], o->order);
	}
}

static void answered(struct traffic *t, struct blkfront_req *req)
{
	struct flight *f = req->cookie;
	struct tally *tally = &t->tally[f->kind];
	uint64_t at;
	char why[200];

	check_order(t, f);
	if (req->result)
		tally_bad(tally, "sectors %" PRIu64 " to %" PRIu64 ": %s", f->first,
		          f->first + f->n, strerror(-req->result));
	else if (f->kind == READ &&
	         !model_check(t->model, f->first, f->n, req->buf, &at, why, sizeof(why)))
		tally_bad(tally, "%s", why);
	else
		tally->done++;
	model_release(t->model, f->first, f->n);
	t->barriers -= f->kind == BARRIER;
	t->active--;
	f->active = false;
	blkfront_put(t->bf, req);
}

static void *finish(struct traffic *t)
{
	free(take_ptr(t->flight));
	return NULL;
}

void *traffic_run(void *arg)
{
	struct traffic *t = arg;
	struct blkfront_req *req;
	bool any;
	int rc;

	t->depth = BLKFRONT_SLOTS(blkfront_info(t->bf)->order);
	t->flight = calloc(t->depth, sizeof(*t->flight));
	t->error = t->flight ? 0 : -ENOMEM;
	while (!t->error && (t->left || t->active)) {
		/* A barrier is three requests, of two parts each at most. */
		while (t->left && t->active + 6 <= t->depth && begin(t))
			t->left--;
		blkfront_kick(t->bf, t->queue);
		for (any = false; (rc = blkfront_reap(t->bf, t->queue, &req)) == 1;
		     any = true)
			answered(t, req);
		if (!rc && !any && t->active)
			rc = blkfront_wait(t->bf, t->queue, WAIT_MS);
		t->error = t->error ? t->error : rc;
	}
	if (t->error == -ETIMEDOUT)
		for (unsigned int i = 0; i < t->depth; i++)
			if (t->flight[i].active)
				tally_bad(&t->tally[t->flight[i].kind],
				          "request %" PRIu64 " is not answered",
				          t->flight[i].order);
	return finish(t);
}
