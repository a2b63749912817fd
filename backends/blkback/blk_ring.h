/* SPDX-License-Identifier: MIT */
/*
 * Serve one ring: take requests, move data, submit I/O, answer. Knows no event channel
 * and never sleeps; blk_queue does.
 *
 *   blk_take()                 blk_copied()                blk_reap()
 *   FREE -> [judge] -> COPYING (write) -> SUBMITTED -> COPYING (read) -> FREE
 *              |          ^   or, with every page mapped, SUBMITTED at once    ^
 *              +----------+-----------------------------------------> answered-+
 */
#ifndef PVB_BLK_RING_H
#define PVB_BLK_RING_H

#include "blk_pmap.h"
#include "blk_req.h"
#include "blk_stats.h"
#include "compiler.h"
#include "gnt.h"
#include "log.h"
#include "ring.h"
#include "store.h"

/* Requests that a one-page ring holds. */
#define BLK_DEPTH      32U
/* A request's share of the bounce memory, bytes. */
#define BLK_BOUNCE     (BLK_SEGS * XEN_PAGE)
#define BLK_BOUNCE_ALL ((size_t)BLK_DEPTH * BLK_BOUNCE)

_Static_assert(BLK_DEPTH <= STORE_DEPTH_MAX, "each request may be one I/O");

enum blk_state {
	BLK_FREE,
	BLK_COPYING,   /* waits for the next grant copy */
	BLK_SUBMITTED, /* the engine has it */
};

/**
 * struct blk_rec - A request taken from the ring and not answered yet; plain data
 *
 * blk_take() fills one, blk_answer() frees it; nothing else does.
 */
struct blk_rec {
	struct blk_req req;
	enum blk_state state;
};

/**
 * struct blk_io - What serving the record of the same index needs
 * @taken:	When it was taken from the ring, clock_ns()
 * @begun:	When its last I/O was handed to the engine
 * @bounced:	Data goes through bounce memory, not mapped pages
 * @copy:	Its first copy in the batch, in state COPYING
 */
struct blk_io {
	struct store_io io;
	struct iovec iov[BLK_SEGS];
	uint64_t taken;
	uint64_t begun;
	bool bounced;
	uint32_t copy;
};

/**
 * struct blk_ring - A ring and all that serving it needs
 * @tag:	For log lines
 * @bounce:	BLK_BOUNCE_ALL bytes, page-aligned
 * @batch:	Room for the copies of all requests
 * @pmap:	Persistent grants, or NULL when the guest has none
 * @free:	Records in state FREE, a bit each
 * @copying:	Records in state COPYING
 * @stats:	Its counters, and
 * @hist:	histograms, in memory that others read
 * @now:	Time of what is being done, or 0: the clock has to be asked
 * @flush_failed: Writes that were answered OKAY may be lost: no flush is ever answered
 *		OKAY again, writes are made durable one by one
 */
struct blk_ring {
	const char *tag;
	struct log_limit limit;
	struct blk_lim lim;
	struct ring_back ring;
	struct store *store;
	uint8_t *bounce;
	struct gnt_batch *batch;
	struct blk_pmap *pmap;
	bool flush_failed;
	uint32_t free;
	uint32_t ncopying;
	uint8_t copying[BLK_DEPTH];
	struct blk_stats *stats;
	struct hist *hist[BLK_NHISTS];
	uint64_t now;
	struct blk_rec rec[BLK_DEPTH];
	struct blk_io io[BLK_DEPTH];
};

/** blk_ring_init() - All records free; the caller fills in what the ring is to use */
void blk_ring_init(struct blk_ring *r);

/**
 * blk_ring_turn() - Answer what has completed, take what is new (with @take), submit
 *
 * The responses are written, not published.
 *
 * Return: V_OK, or V_FATAL when the guest's indices cannot be; what was taken before
 * is served all the same.
 */
enum verdict must_check blk_ring_turn(struct blk_ring *r, bool take);

/** blk_ring_idle() - Nothing is taken that is not answered */
static inline bool blk_ring_idle(const struct blk_ring *r)
{
	return r->free == UINT32_MAX;
}

_Static_assert(BLK_DEPTH == 32, "a bit of free for each record");

/** blk_ring_taken() - Requests ever taken from the ring, modulo 2^32 */
static inline uint32_t blk_ring_taken(const struct blk_ring *r)
{
	return r->ring.req_cons;
}

#endif
