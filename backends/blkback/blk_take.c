/* SPDX-License-Identifier: MIT */
/* Requests on their way in: copied once, judged, given memory; or held until there is. */
#include "blk_ring.h"

#include <assert.h>
#include <string.h>

static void blk_hold(struct blk_ring *r, struct blk_io *io)
{
	assert(!r->held);
	if (io->state != BLK_HELD && io->req.op != BLKIF_OP_WRITE_BARRIER)
		stats_add(&r->stats->held, 1);
	io->state = BLK_HELD;
	r->held = io;
}

static seldom void blk_refuse(struct blk_ring *r, struct blk_io *io,
                              const struct blk_fault *fault)
{
	stats_add(&r->stats->refused, 1);
	log_guest(&r->limit, r->tag, "request refused: %s (operation %u)", fault->why,
	          io->req.op);
	blk_answer(r, io, fault->status);
}

/* Describe the mapped pages, neighbours merged. Return: false when one is not mapped. */
static bool blk_map_many(struct blk_ring *r, struct blk_io *io)
{
	const struct blk_seg *seg = blk_segs(r, io), *end = seg + io->req.nseg;
	struct iovec *iov = io->vec, *last = NULL;
	uint8_t piece = BLK_PIECE_NONE;
	bool all = true;

	for (; seg < end; seg++) {
		const struct blk_pmap_slot *s = blk_pmap_find(r->pmap, seg->gref);
		char *at;

		all &= s != NULL;
		if (!all)
			continue;
		at = (char *)s->page + seg->off;
		if (last && piece != s->piece)
			piece = BLK_PIECE_NONE;
		else if (!last)
			piece = s->piece;
		if (last && (char *)last->iov_base + last->iov_len == at) {
			last->iov_len += seg->len;
		} else {
			last = iov++;
			*last = (struct iovec){ at, seg->len };
		}
	}
	io->nvec = (uint16_t)(iov - io->vec);
	io->piece = io->nvec == 1 ? piece : BLK_PIECE_NONE;
	return all;
}

static bool blk_get_bounce(struct blk_ring *r, struct blk_io *io, uint32_t pages)
{
	uint16_t at;

	if (io->nbounce)
		return true;
	at = blk_pool_take(&r->pages, pages);
	if (at == BLK_POOL_NONE)
		return false;
	io->bounce = at;
	io->nbounce = (uint16_t)pages;
	return true;
}

static void blk_use_bounce(struct blk_ring *r, struct blk_io *io)
{
	io->vec[0] =
		(struct iovec){ r->bounce + (size_t)io->bounce * XEN_PAGE, io->req.len };
	io->nvec = 1;
	io->piece = io->bounce + io->nbounce <= r->fixed ? BLK_PIECE_BOUNCE
	                                                 : BLK_PIECE_NONE;
}

void blk_memory(struct blk_ring *r, struct blk_io *io)
{
	bool there = true;

	if (io->nbounce)
		blk_use_bounce(r, io);
	else if (io->req.nseg)
		/* What was mapped stays so for as long as the request lasts. */
		there = blk_map_many(r, io);
	assert(there);
	(void)there;
}

/* Find memory for the data, if that is not done already, and set it going. */
static void blk_place(struct blk_ring *r, struct blk_io *io)
{
	const struct blk_req *req = &io->req;

	if (r->pmap && blk_map_many(r, io)) {
		if (io->nbounce)
			blk_pool_put(&r->pages, io->bounce, io->nbounce);
		io->nbounce = 0;
	} else if (!blk_get_bounce(r, io,
	                           (uint32_t)(req->len + XEN_PAGE - 1) / XEN_PAGE)) {
		blk_hold(r, io);
		return;
	} else {
		blk_use_bounce(r, io);
		if (req->op != BLKIF_OP_READ) {
			blk_copy(r, io, GNT_FROM_GUEST);
			return;
		}
	}
	blk_ready(r, io);
}

/* Nothing else is in flight. */
static bool blk_drained(const struct blk_ring *r)
{
	return r->ring.req_cons - r->ring.rsp_prod ==
	       1 + (r->left ? r->left->n - r->replayed : 0);
}

/* A flush or a barrier. Return: whether it is dealt with, or else goes on. */
static bool blk_flush(struct blk_ring *r, struct blk_io *io)
{
	const struct blk_req *req = &io->req;

	if (!req->nseg && r->lim.ro)
		blk_answer(r, io, BLKIF_RSP_OKAY); /* nothing was ever written */
	else if (__atomic_load_n(r->flush_failed, __ATOMIC_RELAXED))
		blk_answer(r, io, BLKIF_RSP_ERROR);
	else if (req->op == BLKIF_OP_WRITE_BARRIER && !blk_drained(r))
		blk_hold(r, io);
	else
		return false;
	return true;
}

/* A request of which everything is known. */
static void blk_judged(struct blk_ring *r, struct blk_io *io)
{
	uint8_t op = io->req.op;

	if (op == BLKIF_OP_READ || op == BLKIF_OP_WRITE) {
		blk_place(r, io);
		return;
	}
	io->io.secure = io->req.flags & BLK_REQ_SECURE;
	io->nvec = 0;
	if (op != BLKIF_OP_DISCARD && blk_flush(r, io))
		return;
	if (io->req.nseg)
		blk_place(r, io);
	else
		blk_ready(r, io);
	/* Nothing overtakes a barrier: it stays held until it is answered. */
	if (op == BLKIF_OP_WRITE_BARRIER)
		r->held = io;
}

