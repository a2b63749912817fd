/* SPDX-License-Identifier: MIT */
/*
 * Serve one ring: take requests, move data, submit I/O, answer. Knows no event channel
 * and never sleeps; blk_queue does.
 *
 *   blk_take.c: take, find memory    blk_ring.c: copy, submit, answer    blk_req.h: judge
 *   blk_short.c: the short way of whole pages that are mapped
 *   blk_attach.c: begin and end
 *
 *   FREE -> [judge] ---> FETCHING ---> [judge] -+  segments of an indirect request,
 *    |                                   |         copied |
 *    |         +--> HELD (no room, or barrier) -+--> COPYING (write) --+
 *    |                                          |                      v
 *    |      answered <-- COPYING (read, copied) <---------------- SUBMITTED
 *    v                                                                 ^
 *  SHORT --> answered                                                  |
 *    +------- it has become part of another's I/O, or has failed ------+
 *
 * What a worker that died has left undone (LEFT) is done first, by blk_replay.c.
 *
 * A record is the one whose response is in the slot where the next request is found
 * (@order): so it is not used again before the guest has been shown that response, as the
 * journal demands, and there is no list of free ones.
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
	BLK_HELD,      /* waits for memory, or, a barrier, for all before it */
	BLK_FETCHING,  /* its segments are in the next grant copy */
	BLK_COPYING,   /* its data is */
	BLK_SUBMITTED, /* the engine has it, or will at the end of the turn */
	BLK_SHORT,     /* the same; of blk_io only what the short way needs is set */
};

/**
 * struct blk_io - A request taken from the ring and not answered yet
 * @io:		What the engine is to do
 * @journal:	What a successor would find of it: the request as it was in the ring.
 *		Always the same
 * @taken:	When it was taken from the ring, clock_ns()
 * @begun:	When its last I/O was handed to the engine
 * @state:	enum blk_state
 * @step:	I/Os it has behind it; a flush with data takes two, a barrier three
 * @left:	A worker that died has left it
 * @copied:	All of its copies succeeded
 * @alone:	Do not merge
 * @piece:	The engine's piece in which @vec, one entry, is; or BLK_PIECE_NONE
 * @vec, @nvec:	Its memory; in the pool for indirect requests, else @iov
 * @room:	Entries of @vec
 * @big:	First unit of the segments of an indirect request
 * @nbig:	Units; 0: the segments are in @seg
 * @bounce:	First page of bounce memory
 * @nbounce:	Pages; 0: the guest's pages are mapped
 * @first:	First copy in the batch, in state FETCHING or COPYING
 * @merged:	Next of the records that @io serves, or NULL
 * @last:	The last of them, of the first
 *
 * blk_take.c and blk_short.c fill one, an answer frees it; nothing else does.
 */
struct blk_io {
	struct store_io io;
	struct blk_journal_rec *journal;
	uint64_t taken;
	uint64_t begun;
	uint8_t state;
	uint8_t step;
	bool left;
	bool copied;
	bool alone;
	uint8_t piece;
	uint16_t nvec;
	uint16_t room;
	uint16_t big, nbig;
	uint16_t bounce, nbounce;
	uint32_t first;
	struct iovec *vec;
	struct blk_io *merged, *last;
	struct blk_req req;
	struct iovec iov[BLK_SEGS];
	struct blk_seg seg[BLK_SEGS];
};

/** struct blk_list - Some records */
struct blk_list {
	uint32_t n;
	struct blk_io *io[BLK_DEPTH_MAX];
};

/**
 * struct blk_chain - I/Os that go to the engine at the end of the turn, linked by @next
 * @end:	Where the last of them ends in the image; UINT64_MAX when there is none
 * @late:	The turn has spent time on copies meanwhile
 */
struct blk_chain {
	struct store_io *head;
	struct store_io **last;
	uint64_t end;
	bool late;
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
 * @order:	By index of the ring: in a slot without a response, or with one that was
 *		shown, the record for the next request there; else the response's
 * @copying:	In states FETCHING and COPYING
 * @chain:	SUBMITTED or SHORT in this turn
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
	struct blk_list copying;
	struct blk_chain chain;
	struct blk_stats *stats;
	struct hist *hist[BLK_NHISTS];
	struct blk_tally served, stored;
	uint64_t now;
	struct blk_io *io;
	struct blk_io *order[BLK_DEPTH_MAX];
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

/** blk_ring_idle() - Nothing is taken whose answer was not shown */
static inline bool blk_ring_idle(const struct blk_ring *r)
{
	return r->ring.req_cons == r->ring.rsp_pub;
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

static inline struct blk_seg *blk_segs(struct blk_ring *r, struct blk_io *io)
{
	return io->nbig ? r->seg + (size_t)io->big * BLK_BIG_SEGS : io->seg;
}

/* Of a record: it is being served. */
static inline bool blk_active(const struct blk_io *io)
{
	return io->state >= BLK_HELD;
}

/* The record for request @index of the ring, or, with that response, of it. */
static inline struct blk_io **blk_at(struct blk_ring *r, uint32_t index)
{
	return &r->order[index & (r->ring.size - 1)];
}

/** blk_read_head() - Judge the head of the request that is in the journal */
enum verdict must_check blk_read_head(struct blk_ring *r, struct blk_io *io,
                                      struct blk_fault *fault);

/**
 * blk_begin() - Set a request going that is in the journal, its head judged
 * @fault:	Why its head was refused, or NULL
 */
void blk_begin(struct blk_ring *r, struct blk_io *io, const struct blk_fault *fault);

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

/** blk_copy() - Move the data with the next grant copy */
void blk_copy(struct blk_ring *r, struct blk_io *io, enum gnt_dir dir);

/** blk_ready() - Let the engine have it at the end of this turn */
void blk_ready(struct blk_ring *r, struct blk_io *io);

static inline void blk_chain_reset(struct blk_chain *c)
{
	*c = (struct blk_chain){ .end = UINT64_MAX };
	c->last = &c->head;
}

/** blk_chain_add() - The same, when @io->io says all; up to byte @end of the image */
static inline void blk_chain_add(struct blk_chain *c, struct blk_io *io, uint64_t end)
{
	*c->last = &io->io;
	c->last = &io->io.next;
	c->end = end;
}

/** blk_chain_merge() - The same, with one that may begin where the last one ends */
void blk_chain_merge(struct blk_ring *r, struct blk_io *io);

/** blk_count() - @n requests were answered with OKAY, @ns after they were taken */
void blk_count(struct blk_ring *r, uint8_t op, uint64_t ns, uint64_t n, uint64_t bytes);

/** blk_count_io() - @n I/Os were over @ns after they were begun */
void blk_count_io(struct blk_ring *r, uint64_t ns, uint64_t n);

/* ---- The short way --------------------------------------------------------------- */

/**
 * blk_short_take() - Take up to @n requests, all of which are there, some the short way
 *
 * Until one is held. With a @r->pmap.
 */
void blk_short_take(struct blk_ring *r, uint32_t n);

/**
 * blk_short_done() - Answer I/Os from @done on that have gone the short way
 *
 * Return: the first that has not, or has failed; or NULL.
 */
struct store_io *blk_short_done(struct blk_ring *r, struct store_io *done);

/** blk_short_leave() - Set what the short way does not: from SHORT to SUBMITTED */
void blk_short_leave(struct blk_ring *r, struct blk_io *io);

/** blk_take_head() - Take the next request, the head of which is in its journal */
void blk_take_head(struct blk_ring *r, struct blk_io *io);

#endif
