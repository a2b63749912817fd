/* SPDX-License-Identifier: MIT */
#include "drive.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "rng.h"
#include "stamp.h"

/* Without any answer for so long the backend hangs. */
#define PATIENCE_MS 20000
#define SMALL_MAX   16U
#define DISCARD_MAX 64U
/* Every other request is within these: they meet. */
#define HOT         96U

_Static_assert(STAMP_BYTES == BLK_SECTOR, "a stamp for each sector");

static const uint8_t op_of[HISTORY_KINDS] = {
	[HISTORY_READ] = BLKIF_OP_READ,
	[HISTORY_WRITE] = BLKIF_OP_WRITE,
	[HISTORY_DISCARD] = BLKIF_OP_DISCARD,
	[HISTORY_FLUSH] = BLKIF_OP_FLUSH_DISKCACHE,
	[HISTORY_BARRIER] = BLKIF_OP_WRITE_BARRIER,
};

/**
 * struct flight - A request on its way
 * @serial:	Its place among all requests
 * @order:	And on the ring
 */
struct flight {
	struct history_op op;
	uint64_t serial;
	uint32_t order;
	bool active;
};

/**
 * struct lane - A queue
 * @order:	Requests begun
 * @barriers:	On their way
 */
struct lane {
	unsigned int queue;
	uint32_t order;
	unsigned int active;
	unsigned int barriers;
	struct flight *flight;
};

static uint32_t below(struct drive *d, uint32_t n)
{
	return (uint32_t)(rng_next(&d->rng) % n);
}

static int printf_like(2, 3) wrong(const struct drive *d, const char *fmt, ...)
{
	char text[320];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_err(blkfront_tag(d->bf),
	        "WRONG: %s (seed %" PRIu64 ", after %" PRIu64 " requests)", text, d->seed,
	        d->begun);
	return -EILSEQ;
}

/* ---- What is asked --------------------------------------------------------------- */

static enum history_kind pick_kind(struct drive *d)
{
	uint32_t sum = 0, at;
	unsigned int k = 0;

	for (unsigned int i = 0; i < HISTORY_KINDS; i++)
		sum += d->weight[i];
	at = sum ? below(d, sum) : 0;
	while (at >= d->weight[k])
		at -= d->weight[k++];
	return (enum history_kind)k;
}

static uint32_t pick_length(struct drive *d, enum history_kind kind)
{
	uint32_t most = blkfront_info(d->bf)->segments * BLK_PAGE_SECTORS;
	uint32_t dice = below(d, 100);

	if (kind == HISTORY_DISCARD)
		return 1 + below(d, DISCARD_MAX);
	if (kind >= HISTORY_FLUSH)
		return dice < 50 ? 0 : 1 + below(d, SMALL_MAX);
	if (dice < 88)
		return 1 + below(d, SMALL_MAX);
	return 1 + below(d, dice < 95 ? BLKFRONT_DIRECT * BLK_PAGE_SECTORS : most);
}

static void pick(struct drive *d, struct history_op *op)
{
	uint64_t most, at;
	bool page;

	*op = (struct history_op){ .kind = pick_kind(d) };
	op->n = pick_length(d, op->kind);
	page = op->n && op->kind <= HISTORY_WRITE && below(d, 3) == 0;
	if (page)
		op->n = BLK_PAGE_SECTORS;
	if (!op->n)
		return;
	if (op->n > d->sectors)
		op->n = (uint32_t)d->sectors;
	at = below(d, op->n <= HOT && below(d, 2) ? HOT - op->n + 1
	                                          : (uint32_t)(d->sectors - op->n) + 1);
	if (page)
		at -= at % BLK_PAGE_SECTORS;
	most = blkfront_req_max(blkfront_info(d->bf), op_of[op->kind], at * BLK_SECTOR) /
	       BLK_SECTOR;
	op->first = at;
	op->n = op->n > most ? (uint32_t)most : op->n;
}

static void fill(const struct drive *d, const struct lane *l, const struct flight *f,
                 void *buf)
{
	struct stamp s = { .seed = d->seed,
		           .write = f->op.write,
		           .first = f->op.first,
		           .n = f->op.n,
		           .order = f->order,
		           .queue = l->queue,
		           .kind = f->op.kind };

	for (uint32_t i = 0; i < s.n; i++) {
		s.sector = s.first + i;
		stamp_put((uint8_t *)buf + (size_t)i * STAMP_BYTES, &s);
	}
}

