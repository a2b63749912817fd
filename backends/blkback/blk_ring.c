/* SPDX-License-Identifier: MIT */
#include "blk_ring.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* What an operation takes, one after the other; the first alone when there is no data. */
#define STEPS_MAX 3
#define STEP_END  0xff
static const uint8_t steps[][STEPS_MAX + 1] = {
	/* xen/io/blkif.h: the flush comes first. */
	[BLKIF_OP_FLUSH_DISKCACHE] = { STORE_FLUSH, STORE_WRITE, STEP_END },
	[BLKIF_OP_WRITE_BARRIER] = { STORE_FLUSH, STORE_WRITE, STORE_FLUSH, STEP_END },
	[BLKIF_OP_DISCARD] = { STORE_DISCARD, STEP_END },
};

_Static_assert((int)STORE_READ == BLKIF_OP_READ && (int)STORE_WRITE == BLKIF_OP_WRITE,
               "the most frequent ones need no table");

static enum store_op blk_step(const struct blk_io *io)
{
	uint8_t op = io->req.op;

	return (enum store_op)(op <= BLKIF_OP_WRITE ? op : steps[op][io->step]);
}

static bool blk_last_step(const struct blk_io *io)
{
	return !io->req.nseg || steps[io->req.op][io->step + 1] == STEP_END;
}

static void blk_served_put(struct blk_ring *r)
{
	static const struct {
		uint16_t n, bytes, hist;
	} count[] = {
#define ROW(op, n, bytes, hist) \
	[op] = { offsetof(struct blk_stats, n), offsetof(struct blk_stats, bytes), hist }
		ROW(BLKIF_OP_READ, reads, read_bytes, BLK_HIST_read),
		ROW(BLKIF_OP_WRITE, writes, write_bytes, BLK_HIST_write),
		ROW(BLKIF_OP_FLUSH_DISKCACHE, flushes, write_bytes, BLK_HIST_flush),
		ROW(BLKIF_OP_WRITE_BARRIER, barriers, write_bytes, BLK_HIST_barrier),
		ROW(BLKIF_OP_DISCARD, discards, discard_bytes, BLK_HIST_discard),
#undef ROW
	};
	struct blk_tally *t = &r->served;
	char *s = (char *)r->stats;

	if (!t->n)
		return;
	stats_add((uint64_t *)(void *)(s + count[t->op].n), t->n);
	stats_add((uint64_t *)(void *)(s + count[t->op].bytes), t->bytes);
	hist_add_many(r->hist[count[t->op].hist], t->ns, t->n);
	t->n = t->bytes = 0;
}

static void blk_stored_put(struct blk_ring *r)
{
	if (r->stored.n)
		hist_add_many(r->hist[BLK_HIST_storage], r->stored.ns, r->stored.n);
	r->stored.n = 0;
}

void blk_count(struct blk_ring *r, uint8_t op, uint64_t ns, uint64_t n, uint64_t bytes)
{
	struct blk_tally *t = &r->served;

	if (t->ns != ns || t->op != op) {
		blk_served_put(r);
		t->ns = ns;
		t->op = op;
	}
	t->n += n;
	t->bytes += bytes;
}

void blk_count_io(struct blk_ring *r, uint64_t ns, uint64_t n)
{
	if (r->stored.ns != ns) {
		blk_stored_put(r);
		r->stored.ns = ns;
	}
	r->stored.n += n;
}

/* A free record has none, and the place for the memory of a request in the ring. */
static void blk_put_memory(struct blk_ring *r, struct blk_io *io)
{
	if (io->nbounce)
		blk_pool_put(&r->pages, io->bounce, io->nbounce);
	if (io->nbig)
		blk_pool_put(&r->big, io->big, io->nbig);
	io->nbounce = io->nbig = 0;
	io->vec = io->iov;
	io->room = BLK_SEGS;
}

