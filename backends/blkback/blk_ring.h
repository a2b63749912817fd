/* SPDX-License-Identifier: MIT */
/*
 * Serve one ring: take requests, move data, submit I/O, answer. Knows no event channel
 * and never sleeps; blk_queue does.
 *
 *   blk_take.c: take, find memory    blk_ring.c: copy, submit, answer    blk_req.h: judge
 *   blk_attach.c: begin and end
 *
 *   FREE -> [judge] ---> FETCHING ---> [judge] -+  segments of an indirect request,
 * copied |                                |
 *              +--> HELD (no room, or barrier) -+--> COPYING (write) --> READY
 *                                               |                          |
 *           answered <-- COPYING (read, copied) <-- SUBMITTED <------------+
 *
 * Answered, a record stays until the guest has been shown the response; then it is FREE.
 * What a worker that died has left undone (LEFT) is done first, by blk_replay.c.
 *
 * At most one request is held; nothing is taken while one is. What a request needs to end
 * it has before it is submitted, so what is held gets its turn.
 */
#ifndef PVB_BLK_RING_H
#define PVB_BLK_RING_H

#include "blk_journal.h"
#include "blk_pmap.h"
#include "blk_pool.h"
#include "blk_req.h"
#include "blk_stats.h"
#include "clock.h"
#include "compiler.h"
#include "gnt.h"
#include "log.h"
#include "ring.h"
#include "store.h"

/* Requests of one page of ring, and of the largest ring. */
#define BLK_DEPTH     BLK_RING_SLOTS
#define BLK_DEPTH_MAX (BLK_DEPTH << BLK_RING_ORDER_MAX)
_Static_assert(BLK_DEPTH_MAX <= STORE_DEPTH_MAX, "each request may be one I/O");

/*
 * Bounce memory of a ring, pages: a slot of the largest ring has one, and two of the
 * largest requests fit, so that one is copied while storage has the other. What 32
 * requests of 11 segments need, for all rings of a disk together, the engine is told of.
 */
#define BLK_BOUNCE_PAGES 512U
#define BLK_BOUNCE_FIXED (BLK_DEPTH * BLK_SEGS)
_Static_assert(BLK_BOUNCE_PAGES >= 2 * BLK_INDIRECT_MAX &&
                       BLK_BOUNCE_PAGES >= BLK_DEPTH_MAX &&
                       BLK_BOUNCE_PAGES <= BLK_POOL_MAX,
               "bounce pool");

/* Segments of indirect requests, in units: 8 MiB of data in flight. */
#define BLK_BIG_SEGS  32U
#define BLK_BIG_UNITS 64U
_Static_assert(BLK_BIG_UNITS *BLK_BIG_SEGS >= BLK_INDIRECT_MAX, "the largest fits");

/* Small neighbours become one I/O up to this size, bytes. */
#define BLK_MERGE_MAX (128U << 10)

enum blk_state {
	BLK_FREE,
	BLK_LEFT,      /* by a worker that died; waits for its turn */
	BLK_ANSWERED,  /* the guest has not been shown the response */
	BLK_HELD,      /* waits for memory, or, a barrier, for all before it */
	BLK_FETCHING,  /* its segments are in the next grant copy */
	BLK_COPYING,   /* its data is */
	BLK_READY,     /* goes to the engine at the end of the turn */
	BLK_SUBMITTED, /* the engine has it */
};

/**
 * struct blk_rec - A request taken from the ring and not answered yet; plain data
 * @order:	Its number in the ring, free-running
 * @big:	First unit of the segments of an indirect request
 * @nbig:	Units; 0: the segments are in @seg
 * @bounce:	First page of bounce memory
 * @nbounce:	Pages; 0: the guest's pages are mapped
 * @state:	enum blk_state
 * @left:	A worker that died has left it
 * @step:	I/Os it has behind it; a flush with data takes two, a barrier three
 *
 * blk_take.c fills one, blk_answer() frees it; nothing else does.
 */
struct blk_rec {
	struct blk_req req;
	uint32_t order;
	uint16_t big, nbig;
	uint16_t bounce, nbounce;
	uint8_t state;
	uint8_t step;
	uint8_t left;
	uint8_t pad;
	struct blk_seg seg[BLK_SEGS];
};

_Static_assert(sizeof(struct blk_rec) == 48 + 8 * BLK_SEGS, "no padding");