/* Return: 0, -EAGAIN when there is no room, or -errno. */
static int issue(struct drive *d, struct lane *l, const struct history_op *op)
{
	struct flight *f = l->flight;
	struct blkfront_req *req;
	int rc = blkfront_get(d->bf, l->queue, op_of[op->kind], op->first * BLK_SECTOR,
	                      (uint64_t)op->n * BLK_SECTOR, &req);

	if (rc)
		return rc;
	while (f->active)
		f++;
	*f = (struct flight){
		.op = *op, .serial = d->begun, .order = l->order++, .active = true
	};
	f->op.write = (uint64_t)(l->queue + 1) << 40 | l->order;
	req->cookie = f;
	if (op->n && op->kind != HISTORY_READ && op->kind != HISTORY_DISCARD)
		fill(d, l, f, req->buf);
	history_begin(d->h, &f->op);
	blkfront_queue(d->bf, req);
	d->begun++;
	l->active++;
	l->barriers += op->kind == HISTORY_BARRIER;
	return 0;
}

static bool stopping(const struct drive *d)
{
	return *d->stop || d->failed;
}

static int issue_all(struct drive *d, struct lane *l)
{
	int rc = 0;

	/* Between a full ring and bursts. */
	unsigned int want = d->depth - below(d, 4) * d->depth / 8;

	while (!rc && !stopping(d) && l->active < want) {
		struct history_op op;

		pick(d, &op);
		rc = issue(d, l, &op);
	}
	blkfront_kick(d->bf, l->queue);
	return rc == -EAGAIN ? 0 : rc;
}

/* ---- What is answered ------------------------------------------------------------ */

/*
 * What a barrier promises of the ring it is on: all writes before it are complete when it
 * is, and none behind it is complete before it.
 */
static int check_barriers(const struct drive *d, const struct lane *l,
                          const struct flight *f)
{
	if (!l->barriers || f->op.kind == HISTORY_READ)
		return 0;
	for (unsigned int i = 0; i < d->depth; i++) {
		const struct flight *o = &l->flight[i];

		if (!o->active || o == f || o->op.kind == HISTORY_READ ||
		    (int32_t)(o->order - f->order) > 0)
			continue;
		if (f->op.kind == HISTORY_BARRIER || o->op.kind == HISTORY_BARRIER)
			return wrong(d,
			             "queue %u: request %u, a %s, was answered before "
			             "request %u, a %s",
			             l->queue, f->order, history_kind_name[f->op.kind],
			             o->order, history_kind_name[o->op.kind]);
	}
	return 0;
}

/* An error: is it one that there may be? */
static int check_result(struct drive *d, const struct flight *f, int result)
{
	enum history_kind k = f->op.kind;
	bool flush = k == HISTORY_FLUSH || k == HISTORY_BARRIER;

	if (!result && flush && d->flush_failed && f->serial >= d->flush_failed)
		return wrong(d, "a %s succeeded after a flush had failed",
		             history_kind_name[k]);
	if (!result)
		return 0;
	/* Linux takes it of these as "not any more"; of others as an error. */
	if (result == -EOPNOTSUPP && (flush || k == HISTORY_DISCARD)) {
		d->weight[k] = 0;
		return 0;
	}
	if (!d->may_fail || result == -EOPNOTSUPP)
		return wrong(d, "a %s of sectors %" PRIu64 " to %" PRIu64 " failed: %s",
		             history_kind_name[k], f->op.first, f->op.first + f->op.n,
		             strerror(-result));
	d->failed = true;
	/* With data it may be the write that failed. */
	if (flush && !f->op.n && !d->flush_failed)
		d->flush_failed = d->begun;
	return 0;
}

static void identify(const struct drive *d, uint64_t first, uint32_t n, const void *buf,
                     uint64_t *found)
{
	for (uint32_t i = 0; i < n; i++) {
		struct stamp s;

		switch (stamp_get((const uint8_t *)buf + (size_t)i * STAMP_BYTES, d->seed,
		                  &s)) {
		case STAMP_OK:
			found[i] = s.sector == first + i ? s.write : HISTORY_ALIEN;
			break;
		case STAMP_ZERO:
			found[i] = HISTORY_ZERO;
			break;
		default:
			found[i] = HISTORY_ALIEN;
		}
	}
}

/* A write as people can look for it. */
static const char *describe(uint64_t write, char *text, size_t size)
{
	if (write == HISTORY_ZERO || write == HISTORY_ALIEN)
		snprintf(text, size, "%s",
		         write == HISTORY_ZERO ? "zeros" : "not a sector of this run");
	else
		snprintf(text, size, "of queue %u, request %u",
		         (unsigned int)(write >> 40) - 1, (uint32_t)write - 1);
	return text;
}

static int judged(const struct drive *d, int rc, const struct history_fault *fault)
{
	char text[64];

	if (!rc)
		return 0;
	return wrong(d, "%s [%s]", fault->why,
	             describe(fault->write, text, sizeof(text)));
}

static int answered(struct drive *d, struct lane *l, struct blkfront_req *req)
{
	static uint64_t found[BLKFRONT_INDIRECT * BLK_PAGE_SECTORS];
	struct flight *f = req->cookie;
	struct history_fault fault;
	bool ok = !req->result;
	/* What was refused has not been done. */
	int rc = ok ? check_barriers(d, l, f) : 0;

	rc = rc ? rc : check_result(d, f, req->result);
	if (ok && f->op.kind == HISTORY_READ) {
		identify(d, f->op.first, f->op.n, req->buf, found);
		d->sectors_read += f->op.n;
	}
	if (!rc)
		rc = judged(d, history_end(d->h, &f->op, ok, found, &fault), &fault);
	d->done[f->op.kind] += ok;
	l->barriers -= f->op.kind == HISTORY_BARRIER;
	l->active--;
	f->active = false;
	blkfront_put(d->bf, req);
	return rc;
}