static forced_inline void blk_respond(struct blk_ring *r, struct blk_io *io,
                                      int16_t status)
{
	const struct blk_req *req = &io->req;
	/* Built in a register: what is no field is zero (XSA-216). */
	uint64_t rsp[] = { req->id,
		           req->op | (uint64_t)(uint16_t)status << BLK_RSP_STATUS };

	assert(blk_active(io));
	*blk_at(r, r->ring.rsp_prod) = io;
	if (r->abi->rsp == sizeof(rsp))
		ring_respond(&r->ring, &rsp, sizeof(rsp));
	else
		ring_respond(&r->ring, &rsp, sizeof(struct blk32_rsp));
	blk_journal_answer(io->journal, r->ring.rsp_prod - 1, status);
	if (status == BLKIF_RSP_OKAY)
		blk_count(r, req->op, r->now - io->taken, 1, req->len);
	if (status == BLKIF_RSP_OKAY && req->flags & BLK_REQ_INDIRECT)
		stats_add(&r->stats->indirect, 1);
	if (io->nbounce | io->nbig)
		blk_put_memory(r, io);
	if (r->held == io)
		r->held = NULL;
	r->unanswered -= io->left;
	io->state = BLK_FREE;
}

void blk_answer(struct blk_ring *r, struct blk_io *io, int16_t status)
{
	blk_respond(r, io, status);
}

bool blk_ring_publish(struct blk_ring *r)
{
	bool notify;

	if (r->ring.rsp_prod == r->ring.rsp_pub)
		return false;
	blk_journal_showing(&r->journal, r->ring.rsp_prod);
	blk_point(showing, (*blk_at(r, r->ring.rsp_prod - 1))->journal->req);
	notify = ring_publish(&r->ring);
	blk_point(shown, (*blk_at(r, r->ring.rsp_prod - 1))->journal->req);
	blk_journal_shown(&r->journal, r->ring.rsp_prod);
	blk_point(over, (*blk_at(r, r->ring.rsp_prod - 1))->journal->req);
	stats_add(&r->stats->batches, 1);
	return notify;
}

void blk_copy(struct blk_ring *r, struct blk_io *io, enum gnt_dir dir)
{
	const struct blk_seg *seg = blk_segs(r, io);
	uint8_t *local = r->bounce + (size_t)io->bounce * XEN_PAGE;

	io->first = gnt_batch_len(r->batch);
	for (uint32_t s = 0; s < io->req.nseg; s++) {
		gnt_batch_add(r->batch, dir, seg[s].gref, seg[s].off, local, seg[s].len);
		local += seg[s].len;
	}
	io->state = BLK_COPYING;
	blk_list_add(&r->copying, io);
}

/* ---- To the engine --------------------------------------------------------------- */

/* Is @b, which is what comes after @a on the disk, small, and can one I/O do both? */
static bool blk_mergeable(const struct blk_io *a, const struct blk_io *b)
{
	return a->io.op == b->io.op &&
	       (a->io.op == STORE_READ || a->io.op == STORE_WRITE) &&
	       a->io.len + b->io.len <= BLK_MERGE_MAX && !a->alone && !b->alone;
}

/* Let the I/O of @a do that of @b as well, if there is room to say where. */
static bool blk_merge_memory(struct blk_io *a, const struct blk_io *b)
{
	struct iovec *end = &a->vec[a->io.niov - 1];

	if (b->nvec == 1 && (char *)end->iov_base + end->iov_len == b->vec[0].iov_base) {
		end->iov_len += b->vec[0].iov_len;
		if (a->io.piece != b->io.piece)
			a->io.piece = BLK_PIECE_NONE;
	} else if (a->io.niov + b->nvec <= a->room) {
		memcpy(end + 1, b->vec, b->nvec * sizeof(b->vec[0]));
		a->io.niov += b->nvec;
		a->io.piece = BLK_PIECE_NONE;
	} else {
		return false;
	}
	a->io.len += b->io.len;
	return true;
}

