/* SPDX-License-Identifier: MIT */
#include "blk_ring.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "clock.h"

/* A response as the guest sees it; blkif_response with its padding named. */
struct blk_rsp {
	uint64_t id;
	uint8_t op;
	uint8_t pad;
	int16_t status;
	uint32_t pad2;
};

_Static_assert(sizeof(struct blk_rsp) == sizeof(struct blkif_response) &&
                       offsetof(struct blk_rsp, op) ==
                               offsetof(struct blkif_response, operation) &&
                       offsetof(struct blk_rsp, status) ==
                               offsetof(struct blkif_response, status),
               "response");

void blk_ring_init(struct blk_ring *r)
{
	r->free = UINT32_MAX;
}

/*
 * The clock is asked at most twice a turn: when there is something to be done, and again
 * after the grant copy, which takes time.
 */
static uint64_t blk_now(struct blk_ring *r)
{
	if (!r->now)
		r->now = clock_ns();
	return r->now;
}

static void blk_count_answer(struct blk_ring *r, uint32_t i)
{
	const struct blk_req *req = &r->rec[i].req;
	uint64_t ns = blk_now(r) - r->io[i].taken;
	struct blk_stats *s = r->stats;

	switch (req->op) {
	case BLKIF_OP_READ:
		stats_add(&s->reads, 1);
		stats_add(&s->read_bytes, req->len);
		hist_add(r->hist[BLK_HIST_read], ns);
		break;
	case BLKIF_OP_WRITE:
		stats_add(&s->writes, 1);
		stats_add(&s->write_bytes, req->len);
		hist_add(r->hist[BLK_HIST_write], ns);
		break;
	default:
		stats_add(&s->flushes, 1);
		stats_add(&s->write_bytes, req->len);
		hist_add(r->hist[BLK_HIST_flush], ns);
		break;
	}
}

/* The only place that answers: each record once, when no grant of it is in use. */
static void blk_answer(struct blk_ring *r, uint32_t i, int16_t status)
{
	struct blk_rec *rec = &r->rec[i];
	struct blk_rsp rsp = { .id = rec->req.id, .op = rec->req.op, .status = status };

	assert(!(r->free & 1U << i));
	if (status == BLKIF_RSP_OKAY)
		blk_count_answer(r, i);
	stats_add(&r->stats->answers, 1);
	ring_respond(&r->ring, &rsp, sizeof(rsp));
	rec->state = BLK_FREE;
	r->free |= 1U << i;
}

static void blk_submit(struct blk_ring *r, uint32_t i, enum store_op op)
{
	struct store_io *io = &r->io[i].io;

	io->op = op;
	io->off = r->rec[i].req.off;
	io->iov = r->io[i].iov;
	io->pooled = r->io[i].bounced;
	io->durable = r->flush_failed;
	r->rec[i].state = BLK_SUBMITTED;
	r->io[i].begun = blk_now(r);
	r->store->ops->submit(r->store, io);
}

/* Memory is in place: for a flush with data the flush comes first (xen/io/blkif.h). */
static void blk_begin(struct blk_ring *r, uint32_t i)
{
	static const enum store_op first[] = {
		[BLKIF_OP_READ] = STORE_READ,
		[BLKIF_OP_WRITE] = STORE_WRITE,
		[BLKIF_OP_FLUSH_DISKCACHE] = STORE_FLUSH,
	};

	blk_submit(r, i, first[r->rec[i].req.op]);
}

/* Put the request's segments in the next grant copy. */
static void blk_copy(struct blk_ring *r, uint32_t i, enum gnt_dir dir)
{
	const struct blk_req *req = &r->rec[i].req;
	uint8_t *local = r->bounce + (size_t)i * BLK_BOUNCE;

	r->io[i].copy = gnt_batch_len(r->batch);
	for (uint32_t s = 0; s < req->nseg; s++) {
		const struct blk_seg *seg = &req->seg[s];

		gnt_batch_add(r->batch, dir, seg->gref, seg->off, local, seg->len);
		local += seg->len;
	}
	r->rec[i].state = BLK_COPYING;
	r->copying[r->ncopying++] = (uint8_t)i;
}

/* Describe the mapped pages, neighbours merged. Return: false when one is not mapped. */
static bool blk_use_mapped(struct blk_ring *r, uint32_t i)
{
	const struct blk_req *req = &r->rec[i].req;
	struct iovec *iov = r->io[i].iov;
	unsigned int n = 0;

	if (!r->pmap)
		return false;
	for (uint32_t s = 0; s < req->nseg; s++) {
		const struct blk_seg *seg = &req->seg[s];
		char *page = blk_pmap_find(r->pmap, seg->gref);

		if (!page)
			return false;
		if (n &&
		    (char *)iov[n - 1].iov_base + iov[n - 1].iov_len == page + seg->off)
			iov[n - 1].iov_len += seg->len;
		else
			iov[n++] = (struct iovec){ page + seg->off, seg->len };
	}
	r->io[i].io.niov = n;
	r->io[i].bounced = false;
	return true;
}

static void blk_use_bounce(struct blk_ring *r, uint32_t i)
{
	r->io[i].iov[0] =
		(struct iovec){ r->bounce + (size_t)i * BLK_BOUNCE, r->rec[i].req.len };
	r->io[i].io.niov = 1;
	r->io[i].bounced = true;
}