/* The segments are in private memory. */
static inline void blk_segments(struct blk_ring *r, struct blk_io *io)
{
	struct blk_fault fault;

	if (blk_req_segments(&r->lim, &io->req, blk_segs(r, io), &fault) != V_OK)
		blk_refuse(r, io, &fault);
	else
		blk_judged(r, io);
}

/* The page is the guest's to change: each word is read once. */
static void blk_read_page(struct blk_seg *to, const void *page, uint32_t nseg)
{
	const uint64_t *from = page;

	for (uint32_t s = 0; s < nseg; s++) {
		uint64_t part = __atomic_load_n(from + s, __ATOMIC_RELAXED);

		memcpy(&to[s], &part, sizeof(part));
	}
}

/* Room for the segments of an indirect request, then the segments. */
static void blk_indirect(struct blk_ring *r, struct blk_io *io)
{
	uint32_t units = (io->req.nseg + BLK_BIG_SEGS - 1) / BLK_BIG_SEGS;
	const struct blk_pmap_slot *list = NULL;

	if (!io->nbig) {
		io->big = blk_pool_take(&r->big, units);
		if (io->big == BLK_POOL_NONE) {
			blk_hold(r, io);
			return;
		}
		io->nbig = (uint16_t)units;
		io->vec = r->iov + (size_t)io->big * BLK_BIG_SEGS;
		io->room = (uint16_t)(units * BLK_BIG_SEGS);
	}
	if (r->pmap)
		list = blk_pmap_find(r->pmap, io->req.gref);
	if (list) {
		blk_read_page(blk_segs(r, io), list->page, io->req.nseg);
		blk_segments(r, io);
		return;
	}
	/* Its data needs bounce memory or not: nothing can be held once it is fetched. */
	if (!blk_get_bounce(r, io, io->req.nseg)) {
		blk_hold(r, io);
		return;
	}
	io->state = BLK_FETCHING;
	io->first = gnt_batch_add(r->batch, GNT_FROM_GUEST, io->req.gref, 0,
	                          blk_segs(r, io),
	                          (uint32_t)(io->req.nseg * sizeof(struct blk_seg)));
	blk_list_add(&r->copying, io);
}

void blk_fetched(struct blk_ring *r, struct blk_io *io)
{
	static const struct blk_fault bad = {
		BLKIF_RSP_ERROR, "the grant of its segments cannot be copied"
	};

	if (io->copied) {
		blk_segments(r, io);
		return;
	}
	stats_add(&r->stats->bad_grants, 1);
	blk_refuse(r, io, &bad);
}

enum verdict blk_read_head(struct blk_ring *r, struct blk_io *io, struct blk_fault *fault)
{
	return blk_req_head(r->abi, io->journal->req, &r->lim, &io->req, fault);
}

void blk_begin(struct blk_ring *r, struct blk_io *io, const struct blk_fault *fault)
{
	const struct blk_req *req = &io->req;

	io->state = BLK_FETCHING;
	io->step = 0;
	io->taken = blk_now(r);
	io->alone = false;
	if (fault) {
		blk_refuse(r, io, fault);
	} else if (!req->nseg) {
		blk_judged(r, io);
	} else if (req->flags & BLK_REQ_INDIRECT) {
		blk_indirect(r, io);
	} else {
		memcpy(io->seg, io->journal->req + r->abi->tail,
		       req->nseg * sizeof(io->seg[0]));
		blk_segments(r, io);
	}
}

/* It is copied once, to where a successor would find it, and judged there. */
void blk_take_head(struct blk_ring *r, struct blk_io *io)
{
	const struct blk_req *req = &io->req;
	struct blk_fault fault;
	enum verdict v = blk_read_head(r, io, &fault);

	if (v == V_OK && req->nseg > 1 && !(req->flags & BLK_REQ_INDIRECT))
		ring_read(&r->ring, r->abi->head, io->journal->req + r->abi->head,
		          (req->nseg - 1) * sizeof(struct blk_part));
	blk_journal_take(io->journal, r->ring.req_cons);
	ring_taken(&r->ring);
	io->left = false;
	blk_begin(r, io, v == V_OK ? NULL : &fault);
}

static void blk_take_all(struct blk_ring *r, uint32_t waiting)
{
	do {
		struct blk_io *io = *blk_at(r, r->ring.req_cons);

		ring_read(&r->ring, 0, io->journal->req, r->abi->head);
		blk_take_head(r, io);
	} while (--waiting && !r->held);
}

enum verdict blk_take(struct blk_ring *r)
{
	uint32_t first = r->ring.req_cons, waiting;

	/* No more than there are free records: a record is held by an unanswered slot. */
	if (ring_requests(&r->ring, &waiting) != V_OK)
		return V_FATAL;
	if (!waiting || r->held)
		return V_OK;
	/* After req_prod: who was told that the disk has grown is believed. */
	if (r->capacity)
		r->lim.sectors = __atomic_load_n(r->capacity, __ATOMIC_ACQUIRE);
	blk_now(r);
	if (r->pmap) {
		blk_pmap_now(r->pmap, first + waiting);
		blk_short_take(r, waiting);
	} else {
		blk_take_all(r, waiting);
	}
	stats_add(&r->stats->requests, r->ring.req_cons - first);
	return V_OK;
}

void blk_retry(struct blk_ring *r)
{
	struct blk_io *io = r->held;

	if (!io || io->state != BLK_HELD)
		return;
	blk_now(r);
	r->held = NULL;
	if (io->req.len || !io->req.nseg)
		blk_judged(r, io);
	else
		blk_indirect(r, io);
}
