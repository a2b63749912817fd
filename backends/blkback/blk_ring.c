/* SPDX-License-Identifier: MIT */
#include "blk_ring.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* What an operation takes, one after the other; the first alone when there is no data. */
#define STEPS_MAX 3
#define STEP_END  0xff
static const uint8_t steps[][STEPS_MAX + 1] = {
	[BLKIF_OP_READ] = { STORE_READ, STEP_END },
	[BLKIF_OP_WRITE] = { STORE_WRITE, STEP_END },
	/* xen/io/blkif.h: the flush comes first. */
	[BLKIF_OP_FLUSH_DISKCACHE] = { STORE_FLUSH, STORE_WRITE, STEP_END },
	[BLKIF_OP_WRITE_BARRIER] = { STORE_FLUSH, STORE_WRITE, STORE_FLUSH, STEP_END },
	[BLKIF_OP_DISCARD] = { STORE_DISCARD, STEP_END },
};

static enum store_op blk_step(const struct blk_rec *rec)
{
	return (enum store_op)steps[rec->req.op][rec->step];
}

static bool blk_last_step(const struct blk_rec *rec)
{
	return !rec->req.nseg || steps[rec->req.op][rec->step + 1] == STEP_END;
}

static void blk_count_answer(struct blk_ring *r, uint32_t i)
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
	const struct blk_req *req = &r->rec[i].req;
	char *s = (char *)r->stats;

	stats_add((uint64_t *)(void *)(s + count[req->op].n), 1);
	stats_add((uint64_t *)(void *)(s + count[req->op].bytes), req->len);
	if (req->flags & BLK_REQ_INDIRECT)
		stats_add(&r->stats->indirect, 1);
	hist_add(r->hist[count[req->op].hist], blk_now(r) - r->io[i].taken);
}

void blk_answer(struct blk_ring *r, uint32_t i, int16_t status)
{
	struct blk_rec *rec = &r->rec[i];
	struct blk_rsp rsp = { .id = rec->req.id, .op = rec->req.op, .status = status };
	uint32_t index = r->ring.rsp_prod;

	assert(blk_active(rec));
	if (status == BLKIF_RSP_OKAY)
		blk_count_answer(r, i);
	stats_add(&r->stats->answers, 1);
	ring_respond(&r->ring, &rsp, r->abi->rsp);
	blk_journal_answer(&r->journal, i, index, status);
	if (rec->nbounce)
		blk_pool_put(&r->pages, rec->bounce, rec->nbounce);
	if (rec->nbig)
		blk_pool_put(&r->big, rec->big, rec->nbig);
	if (r->held == i)
		r->held = BLK_NONE;
	r->unanswered -= rec->left;
	rec->state = BLK_ANSWERED;
	blk_list_add(&r->unshown, i);
	r->answered = true;
}

bool blk_ring_publish(struct blk_ring *r)
{
	bool notify;

	if (!r->unshown.n)
		return false;
	blk_journal_showing(&r->journal, r->ring.rsp_prod);
	notify = ring_publish(&r->ring);
	blk_journal_shown(&r->journal, r->ring.rsp_prod);
	for (uint32_t k = 0; k < r->unshown.n; k++) {
		uint32_t i = r->unshown.i[k];

		blk_journal_clear(&r->journal, i);
		r->rec[i].state = BLK_FREE;
		blk_list_add(&r->free, i);
	}
	r->unshown.n = 0;
	stats_add(&r->stats->batches, 1);
	return notify;
}

void blk_ready(struct blk_ring *r, uint32_t i)
{
	r->rec[i].state = BLK_READY;
	blk_list_add(&r->ready, i);
}

void blk_copy(struct blk_ring *r, uint32_t i, enum gnt_dir dir)
{
	struct blk_rec *rec = &r->rec[i];
	const struct blk_seg *seg = blk_segs(r, rec);
	uint8_t *local = r->bounce + (size_t)rec->bounce * XEN_PAGE;

	r->io[i].first = gnt_batch_len(r->batch);
	for (uint32_t s = 0; s < rec->req.nseg; s++) {
		gnt_batch_add(r->batch, dir, seg[s].gref, seg[s].off, local, seg[s].len);
		local += seg[s].len;
	}
	rec->state = BLK_COPYING;
	blk_list_add(&r->copying, i);
}

