/* SPDX-License-Identifier: MIT */
/* Requests on their way in: copied once, judged, given memory; or held until there is. */
#include "blk_ring.h"

#include <assert.h>
#include <string.h>

static void blk_hold(struct blk_ring *r, struct blk_io *io)
{
	struct blk_rec *rec = io->rec;

	assert(!r->held);
	if (rec->state != BLK_HELD && rec->req.op != BLKIF_OP_WRITE_BARRIER)
		stats_add(&r->stats->held, 1);
	rec->state = BLK_HELD;
	r->held = io;
}

static seldom void blk_refuse(struct blk_ring *r, struct blk_io *io,
                              const struct blk_fault *fault)
{
	stats_add(&r->stats->refused, 1);
	log_guest(&r->limit, r->tag, "request refused: %s (operation %u)", fault->why,
	          io->rec->req.op);
	blk_answer(r, io, fault->status);
}

/* Describe the mapped pages, neighbours merged. Return: false when one is not mapped. */
static bool blk_map_many(struct blk_ring *r, struct blk_io *io)
{
	struct blk_rec *rec = io->rec;
	const struct blk_seg *seg = blk_segs(r, rec), *end = seg + rec->req.nseg;
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

/* The same for what is most frequent, one page. */
static forced_inline bool blk_map_one(struct blk_ring *r, struct blk_io *io)
{
	const struct blk_seg *seg = io->rec->seg;
	const struct blk_pmap_slot *s = blk_pmap_find(r->pmap, seg->gref);

	if (!s)
		return false;
	io->iov[0] = (struct iovec){ (char *)s->page + seg->off, seg->len };
	io->nvec = 1;
	io->piece = s->piece;
	return true;
}

static bool blk_get_bounce(struct blk_ring *r, struct blk_rec *rec, uint32_t pages)
{
	uint16_t at;

	if (rec->nbounce)
		return true;
	at = blk_pool_take(&r->pages, pages);
	if (at == BLK_POOL_NONE)
		return false;
	rec->bounce = at;
	rec->nbounce = (uint16_t)pages;
	return true;
}

static void blk_use_bounce(struct blk_ring *r, struct blk_io *io)
{
	const struct blk_rec *rec = io->rec;

	io->vec[0] = (struct iovec){ r->bounce + (size_t)rec->bounce * XEN_PAGE,
		                     rec->req.len };
	io->nvec = 1;
	io->piece = rec->bounce + rec->nbounce <= r->fixed ? BLK_PIECE_BOUNCE
	                                                   : BLK_PIECE_NONE;
}

void blk_memory(struct blk_ring *r, struct blk_io *io)
{
	bool there = true;

	if (io->rec->nbounce)
		blk_use_bounce(r, io);
	else if (io->rec->req.nseg)
		/* What was mapped stays so for as long as the request lasts. */
		there = blk_map_many(r, io);
	assert(there);
	(void)there;
}

/* Find memory for the data, if that is not done already, and set it going. */
static void blk_place(struct blk_ring *r, struct blk_io *io)
{
	struct blk_rec *rec = io->rec;
	const struct blk_req *req = &rec->req;

	if (r->pmap && blk_map_many(r, io)) {
		if (rec->nbounce)
			blk_pool_put(&r->pages, rec->bounce, rec->nbounce);
		rec->nbounce = 0;
	} else if (!blk_get_bounce(r, rec,
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
	return r->free.n + r->unshown.n + 1 + (r->left ? r->left->n - r->replayed : 0) ==
	       r->ring.size;
}

/* A flush or a barrier. Return: whether it is dealt with, or else goes on. */
static bool blk_flush(struct blk_ring *r, struct blk_io *io)
{
	const struct blk_req *req = &io->rec->req;

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
	uint8_t op = io->rec->req.op;

	if (op == BLKIF_OP_READ || op == BLKIF_OP_WRITE) {
		blk_place(r, io);
		return;
	}
	io->io.secure = io->rec->req.flags & BLK_REQ_SECURE;
	io->nvec = 0;
	if (op != BLKIF_OP_DISCARD && blk_flush(r, io))
		return;
	if (io->rec->req.nseg)
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
	struct blk_rec *rec = io->rec;
	struct blk_fault fault;

	if (blk_req_segments(&r->lim, &rec->req, blk_segs(r, rec), &fault) != V_OK)
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
	struct blk_rec *rec = io->rec;
	uint32_t units = (rec->req.nseg + BLK_BIG_SEGS - 1) / BLK_BIG_SEGS;
	const struct blk_pmap_slot *list = NULL;

	if (!rec->nbig) {
		rec->big = blk_pool_take(&r->big, units);
		if (rec->big == BLK_POOL_NONE) {
			blk_hold(r, io);
			return;
		}
		rec->nbig = (uint16_t)units;
		io->vec = r->iov + (size_t)rec->big * BLK_BIG_SEGS;
		io->room = (uint16_t)(units * BLK_BIG_SEGS);
	}
	if (r->pmap)
		list = blk_pmap_find(r->pmap, rec->req.gref);
	if (list) {
		blk_read_page(blk_segs(r, rec), list->page, rec->req.nseg);
		blk_segments(r, io);
		return;
	}
	/* Its data needs bounce memory or not: nothing can be held once it is fetched. */
	if (!blk_get_bounce(r, rec, rec->req.nseg)) {
		blk_hold(r, io);
		return;
	}
	rec->state = BLK_FETCHING;
	io->first = gnt_batch_add(r->batch, GNT_FROM_GUEST, rec->req.gref, 0,
	                          blk_segs(r, rec),
	                          (uint32_t)(rec->req.nseg * sizeof(struct blk_seg)));
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
	return blk_req_head(r->abi, io->journal->req, &r->lim, &io->rec->req, fault);
}

static forced_inline void blk_begin_as(struct blk_ring *r, const struct blk_abi *abi,
                                       struct blk_io *io, uint32_t order,
                                       const struct blk_fault *fault)
{
	const uint8_t *wire = io->journal->req;
	struct blk_rec *rec = io->rec;
	struct blk_req *req = &rec->req;
	struct blk_fault bad;

	rec->order = order;
	rec->state = BLK_FETCHING;
	rec->step = 0;
	io->taken = r->now;
	io->alone = false;
	if (fault) {
		blk_refuse(r, io, fault);
		return;
	}
	if (!req->nseg || req->flags & BLK_REQ_INDIRECT) {
		if (req->nseg)
			blk_indirect(r, io);
		else
			blk_judged(r, io);
		return;
	}
	memcpy(rec->seg, wire + abi->tail, sizeof(rec->seg[0]));
	if (req->nseg > 1)
		memcpy(rec->seg + 1, wire + abi->tail + sizeof(rec->seg[0]),
		       (req->nseg - 1) * sizeof(rec->seg[0]));
	if (blk_req_segments(&r->lim, req, rec->seg, &bad) != V_OK)
		blk_refuse(r, io, &bad);
	else if (req->nseg == 1 && req->op <= BLKIF_OP_WRITE && r->pmap &&
	         blk_map_one(r, io))
		blk_ready(r, io);
	else
		blk_judged(r, io);
}

void blk_begin(struct blk_ring *r, struct blk_io *io, uint32_t order,
               const struct blk_fault *fault)
{
	blk_now(r);
	blk_begin_as(r, r->abi, io, order, fault);
}

/*
 * It is copied once, to where a successor would find it. The compiler makes one for each
 * layout: all offsets are constants.
 */
static forced_inline void blk_take_one(struct blk_ring *r, const struct blk_abi *abi)
{
	struct blk_io *io = r->free.io[--r->free.n];
	const struct blk_req *req = &io->rec->req;
	uint32_t order = r->ring.req_cons;
	uint8_t *wire = io->journal->req;
	struct blk_fault fault;
	enum verdict v;

	ring_read(&r->ring, 0, wire, abi->head);
	v = blk_req_head(abi, wire, &r->lim, &io->rec->req, &fault);
	if (v == V_OK && req->nseg > 1 && !(req->flags & BLK_REQ_INDIRECT))
		ring_read(&r->ring, abi->head, wire + abi->head,
		          (req->nseg - 1) * sizeof(struct blk_part));
	blk_journal_take(io->journal, order);
	ring_taken(&r->ring);
	io->rec->left = false;
	blk_begin_as(r, abi, io, order, v == V_OK ? NULL : &fault);
}

static forced_inline void blk_take_all(struct blk_ring *r, const struct blk_abi *abi,
                                       uint32_t waiting)
{
	blk_now(r);
	while (waiting-- && !r->held)
		blk_take_one(r, abi);
}

enum verdict blk_take(struct blk_ring *r)
{
	uint32_t first = r->ring.req_cons, waiting;

	/* No more than there are free records: a record is held by an unanswered slot. */
	if (ring_requests(&r->ring, &waiting) != V_OK)
		return V_FATAL;
	if (!waiting)
		return V_OK;
	/* After req_prod: who was told that the disk has grown is believed. */
	if (r->capacity)
		r->lim.sectors = __atomic_load_n(r->capacity, __ATOMIC_ACQUIRE);
	if (r->pmap)
		blk_pmap_now(r->pmap, first + waiting);
	if (r->abi->head == blk_abi[BLK_PROTO_X86_32].head)
		blk_take_all(r, &blk_abi[BLK_PROTO_X86_32], waiting);
	else
		blk_take_all(r, &blk_abi[BLK_PROTO_X86_64], waiting);
	stats_add(&r->stats->requests, r->ring.req_cons - first);
	return V_OK;
}

void blk_retry(struct blk_ring *r)
{
	struct blk_io *io = r->held;

	if (!io || io->rec->state != BLK_HELD)
		return;
	blk_now(r);
	r->held = NULL;
	if (io->rec->req.len || !io->rec->req.nseg)
		blk_judged(r, io);
	else
		blk_indirect(r, io);
}