/* Choose the memory of a request just taken, and set it going. */
static void blk_place(struct blk_ring *r, uint32_t i)
{
	const struct blk_req *req = &r->rec[i].req;

	if (req->op == BLKIF_OP_FLUSH_DISKCACHE && r->flush_failed) {
		blk_answer(r, i, BLKIF_RSP_ERROR);
	} else if (!req->nseg && r->lim.ro) {
		/* Nothing was ever written. */
		blk_answer(r, i, BLKIF_RSP_OKAY);
	} else if (!req->nseg || blk_use_mapped(r, i)) {
		blk_begin(r, i);
	} else {
		blk_use_bounce(r, i);
		if (req->op == BLKIF_OP_READ)
			blk_begin(r, i);
		else
			blk_copy(r, i, GNT_FROM_GUEST);
	}
}

/* Take one request. Return: its record, or -1 when it was refused, and so answered. */
static int blk_take_one(struct blk_ring *r)
{
	uint32_t i = (uint32_t)__builtin_ctz(r->free);
	struct blk_req *req = &r->rec[i].req;
	struct blkif_request wire;
	struct blk_fault fault;

	ring_take(&r->ring, &wire, sizeof(wire));
	r->free &= ~(1U << i);
	r->io[i].taken = blk_now(r);
	if (blk_req_parse(&wire, &r->lim, req, &fault) != V_OK) {
		stats_add(&r->stats->refused, 1);
		log_guest(&r->limit, r->tag, "request refused: %s (operation %u)",
		          fault.why, wire.operation);
		blk_answer(r, i, fault.status);
		return -1;
	}
	if (r->pmap)
		for (uint32_t s = 0; s < req->nseg; s++)
			blk_pmap_want(r->pmap, req->seg[s].gref);
	return (int)i;
}

static enum verdict blk_take(struct blk_ring *r)
{
	uint8_t taken[BLK_DEPTH];
	uint32_t waiting, n = 0;

	/* No more than there are free records: a record is held by an unanswered slot. */
	if (ring_requests(&r->ring, &waiting) != V_OK)
		return V_FATAL;
	stats_add(&r->stats->requests, waiting);
	while (waiting--) {
		int i = blk_take_one(r);

		if (i >= 0)
			taken[n++] = (uint8_t)i;
	}
	if (r->pmap)
		stats_add(&r->stats->map_pages, blk_pmap_fill(r->pmap));
	for (uint32_t k = 0; k < n; k++)
		blk_place(r, taken[k]);
	return V_OK;
}

static void blk_io_failed(struct blk_ring *r, uint32_t i)
{
	const struct store_io *io = &r->io[i].io;
	static const char *const name[] = {
		[STORE_READ] = "read", [STORE_WRITE] = "write", [STORE_FLUSH] = "flush"
	};

	stats_add(&r->stats->io_errors, 1);
	log_guest(&r->limit, r->tag, "%s at byte %llu failed: %s", name[io->op],
	          (unsigned long long)io->off, strerror(-io->err));
	/* The kernel forgets what it could not write, so a second flush proves nothing.
	 */
	if (io->op == STORE_FLUSH && !r->flush_failed) {
		r->flush_failed = true;
		log_err(r->tag, "flush failed: writes may be lost; from now on each "
		                "write is made durable and flushes fail, until the "
		                "guest reconnects");
	}
	blk_answer(r, i, io->err == -EOPNOTSUPP ? BLKIF_RSP_EOPNOTSUPP : BLKIF_RSP_ERROR);
}

static void blk_reap(struct blk_ring *r)
{
	struct store_io *done = r->store->ops->reap(r->store), *next;

	for (; done; done = next) {
		struct blk_io *io = container_of(done, struct blk_io, io);
		uint32_t i = (uint32_t)(io - r->io);
		const struct blk_req *req = &r->rec[i].req;

		next = done->next;
		assert(r->rec[i].state == BLK_SUBMITTED);
		hist_add(r->hist[BLK_HIST_storage], blk_now(r) - io->begun);
		if (io->io.err)
			blk_io_failed(r, i);
		else if (io->io.op == STORE_FLUSH && req->nseg)
			blk_submit(r, i, STORE_WRITE);
		else if (io->io.op == STORE_READ && io->bounced)
			blk_copy(r, i, GNT_TO_GUEST);
		else
			blk_answer(r, i, BLKIF_RSP_OKAY);
	}
}

/* One grant copy for all: data of writes just taken, and of reads just completed. */
static void blk_copied(struct blk_ring *r)
{
	uint32_t n = r->ncopying;

	if (!n)
		return;
	stats_add(&r->stats->copy_calls, 1);
	stats_add(&r->stats->copy_segs, gnt_batch_len(r->batch));
	gnt_batch_run(r->batch);
	r->now = 0;
	r->ncopying = 0;
	for (uint32_t k = 0; k < n; k++) {
		uint32_t i = r->copying[k];
		const struct blk_req *req = &r->rec[i].req;

		if (!gnt_batch_ok(r->batch, r->io[i].copy, req->nseg)) {
			stats_add(&r->stats->bad_grants, 1);
			log_guest(&r->limit, r->tag,
			          "request failed: a grant cannot be copied "
			          "(operation %u)",
			          req->op);
			blk_answer(r, i, BLKIF_RSP_ERROR);
		} else if (req->op == BLKIF_OP_READ) {
			blk_answer(r, i, BLKIF_RSP_OKAY);
		} else {
			blk_begin(r, i);
		}
	}
}

enum verdict blk_ring_turn(struct blk_ring *r, bool take)
{
	enum verdict v = V_OK;

	r->now = 0;
	blk_reap(r);
	if (take)
		v = blk_take(r);
	blk_copied(r);
	return v;
}