/* ---- The loop -------------------------------------------------------------------- */

static int lanes_new(struct drive *d)
{
	unsigned int n = blkfront_info(d->bf)->queues;

	d->lane = calloc(n, sizeof(*d->lane));
	if (!d->lane)
		return -ENOMEM;
	for (unsigned int q = 0; q < n; q++) {
		d->lane[q].queue = q;
		d->lane[q].flight = calloc(d->depth, sizeof(*d->lane[q].flight));
		if (!d->lane[q].flight)
			return -ENOMEM;
	}
	return 0;
}

static void lanes_free(struct drive *d)
{
	for (unsigned int q = 0; d->lane && q < blkfront_info(d->bf)->queues; q++)
		free(d->lane[q].flight);
	free(d->lane);
	d->lane = NULL;
}

static unsigned int in_flight(const struct drive *d)
{
	unsigned int n = 0;

	for (unsigned int q = 0; q < blkfront_info(d->bf)->queues; q++)
		n += d->lane[q].active;
	return n;
}

static int hangs(const struct drive *d)
{
	for (unsigned int q = 0; q < blkfront_info(d->bf)->queues; q++)
		for (unsigned int i = 0; i < d->depth; i++)
			if (d->lane[q].flight[i].active)
				return wrong(
					d,
					"queue %u: request %u, a %s, is not answered, "
					"nor %u others",
					q, d->lane[q].flight[i].order,
					history_kind_name[d->lane[q].flight[i].op.kind],
					in_flight(d) - 1);
	return -ETIMEDOUT;
}

/* Return: 1 something was answered, 0 nothing yet, or -errno. */
static int reap(struct drive *d)
{
	struct blkfront_req *req;
	int rc, any = 0;

	while ((rc = blkfront_reap(d->bf, BLKFRONT_ANY, &req)) == 1) {
		any = 1;
		rc = answered(d, &d->lane[req->queue], req);
		if (rc)
			return rc;
	}
	return rc ? rc : any;
}

/* Until something was answered; with nothing on its way there is nothing to wait for. */
static int wait_answer(struct drive *d)
{
	bool late = false;
	int rc;

	while (in_flight(d)) {
		rc = reap(d);
		if (rc == 1 && late)
			return wrong(d, "there were answers, and no event told so");
		if (rc)
			return rc < 0 ? rc : 0;
		if (late)
			return hangs(d);
		rc = blkfront_wait(d->bf, BLKFRONT_ANY, PATIENCE_MS);
		late = rc == -ETIMEDOUT;
		if (rc < 0 && !late)
			return rc;
	}
	return 0;
}

int drive_run(struct drive *d)
{
	int rc = lanes_new(d);

	while (!rc && (!stopping(d) || in_flight(d))) {
		for (unsigned int q = 0; !rc && q < blkfront_info(d->bf)->queues; q++)
			rc = issue_all(d, &d->lane[q]);
		if (!rc)
			rc = wait_answer(d);
	}
	lanes_free(d);
	return rc;
}

int drive_read_all(struct drive *d)
{
	static const volatile sig_atomic_t go;
	const volatile sig_atomic_t *stop = d->stop;
	uint64_t at = 0;
	int rc = lanes_new(d);

	d->stop = &go;
	while (!rc && at < d->sectors) {
		struct history_op op = { .kind = HISTORY_READ, .first = at };

		op.n = (uint32_t)(blkfront_req_max(blkfront_info(d->bf), BLKIF_OP_READ,
		                                   at * BLK_SECTOR) /
		                  BLK_SECTOR);
		if (op.n > d->sectors - at)
			op.n = (uint32_t)(d->sectors - at);
		rc = issue(d, &d->lane[0], &op);
		blkfront_kick(d->bf, 0);
		at += op.n;
		if (!rc)
			rc = wait_answer(d);
	}
	d->stop = stop;
	lanes_free(d);
	return rc;
}

int drive_survived(const struct drive *d, int image)
{
	uint8_t sector[STAMP_BYTES];
	struct history_fault fault;

	for (uint64_t i = 0; i < d->sectors; i++) {
		uint64_t found;
		int rc;

		if (pread(image, sector, sizeof(sector), (off_t)(i * STAMP_BYTES)) !=
		    (ssize_t)sizeof(sector))
			return log_errno(NULL, "what storage has kept");
		identify(d, i, 1, sector, &found);
		rc = judged(d, history_survived(d->h, i, found, &fault), &fault);
		if (rc)
			return rc;
	}
	return 0;
}