/**
 * struct blk_io - A record, and what serving it needs
 * @rec:	Always the same, and
 * @journal:	so is what a successor would find of it: the request as it was in the ring
 * @taken:	When it was taken from the ring, clock_ns()
 * @begun:	When its last I/O was handed to the engine
 * @vec, @nvec:	Its memory; in the pool for indirect requests, else @iov
 * @room:	Entries of @vec
 * @piece:	The engine's piece in which @vec, one entry, is; or BLK_PIECE_NONE
 * @copied:	All of its copies succeeded
 * @alone:	Do not merge
 * @first:	First copy in the batch, in state FETCHING or COPYING
 * @merged:	Next of the records that @io serves, or NULL
 */
struct blk_io {
	struct store_io io;
	struct blk_rec *rec;
	struct blk_journal_rec *journal;
	struct blk_io *merged;
	uint64_t taken;
	uint64_t begun;
	struct iovec *vec;
	uint16_t nvec;
	uint16_t room;
	uint8_t piece;
	bool copied;
	bool alone;
	uint32_t first;
	struct iovec iov[BLK_SEGS];
};

/** struct blk_list - Records; each is in one list at most */
struct blk_list {
	uint32_t n;
	struct blk_io *io[BLK_DEPTH_MAX];
};

/**
 * struct blk_tally - What many had in common, before it goes into counters and histogram:
 * requests of one turn are taken together and answered together
 * @op:		Of those answered with OKAY; of I/Os always the same
 * @ns:		How long each of them took
 */
struct blk_tally {
	uint64_t ns;
	uint64_t n;
	uint64_t bytes;
	uint8_t op;
};

/**
 * struct blk_ring - A ring and all that serving it needs
 * @tag:	For log lines
 * @flush_failed: The disk's: writes that were answered OKAY may be lost. No flush is ever
 *		answered OKAY again, writes are made durable one by one
 * @capacity:	The disk's sectors now, or NULL: they stay what @lim says
 * @bounce:	Bounce memory, @pages of @pages
 * @fixed:	The first pages of it, which the engine was given as its pool
 * @batch:	Room for the copies of all requests
 * @pmap:	Persistent grants, or NULL when the guest has none
 * @seg, @iov:	Of indirect requests, in the units of @big
 * @held:	The one that waits, or NULL
 * @journal:	What a successor needs to know; records have the same numbers there
 * @left:	What a worker that died has left, in the order in which it was taken
 * @replayed:	So many of it are not LEFT any more
 * @unanswered:	So many of it are not answered; until then nothing new is taken
 * @free:	Records in state FREE, last freed last
 * @unshown:	In state ANSWERED
 * @copying:	In states FETCHING and COPYING
 * @ready:	In state READY
 * @stats:	Its counters, and
 * @hist:	histograms, in memory that others read
 * @served, @stored: What is about to go into them
 * @now:	Time of what is being done, or 0: the clock has to be asked
 */
struct blk_ring {
	const char *tag;
	struct log_limit limit;
	const struct blk_abi *abi;
	struct blk_lim lim;
	bool *flush_failed;
	const uint64_t *capacity;
	struct ring_back ring;
	struct store *store;
	struct gnt_batch *batch;
	struct blk_pmap *pmap;
	uint8_t *bounce;
	uint32_t fixed;
	struct blk_pool pages;
	struct blk_pool big;
	struct blk_seg *seg;
	struct iovec *iov;
	struct blk_io *held;
	struct blk_journal journal;
	struct blk_journal_left *left;
	uint32_t replayed;
	uint32_t unanswered;
	struct blk_list free;
	struct blk_list unshown;
	struct blk_list copying;
	struct blk_list ready;
	struct blk_stats *stats;
	struct hist *hist[BLK_NHISTS];
	struct blk_tally served, stored;
	uint64_t now;
	struct blk_rec *rec;
	struct blk_io *io;
};

/**
 * struct blk_ring_conf - What a ring is to be
 * @page:	Its pages, mapped
 * @journal:	As much memory as blk_ring_journal_size() says, zeroed when it is new
 * @resume:	An orderly stop has left the ring, with nothing in flight
 * @recover:	It is that of a worker that died, and so is the ring
 * @persistent:	Most persistent grants, 0: none
 * @fixed:	Pages of bounce memory that the engine will be told of
 */
struct blk_ring_conf {
	struct gnt *gnt;
	void *page;
	void *journal;
	bool resume;
	bool recover;
	uint32_t pages;
	enum blk_protocol protocol;
	uint32_t persistent;
	uint32_t fixed;
};