void blk_chain_merge(struct blk_ring *r, struct blk_io *io)
{
	struct store_io *last = container_of(r->chain.last, struct store_io, next);
	struct blk_io *head = container_of(last, struct blk_io, io);
	uint64_t end;

	if (head->state == BLK_SHORT)
		blk_short_leave(r, head);
	if (io->state == BLK_SHORT)
		blk_short_leave(r, io);
	end = io->io.off + io->io.len;
	if (!blk_mergeable(head, io) || !blk_merge_memory(head, io)) {
		blk_chain_add(&r->chain, io, end);
		return;
	}
	r->chain.end = end;
	head->last->merged = io;
	head->last = io;
	stats_add(&r->stats->merged, 1);
}

void blk_ready(struct blk_ring *r, struct blk_io *io)
{
	io->io.op = blk_step(io);
	io->io.off = io->req.off;
	io->io.len = io->req.len;
	io->io.iov = io->vec;
	io->io.niov = io->io.op <= STORE_WRITE ? io->nvec : 0;
	io->io.piece = io->piece;
	io->io.durable = false;
	io->begun = blk_now(r);
	io->merged = NULL;
	io->last = io;
	io->state = BLK_SUBMITTED;
	if (io->io.off == r->chain.end)
		blk_chain_merge(r, io);
	else
		blk_chain_add(&r->chain, io, io->io.off + io->io.len);
}

/* All that has become ready in this turn, in this order, neighbours together. */
static void blk_submit(struct blk_ring *r)
{
	bool durable = __atomic_load_n(r->flush_failed, __ATOMIC_RELAXED);
	struct blk_chain *c = &r->chain;
	struct store_io *first;

	if (c->last == &c->head)
		return;
	*c->last = NULL;
	for (struct store_io *s = durable || c->late ? c->head : NULL; s; s = s->next) {
		struct blk_io *io = container_of(s, struct blk_io, io);

		if (io->state == BLK_SHORT)
			blk_short_leave(r, io);
		io->begun = r->now;
		s->durable = durable;
	}
	first = c->head;
	r->store->ops->submit(r->store, first);
	blk_point(submitted, container_of(first, struct blk_io, io)->journal->req);
	blk_chain_reset(c);
}

/* ---- And back -------------------------------------------------------------------- */

static seldom void blk_io_failed(struct blk_ring *r, struct blk_io *io, int err)
{
	static const char *const name[] = {
		[STORE_READ] = "read",
		[STORE_WRITE] = "write",
		[STORE_FLUSH] = "flush",
		[STORE_DISCARD] = "discard",
	};
	enum store_op op = blk_step(io);

	stats_add(&r->stats->io_errors, 1);
	log_guest(&r->limit, r->tag, "%s at byte %llu failed: %s", name[op],
	          (unsigned long long)io->req.off, strerror(-err));
	/* The kernel forgets what it could not write, so a second flush proves nothing.
	 */
	if (op == STORE_FLUSH &&
	    !__atomic_exchange_n(r->flush_failed, true, __ATOMIC_RELAXED)) {
		blk_journal_set_flush_failed(&r->journal);
		log_err(r->tag, "flush failed: writes may be lost; from now on each "
		                "write is made durable and flushes fail, until the "
		                "guest reconnects");
	}
	blk_answer(r, io, err == -EOPNOTSUPP ? BLKIF_RSP_EOPNOTSUPP : BLKIF_RSP_ERROR);
}

static void blk_done(struct blk_ring *r, struct blk_io *io, int err)
{
	uint8_t op = io->req.op;

	assert(io->state == BLK_SUBMITTED);
	blk_point(complete, io->journal->req);
	if (err) {
		blk_io_failed(r, io, err);
	} else if (op == BLKIF_OP_READ && io->nbounce) {
		blk_copy(r, io, GNT_TO_GUEST);
	} else if (op == BLKIF_OP_READ || op == BLKIF_OP_WRITE || blk_last_step(io)) {
		blk_respond(r, io, BLKIF_RSP_OKAY);
	} else {
		io->step++;
		blk_ready(r, io);
	}
}

/* What failed together is tried alone: the fault is one of them. */
static void blk_done_together(struct blk_ring *r, struct blk_io *io, int err)
{
	struct blk_io *next;

	for (; io; io = next) {
		next = io->merged;
		if (!err) {
			blk_done(r, io, err);
			continue;
		}
		assert(io->state == BLK_SUBMITTED);
		io->alone = true;
		blk_memory(r, io);
		blk_ready(r, io);
	}
}