/* ---- To the engine --------------------------------------------------------------- */

static void blk_describe(struct blk_ring *r, uint32_t i)
{
	struct blk_io *io = &r->io[i];
	struct blk_rec *rec = &r->rec[i];
	bool data;

	io->io.op = blk_step(rec);
	data = io->io.op == STORE_READ || io->io.op == STORE_WRITE;
	io->io.off = rec->req.off;
	io->io.len = rec->req.len;
	io->io.iov = io->vec;
	io->io.niov = data ? io->nvec : 0;
	io->io.piece = io->piece;
	io->io.durable = __atomic_load_n(r->flush_failed, __ATOMIC_RELAXED);
	io->io.secure = rec->req.flags & BLK_REQ_SECURE;
	io->merged = BLK_NONE;
	rec->state = BLK_SUBMITTED;
}

/* Is @b what comes after @a on the disk, small, and can one I/O do both? */
static bool blk_mergeable(const struct blk_io *a, const struct blk_io *b)
{
	return a->io.op == b->io.op &&
	       (a->io.op == STORE_READ || a->io.op == STORE_WRITE) &&
	       a->io.off + a->io.len == b->io.off &&
	       a->io.len + b->io.len <= BLK_MERGE_MAX && !a->alone && !b->alone &&
	       a->io.durable == b->io.durable;
}

