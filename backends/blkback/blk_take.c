/* SPDX-License-Identifier: MIT */
/* Requests on their way in: copied once, judged, given memory; or held until there is. */
#include "blk_ring.h"

#include <assert.h>
#include <string.h>

static void blk_hold(struct blk_ring *r, uint32_t i)
{
	assert(r->held == BLK_NONE);
	if (r->rec[i].state != BLK_HELD && r->rec[i].req.op != BLKIF_OP_WRITE_BARRIER)
		stats_add(&r->stats->held, 1);
	r->held = (uint16_t)i;
	r->rec[i].state = BLK_HELD;
}

static void blk_refuse(struct blk_ring *r, uint32_t i, const struct blk_fault *fault)
{
	stats_add(&r->stats->refused, 1);
	log_guest(&r->limit, r->tag, "request refused: %s (operation %u)", fault->why,
	          r->rec[i].req.op);
	blk_answer(r, i, fault->status);
}

/* Describe the mapped pages, neighbours merged. Return: false when one is not mapped. */
static bool blk_use_mapped(struct blk_ring *r, uint32_t i)
{
	struct blk_rec *rec = &r->rec[i];
	struct blk_seg *seg = blk_segs(r, rec);
	struct iovec *iov = r->io[i].vec;
	uint32_t first = BLK_PIECE_NONE, piece;
	unsigned int n = 0;
	bool all = true;

	for (uint32_t s = 0; s < rec->req.nseg; s++) {
		char *page = blk_pmap_find(r->pmap, seg[s].gref, rec->order, &piece);

		all &= page != NULL;
		if (!all)
			continue;
		if (s == 0)
			first = piece;
		else if (piece != first)
			first = BLK_PIECE_NONE;
		page += seg[s].off;
		if (n && (char *)iov[n - 1].iov_base + iov[n - 1].iov_len == page)
			iov[n - 1].iov_len += seg[s].len;
		else
			iov[n++] = (struct iovec){ page, seg[s].len };
	}
	r->io[i].nvec = (uint16_t)n;
	r->io[i].piece = n == 1 ? first : BLK_PIECE_NONE;
	return all;
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

void blk_memory(struct blk_ring *r, uint32_t i)
{
	struct blk_rec *rec = &r->rec[i];

	if (rec->nbounce) {
		r->io[i].vec[0] =
			(struct iovec){ r->bounce + (size_t)rec->bounce * XEN_PAGE,
			                rec->req.len };
		r->io[i].nvec = 1;
		r->io[i].piece = rec->bounce + rec->nbounce <= r->fixed ? BLK_PIECE_BOUNCE
		                                                        : BLK_PIECE_NONE;
	} else if (rec->req.nseg) {
		/* What was mapped stays so for as long as the request lasts. */
		bool mapped = blk_use_mapped(r, i);

		assert(mapped);
		(void)mapped;
	}
}

/* Find memory for the data, if that is not done already, and set it going. */
static void blk_place(struct blk_ring *r, uint32_t i)
{
	struct blk_rec *rec = &r->rec[i];
	const struct blk_req *req = &rec->req;

	if (req->nseg && r->pmap && blk_use_mapped(r, i)) {
		if (rec->nbounce)
			blk_pool_put(&r->pages, rec->bounce, rec->nbounce);
		rec->nbounce = 0;
	} else if (req->nseg) {
		if (!blk_get_bounce(r, rec,
		                    (uint32_t)(req->len + XEN_PAGE - 1) / XEN_PAGE)) {
			blk_hold(r, i);
			return;
		}
		blk_memory(r, i);
		if (req->op != BLKIF_OP_READ) {
			blk_copy(r, i, GNT_FROM_GUEST);
			return;
		}
	}
	blk_ready(r, i);
}

static bool blk_alone(const struct blk_ring *r)
{
	return r->free.n + r->unshown.n + 1 + (r->left ? r->left->n - r->replayed : 0) ==
	       r->ring.size;
}

/* A request of which everything is known. */
static void blk_judged(struct blk_ring *r, uint32_t i)
{
	const struct blk_req *req = &r->rec[i].req;
	bool flush = req->op == BLKIF_OP_FLUSH_DISKCACHE ||
	             req->op == BLKIF_OP_WRITE_BARRIER;

	if (flush && !req->nseg && r->lim.ro)
		blk_answer(r, i, BLKIF_RSP_OKAY); /* nothing was ever written */
	else if (flush && __atomic_load_n(r->flush_failed, __ATOMIC_RELAXED))
		blk_answer(r, i, BLKIF_RSP_ERROR);
	else if (req->op == BLKIF_OP_WRITE_BARRIER && !blk_alone(r))
		blk_hold(r, i);
	else
		blk_place(r, i);
	/* Nothing overtakes a barrier: it stays held until it is answered. */
	if (req->op == BLKIF_OP_WRITE_BARRIER && blk_active(&r->rec[i]))
		r->held = (uint16_t)i;
}

/* The segments are in private memory. */
static void blk_segments(struct blk_ring *r, uint32_t i)
{
	struct blk_rec *rec = &r->rec[i];
	struct blk_fault fault;

	if (blk_req_segments(&r->lim, &rec->req, blk_segs(r, rec), &fault) != V_OK)
		blk_refuse(r, i, &fault);
	else
		blk_judged(r, i);
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
static void blk_indirect(struct blk_ring *r, uint32_t i)
{
	struct blk_rec *rec = &r->rec[i];
	uint32_t units = (rec->req.nseg + BLK_BIG_SEGS - 1) / BLK_BIG_SEGS;
	const void *page = NULL;
	uint32_t piece;

	if (!rec->nbig) {
		rec->big = blk_pool_take(&r->big, units);
		if (rec->big == BLK_POOL_NONE) {
			blk_hold(r, i);
			return;
		}
		rec->nbig = (uint16_t)units;
		r->io[i].vec = r->iov + (size_t)rec->big * BLK_BIG_SEGS;
		r->io[i].room = (uint16_t)(units * BLK_BIG_SEGS);
	}
	if (r->pmap)
		page = blk_pmap_find(r->pmap, rec->req.gref, rec->order, &piece);
	if (page) {
		blk_read_page(blk_segs(r, rec), page, rec->req.nseg);
		blk_segments(r, i);
		return;
	}
	/* Its data needs bounce memory or not: nothing can be held once it is fetched. */
	if (!blk_get_bounce(r, rec, rec->req.nseg)) {
		blk_hold(r, i);
		return;
	}
	rec->state = BLK_FETCHING;
	r->io[i].first = gnt_batch_add(
		r->batch, GNT_FROM_GUEST, rec->req.gref, 0, blk_segs(r, rec),
		(uint32_t)(rec->req.nseg * sizeof(struct blk_seg)));
	blk_list_add(&r->copying, i);
}

void blk_fetched(struct blk_ring *r, uint32_t i)
{
	static const struct blk_fault bad = {
		BLKIF_RSP_ERROR, "the grant of its segments cannot be copied"
	};

	if (r->io[i].copied) {
		blk_segments(r, i);
		return;
	}
	stats_add(&r->stats->bad_grants, 1);
	blk_refuse(r, i, &bad);
}

enum verdict blk_read_head(struct blk_ring *r, uint32_t i, struct blk_fault *fault)
{
	return blk_req_head(r->abi, blk_journal_req(&r->journal, i), &r->lim,
	                    &r->rec[i].req, fault);
}

void blk_begin(struct blk_ring *r, uint32_t i, uint32_t order,
               const struct blk_fault *fault)
{
	const uint8_t *wire = blk_journal_req(&r->journal, i);
	struct blk_rec *rec = &r->rec[i];

	rec->order = order;
	rec->nbig = rec->nbounce = 0;
	rec->step = 0;
	rec->state = BLK_FETCHING;
	r->io[i].taken = blk_now(r);
	r->io[i].vec = r->io[i].iov;
	r->io[i].room = BLK_SEGS;
	r->io[i].nvec = 0;
	r->io[i].alone = false;
	if (fault) {
		blk_refuse(r, i, fault);
	} else if (rec->req.flags & BLK_REQ_INDIRECT) {
		blk_indirect(r, i);
	} else if (rec->req.nseg) {
		memcpy(rec->seg, wire + r->abi->tail,
		       rec->req.nseg * sizeof(rec->seg[0]));
		blk_segments(r, i);
	} else {
		blk_judged(r, i);
	}
}

/* It is copied once, to where a successor would find it. */
static void blk_take_one(struct blk_ring *r)
{
	uint32_t i = r->free.i[--r->free.n], order = r->ring.req_cons;
	uint8_t *wire = blk_journal_req(&r->journal, i);
	const struct blk_abi *abi = r->abi;
	struct blk_rec *rec = &r->rec[i];
	struct blk_fault fault;
	enum verdict v;

	ring_read(&r->ring, 0, wire, abi->head);
	v = blk_read_head(r, i, &fault);
	if (v == V_OK && rec->req.nseg && !(rec->req.flags & BLK_REQ_INDIRECT))
		ring_read(&r->ring, abi->head, wire + abi->head,
		          (rec->req.nseg - 1) * sizeof(rec->seg[0]));
	blk_journal_take(&r->journal, i, order);
	ring_taken(&r->ring);
	rec->left = false;
	stats_add(&r->stats->requests, 1);
	blk_begin(r, i, order, v == V_OK ? NULL : &fault);
}

enum verdict hot_loop blk_take(struct blk_ring *r)
{
	uint32_t waiting;

	/* No more than there are free records: a record is held by an unanswered slot. */
	if (ring_requests(&r->ring, &waiting) != V_OK)
		return V_FATAL;
	/* After req_prod: who was told that the disk has grown is believed. */
	if (r->capacity)
		r->lim.sectors = __atomic_load_n(r->capacity, __ATOMIC_ACQUIRE);
	while (waiting-- && r->held == BLK_NONE)
		blk_take_one(r);
	return V_OK;
}

void blk_retry(struct blk_ring *r)
{
	uint32_t i = r->held;
	struct blk_rec *rec;

	if (i == BLK_NONE || r->rec[i].state != BLK_HELD)
		return;
	rec = &r->rec[i];
	r->held = BLK_NONE;
	if (rec->req.len || !rec->req.nseg)
		blk_judged(r, i);
	else
		blk_indirect(r, i);
}