/**
 * blk_ring_open() - Get the memory, attach to the ring: at index 0, with @resume where an
 * orderly stop has left it, with @recover where a worker that died has left it
 * @text:	What failed
 *
 * @r is zero, but for what the caller decides: tag, lim, flush_failed, stats, hist; store
 * comes later.
 *
 * Return: 0 or -errno; blk_ring_close() is due in either case.
 */
int must_check blk_ring_open(struct blk_ring *r, const struct blk_ring_conf *c,
                             char *text, size_t text_size);
void blk_ring_close(struct blk_ring *r);

/**
 * blk_ring_turn() - Answer what has completed, take what is new (with @take), submit
 *
 * The responses are written, not published.
 *
 * Return: V_OK, or V_FATAL when the guest's indices cannot be; what was taken before
 * is served all the same.
 */
enum verdict must_check blk_ring_turn(struct blk_ring *r, bool take);

/**
 * blk_ring_publish() - Show the guest the responses that were written
 *
 * Return: whether to notify it.
 */
bool blk_ring_publish(struct blk_ring *r);

/** blk_ring_journal_size() - Of a ring of @pages, bytes */
size_t blk_ring_journal_size(uint32_t pages);

/** blk_ring_idle() - Nothing is taken that is not answered */
static inline bool blk_ring_idle(const struct blk_ring *r)
{
	return r->free.n == r->ring.size;
}

/** blk_ring_takes() - The next turn would take a request */
static inline bool blk_ring_takes(const struct blk_ring *r)
{
	return !r->held && !r->unanswered;
}

/** blk_ring_waiting() - And there is one */
static inline bool blk_ring_waiting(const struct blk_ring *r)
{
	return blk_ring_takes(r) && ring_waiting(&r->ring);
}

/** blk_ring_taken() - Requests ever taken from the ring, modulo 2^32 */
static inline uint32_t blk_ring_taken(const struct blk_ring *r)
{
	return r->ring.req_cons;
}

/* ---- Between the files of a ring ------------------------------------------------- */

/*
 * Before anything is done in a turn. The clock is asked at most twice: then, and again
 * after the grant copy, which takes time.
 */
static inline uint64_t blk_now(struct blk_ring *r)
{
	if (!r->now)
		r->now = clock_ns();
	return r->now;
}

static inline void blk_list_add(struct blk_list *l, struct blk_io *io)
{
	l->io[l->n++] = io;
}

static inline struct blk_seg *blk_segs(struct blk_ring *r, struct blk_rec *rec)
{
	return rec->nbig ? r->seg + (size_t)rec->big * BLK_BIG_SEGS : rec->seg;
}

/* Of a record: it is being served. */
static inline bool blk_active(const struct blk_rec *rec)
{
	return rec->state >= BLK_HELD;
}

/** blk_read_head() - Judge the head of the request that is in the journal */
enum verdict must_check blk_read_head(struct blk_ring *r, struct blk_io *io,
                                      struct blk_fault *fault);

/**
 * blk_begin() - Set a request going: number @order, its head judged
 * @fault:	Why its head was refused, or NULL
 */
void blk_begin(struct blk_ring *r, struct blk_io *io, uint32_t order,
               const struct blk_fault *fault);

/** blk_recover() - Learn what a worker has left. Return: 0, or -errno with @text. */
int must_check blk_recover(struct blk_ring *r, char *text, size_t text_size);

/** blk_replay() - Go on with what it has left, as far as the order allows */
void blk_replay(struct blk_ring *r);

/** blk_take() - Take what is new, as far as there is room */
enum verdict must_check blk_take(struct blk_ring *r);

/** blk_retry() - Try again with what is held */
void blk_retry(struct blk_ring *r);

/** blk_fetched() - The segments have been copied, or not */
void blk_fetched(struct blk_ring *r, struct blk_io *io);

/** blk_memory() - Say where the data is: in bounce memory or mapped pages, as before */
void blk_memory(struct blk_ring *r, struct blk_io *io);

/**
 * blk_answer() - The only place that answers: each record once, when no grant of it is in
 * use
 */
void blk_answer(struct blk_ring *r, struct blk_io *io, int16_t status);

/** blk_copy() - Move the data with the next grant copy */
void blk_copy(struct blk_ring *r, struct blk_io *io, enum gnt_dir dir);

/** blk_ready() - Let the engine have it at the end of this turn */
static inline void blk_ready(struct blk_ring *r, struct blk_io *io)
{
	io->rec->state = BLK_READY;
	blk_list_add(&r->ready, io);
}

#endif