static void blk_reap(struct blk_ring *r)
{
	struct store_io *done = r->store->ops->reap(r->store);

	if (done)
		blk_now(r);
	while ((done = blk_short_done(r, done))) {
		struct blk_io *io = container_of(done, struct blk_io, io);
		int err = done->err;

		done = done->next;
		if (io->state == BLK_SHORT)
			blk_short_leave(r, io);
		blk_count_io(r, r->now - io->begun, 1);
		if (io->merged)
			blk_done_together(r, io, err);
		else
			blk_done(r, io, err);
	}
}

/* ---- Grant copies ---------------------------------------------------------------- */

static void blk_copied(struct blk_ring *r, struct blk_io *io)
{
	uint8_t op = io->req.op;

	if (io->state == BLK_FETCHING) {
		blk_fetched(r, io);
	} else if (!io->copied) {
		stats_add(&r->stats->bad_grants, 1);
		log_guest(&r->limit, r->tag,
		          "request failed: a grant cannot be copied (operation %u)", op);
		blk_answer(r, io, BLKIF_RSP_ERROR);
	} else if (op == BLKIF_OP_READ) {
		blk_answer(r, io, BLKIF_RSP_OKAY);
	} else {
		blk_ready(r, io);
	}
}

/* One grant copy for all: data of writes just taken, and of reads just completed. */
static void blk_copy_run(struct blk_ring *r)
{
	struct blk_io *list[BLK_DEPTH_MAX];
	uint32_t n = r->copying.n;

	r->chain.late = true;
	stats_add(&r->stats->copy_calls, 1);
	stats_add(&r->stats->copy_segs, gnt_batch_len(r->batch));
	gnt_batch_run(r->batch);
	r->now = clock_ns();
	/* What was fetched may have to be copied next: look at all results first. */
	for (uint32_t k = 0; k < n; k++) {
		struct blk_io *io = list[k] = r->copying.io[k];
		bool fetch = io->state == BLK_FETCHING;

		io->copied = gnt_batch_ok(r->batch, io->first, fetch ? 1 : io->req.nseg);
	}
	r->copying.n = 0;
	for (uint32_t k = 0; k < n; k++)
		blk_copied(r, list[k]);
}

/* ---- A turn ---------------------------------------------------------------------- */

static void blk_map(struct blk_ring *r)
{
	uint32_t oldest = r->ring.req_cons, unmapped;

	for (uint32_t i = 0; i < r->ring.size; i++)
		if (blk_active(&r->io[i]) &&
		    (int32_t)(r->io[i].journal->taken - oldest) < 0)
			oldest = r->io[i].journal->taken;
	stats_add(&r->stats->map_pages,
	          blk_pmap_fill(r->pmap, r->store, oldest, &unmapped));
	stats_add(&r->stats->unmap_pages, unmapped);
}

enum verdict blk_ring_turn(struct blk_ring *r, bool take)
{
	uint32_t before = r->ring.rsp_prod, answered;
	enum verdict v = V_OK;

	r->now = 0;
	blk_journal_busy(&r->journal, true);
	blk_reap(r);
	/* What an answer sets free may be what the one that is held waits for. */
	do {
		answered = r->ring.rsp_prod;
		if (r->held)
			blk_retry(r);
		if (r->unanswered)
			blk_replay(r);
		if (take && v == V_OK && !r->unanswered)
			v = blk_take(r);
		while (r->copying.n)
			blk_copy_run(r);
	} while ((r->held || r->unanswered) && r->ring.rsp_prod != answered);
	if (r->pmap && blk_pmap_due(r->pmap))
		blk_map(r);
	blk_submit(r);
	blk_served_put(r);
	blk_stored_put(r);
	stats_add(&r->stats->answers, r->ring.rsp_prod - before);
	blk_journal_busy(&r->journal, false);
	return v;
}
