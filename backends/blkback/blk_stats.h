/* SPDX-License-Identifier: MIT */
/* What is counted of a disk, for each of its rings: known to both halves. */
#ifndef PVB_BLK_STATS_H
#define PVB_BLK_STATS_H

#include <stdint.h>

#include "blk_conf.h"
#include "stats.h"

/* Counters; written by the ring's thread only. */
#define BLK_STATS(X)                                                   \
	X(requests) /* taken from the ring */                          \
	X(answers)  /* of these, answered, whatever the status */      \
	X(reads)    /* requests answered with OKAY, by operation */    \
	X(read_bytes)                                                  \
	X(writes)                                                      \
	X(write_bytes)                                                 \
	X(flushes)  /* with or without data */                         \
	X(barriers) /* with or without data */                         \
	X(discards)                                                    \
	X(discard_bytes)                                               \
	X(indirect)   /* of all these, with segments in a page */      \
	X(refused)    /* the request broke a rule */                   \
	X(bad_grants) /* a copy from or to its grants failed */        \
	X(io_errors)  /* storage failed */                             \
	X(held)       /* had to wait for memory */                     \
	X(merged)     /* served by the I/O of a neighbour */           \
	X(copy_calls) /* grant copies: calls, segments */              \
	X(copy_segs)                                                   \
	X(map_pages)   /* persistent grants mapped, and */             \
	X(unmap_pages) /* unmapped again to make room */               \
	X(batches)     /* publications of responses */                 \
	X(notifies)    /* of which the guest had asked for an event */ \
	X(events)      /* events received */                           \
	X(sleeps)                                                      \
	X(spins) /* sleeps saved by looking a little longer */

struct blk_stats {
#define X(name) uint64_t name;
	BLK_STATS(X)
#undef X
};

/*
 * Durations. Of requests answered with OKAY, by operation: from when the ring's thread
 * found it in the ring to when its answer was written; a histogram counts what the
 * counter of the same operation counts. And of storage alone: each I/O, from when it was
 * handed to the engine to when it was seen to be complete.
 */
#define BLK_HISTS(X) X(read) X(write) X(flush) X(barrier) X(discard) X(storage)

enum blk_hist {
#define X(name) BLK_HIST_##name,
	BLK_HISTS(X)
#undef X
	BLK_NHISTS
};

#define X(name) #name,
static const char *const blk_counter_names[] = { BLK_STATS(X) };
static const char *const blk_hist_names[] = { BLK_HISTS(X) };
#undef X

_Static_assert(sizeof(struct blk_stats) ==
                       sizeof(uint64_t) * ARRAY_SIZE(blk_counter_names),
               "a name for each counter");

static const struct stats_table blk_stats_table = {
	.counter = blk_counter_names,
	.hist = blk_hist_names,
	.ncounters = ARRAY_SIZE(blk_counter_names),
	.nhists = ARRAY_SIZE(blk_hist_names),
	.queues = BLK_QUEUES_MAX,
};

#endif
