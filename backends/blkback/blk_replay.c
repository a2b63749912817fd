/* SPDX-License-Identifier: MIT */
/*
 * What a worker that died has left undone, done in the order in which it was taken,
 * before anything new is: of two requests of which one writes what the other touches the
 * first taken is answered before the other begins, and a flush or barrier waits for all
 * before it, and all after it wait for it.
 *
 * The segments of an indirect request are read and judged anew: the guest keeps their
 * page, like its data, until it has the answer.
 */
#include "blk_ring.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

int blk_recover(struct blk_ring *r, char *text, size_t text_size)
{
	int rc;

	r->left = calloc(1, sizeof(*r->left));
	if (!r->left) {
		snprintf(text, text_size, "out of memory for what was left undone");
		return -ENOMEM;
	}
	rc = blk_journal_take_up(&r->journal, ring_shown(&r->ring), r->left, text,
	                         text_size);
	if (rc)
		return rc;
	ring_continue(&r->ring, r->left->cons, r->left->prod);
	r->unanswered = r->left->n;
	for (uint32_t k = 0; k < r->left->n; k++) {
		r->io[r->left->rec[k]].state = BLK_LEFT;
		r->io[r->left->rec[k]].left = true;
	}
	blk_point(taken_up, (const uint8_t *)NULL);
	if (blk_journal_flush_failed(&r->journal))
		__atomic_store_n(r->flush_failed, true, __ATOMIC_RELAXED);
	return 0;
}

static bool is_flush(const struct blk_req *q)
{
	return q->op == BLKIF_OP_FLUSH_DISKCACHE || q->op == BLKIF_OP_WRITE_BARRIER;
}

/* As much as it can be: how much it is, the segments say. */
static uint64_t most(const struct blk_req *q)
{
	return q->len ? q->len : (uint64_t)q->nseg * XEN_PAGE;
}

static bool must_wait(const struct blk_req *a, const struct blk_req *b)
{
	if (is_flush(a) || is_flush(b))
		return true;
	if (a->op == BLKIF_OP_READ && b->op == BLKIF_OP_READ)
		return false;
	return a->off < b->off + most(b) && b->off < a->off + most(a);
}

static bool is_free_to_go(const struct blk_ring *r, const struct blk_req *q)
{
	for (uint32_t k = 0; k < r->replayed; k++) {
		const struct blk_io *before = &r->io[r->left->rec[k]];

		if (blk_active(before) && must_wait(&before->req, q))
			return false;
	}
	return true;
}

/* Return: false when its turn has not come. */
static bool replay_one(struct blk_ring *r, uint32_t i)
{
	struct blk_io *io = &r->io[i];
	struct blk_fault fault;
	bool good = blk_read_head(r, io, &fault) == V_OK;
	int16_t status;

	if (blk_journal_state(&r->journal, i, &status) == BLK_JOURNAL_DONE) {
		io->state = BLK_FETCHING;
		io->taken = blk_now(r);
		blk_answer(r, io, status);
		return true;
	}
	if (good && !is_free_to_go(r, &io->req))
		return false;
	blk_begin(r, io, good ? NULL : &fault);
	return true;
}

void blk_replay(struct blk_ring *r)
{
	while (r->left && r->replayed < r->left->n && !r->held) {
		uint32_t i = r->left->rec[r->replayed];

		/* It counts before it is begun: a barrier is alone then. */
		r->replayed++;
		if (!replay_one(r, i)) {
			r->replayed--;
			return;
		}
		blk_point(replayed, r->io[i].journal->req);
	}
}