/* Let the I/O of @a do that of @b as well, if they are neighbours. */
static bool blk_merge(struct blk_io *a, const struct blk_io *b)
{
	struct iovec *end = &a->vec[a->io.niov - 1];

	if (!blk_mergeable(a, b))
		return false;
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

static void blk_hand_over(struct blk_ring *r, struct blk_io *io)
{
	io->begun = blk_now(r);
	r->store->ops->submit(r->store, &io->io);
}

/* All that has become ready in this turn, in this order, neighbours together. */
static void hot_loop blk_submit(struct blk_ring *r)
{
	struct blk_io *head = NULL, *last = NULL;

	for (uint32_t k = 0; k < r->ready.n; k++) {
		struct blk_io *io = &r->io[r->ready.i[k]];

		blk_describe(r, r->ready.i[k]);
		if (head && blk_merge(head, io)) {
			last->merged = r->ready.i[k];
			stats_add(&r->stats->merged, 1);
		} else {
			if (head)
				blk_hand_over(r, head);
			head = io;
		}
		last = io;
	}
	if (head)
		blk_hand_over(r, head);
	r->ready.n = 0;
}

/* ---- And back -------------------------------------------------------------------- */

static void blk_io_failed(struct blk_ring *r, uint32_t i, int err)
{
	static const char *const name[] = {
		[STORE_READ] = "read",
		[STORE_WRITE] = "write",
		[STORE_FLUSH] = "flush",
		[STORE_DISCARD] = "discard",
	};
	enum store_op op = blk_step(&r->rec[i]);

	stats_add(&r->stats->io_errors, 1);
	log_guest(&r->limit, r->tag, "%s at byte %llu failed: %s", name[op],
	          (unsigned long long)r->rec[i].req.off, strerror(-err));
	/* The kernel forgets what it could not write, so a second flush proves nothing.
	 */
	if (op == STORE_FLUSH &&
	    !__atomic_exchange_n(r->flush_failed, true, __ATOMIC_RELAXED)) {
		blk_journal_set_flush_failed(&r->journal);
		log_err(r->tag, "flush failed: writes may be lost; from now on each "
		                "write is made durable and flushes fail, until the "
		                "guest reconnects");
	}
	blk_answer(r, i, err == -EOPNOTSUPP ? BLKIF_RSP_EOPNOTSUPP : BLKIF_RSP_ERROR);
}

static void blk_done(struct blk_ring *r, uint32_t i, int err)
{
	struct blk_rec *rec = &r->rec[i];

	if (err) {
		blk_io_failed(r, i, err);
	} else if (!blk_last_step(rec)) {
		rec->step++;
		blk_ready(r, i);
	} else if (rec->req.op == BLKIF_OP_READ && rec->nbounce) {
		blk_copy(r, i, GNT_TO_GUEST);
	} else {
		blk_answer(r, i, BLKIF_RSP_OKAY);
	}
}

/* What failed together is tried alone: the fault is one of them. */
static void blk_done_all(struct blk_ring *r, uint32_t i, int err)
{
	bool apart = err && r->io[i].merged != BLK_NONE;
	uint32_t next;

	for (; i != BLK_NONE; i = next) {
		next = r->io[i].merged;
		assert(r->rec[i].state == BLK_SUBMITTED);
		if (!apart) {
			blk_done(r, i, err);
			continue;
		}
		r->io[i].alone = true;
		blk_memory(r, i);
		blk_ready(r, i);
	}
}

static void hot_loop blk_reap(struct blk_ring *r)
{
	struct store_io *done = r->store->ops->reap(r->store), *next;

	for (; done; done = next) {
		struct blk_io *io = container_of(done, struct blk_io, io);

		next = done->next;
		hist_add(r->hist[BLK_HIST_storage], blk_now(r) - io->begun);
		blk_done_all(r, (uint32_t)(io - r->io), done->err);
	}
}

/* ---- Grant copies ---------------------------------------------------------------- */

static void blk_copied(struct blk_ring *r, uint32_t i)
{
	uint8_t op = r->rec[i].req.op;

	if (r->rec[i].state == BLK_FETCHING) {
		blk_fetched(r, i);
	} else if (!r->io[i].copied) {
		stats_add(&r->stats->bad_grants, 1);
		log_guest(&r->limit, r->tag,
		          "request failed: a grant cannot be copied (operation %u)", op);
		blk_answer(r, i, BLKIF_RSP_ERROR);
	} else if (op == BLKIF_OP_READ) {
		blk_answer(r, i, BLKIF_RSP_OKAY);
	} else {
		blk_ready(r, i);
	}
}

/* One grant copy for all: data of writes just taken, and of reads just completed. */
static void blk_copy_run(struct blk_ring *r)
{
	uint16_t list[BLK_DEPTH_MAX];
	uint32_t n = r->copying.n;

	stats_add(&r->stats->copy_calls, 1);
	stats_add(&r->stats->copy_segs, gnt_batch_len(r->batch));
	gnt_batch_run(r->batch);
	r->now = 0;
	/* What was fetched may have to be copied next: look at all results first. */
	for (uint32_t k = 0; k < n; k++) {
		uint32_t i = list[k] = r->copying.i[k];
		bool fetch = r->rec[i].state == BLK_FETCHING;

		r->io[i].copied = gnt_batch_ok(r->batch, r->io[i].first,
		                               fetch ? 1 : r->rec[i].req.nseg);
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
		if (blk_active(&r->rec[i]) && (int32_t)(r->rec[i].order - oldest) < 0)
			oldest = r->rec[i].order;
	stats_add(&r->stats->map_pages,
	          blk_pmap_fill(r->pmap, r->store, oldest, &unmapped));
	stats_add(&r->stats->unmap_pages, unmapped);
}

enum verdict blk_ring_turn(struct blk_ring *r, bool take)
{
	enum verdict v = V_OK;

	r->now = 0;
	blk_journal_busy(&r->journal, true);
	blk_reap(r);
	/* What an answer sets free may be what the one that is held waits for. */
	do {
		r->answered = false;
		blk_retry(r);
		blk_replay(r);
		if (take && v == V_OK && !r->unanswered)
			v = blk_take(r);
		while (r->copying.n)
			blk_copy_run(r);
	} while (r->answered && (r->held != BLK_NONE || r->unanswered));
	if (r->pmap && blk_pmap_due(r->pmap))
		blk_map(r);
	blk_submit(r);
	blk_journal_busy(&r->journal, false);
	return v;
}

/* ---- Memory ---------------------------------------------------------------------- */

size_t blk_ring_journal_size(uint32_t pages)
{
	return blk_journal_size(BLK_DEPTH * pages, BLK_WIRE_MAX);
}

/* Where the ring is gone on with, and with what. */
static int ring_attach(struct blk_ring *r, const struct blk_ring_conf *c, char *text,
                       size_t size)
{
	int rc;

	if (!c->recover)
		blk_journal_make(c->journal, r->ring.size, BLK_WIRE_MAX);
	rc = blk_journal_open(&r->journal, c->journal, blk_ring_journal_size(c->pages),
	                      r->ring.size, BLK_WIRE_MAX, text, size);
	if (rc)
		return rc;
	if (blk_journal_started(&r->journal))
		return blk_recover(r, text, size);
	if (c->resume && ring_resume(&r->ring) != V_OK) {
		snprintf(text, size, "the ring's indices cannot be");
		return -EPROTO;
	}
	blk_journal_start(&r->journal, r->ring.rsp_prod);
	return 0;
}

static int ring_memory(struct blk_ring *r, const struct blk_ring_conf *c)
{
	uint32_t pages;
	int rc;

	pages = r->ring.size > BLK_BOUNCE_PAGES ? r->ring.size : BLK_BOUNCE_PAGES;
	blk_pool_init(&r->pages, pages);
	blk_pool_init(&r->big, BLK_BIG_UNITS);
	r->fixed = c->fixed < pages ? c->fixed : pages;
	r->rec = calloc(r->ring.size, sizeof(r->rec[0]));
	r->io = calloc(r->ring.size, sizeof(r->io[0]));
	r->seg = calloc((size_t)BLK_BIG_UNITS * BLK_BIG_SEGS, sizeof(r->seg[0]));
	r->iov = calloc((size_t)BLK_BIG_UNITS * BLK_BIG_SEGS, sizeof(r->iov[0]));
	if (!r->rec || !r->io || !r->seg || !r->iov)
		return -ENOMEM;
	r->bounce = mmap(NULL, (size_t)pages * XEN_PAGE, PROT_READ | PROT_WRITE,
	                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (r->bounce == MAP_FAILED) {
		r->bounce = NULL;
		return -errno;
	}
	rc = gnt_batch_new(c->gnt, r->ring.size * BLK_SEGS + BLK_BIG_UNITS * BLK_BIG_SEGS,
	                   &r->batch);
	if (!rc && c->persistent)
		rc = blk_pmap_new(c->gnt, c->persistent, &r->pmap);
	return rc;
}

int blk_ring_open(struct blk_ring *r, const struct blk_ring_conf *c, char *text,
                  size_t text_size)
{
	int rc;

	r->abi = &blk_abi[c->protocol];
	ring_init(&r->ring, c->page, (size_t)c->pages * XEN_PAGE, r->abi->slot);
	assert(r->ring.size == BLK_DEPTH * c->pages);
	r->held = BLK_NONE;
	rc = ring_memory(r, c);
	if (rc) {
		snprintf(text, text_size, "no memory for the ring: %s", strerror(-rc));
		return rc;
	}
	rc = ring_attach(r, c, text, text_size);
	if (rc)
		return rc;
	for (uint32_t i = r->ring.size; i--;)
		if (r->rec[i].state == BLK_FREE)
			blk_list_add(&r->free, i);
	return 0;
}

void blk_ring_close(struct blk_ring *r)
{
	blk_pmap_free(r->pmap);
	gnt_batch_free(r->batch);
	if (r->bounce)
		munmap(r->bounce, (size_t)r->pages.n * XEN_PAGE);
	free(r->iov);
	free(r->seg);
	free(r->io);
	free(r->rec);
	free(r->left);
}
