/* SPDX-License-Identifier: MIT */
/* The load generator's state, as its engine and its report see it. */
#ifndef PVB_PVBLK_LOAD_H
#define PVB_PVBLK_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "blkfront.h"
#include "hist.h"
#include "opts.h"

/**
 * struct load_io - One block on its way, in as many requests as it takes
 * @index:	Which block of the region
 * @issued:	Bytes given to the ring
 * @done:	Bytes answered
 * @sequence:	Written or expected; 0: what it holds is not known
 */
struct load_io {
	bool active;
	uint8_t op;
	uint64_t index;
	uint64_t start_ns;
	uint32_t issued;
	uint32_t done;
	uint32_t sequence;
	int result;
};

/**
 * struct load_block - What is known of a block of the region, with --verify
 * @sequence:	Last written; 0: not by us
 * @busy:	On its way: nobody else may touch it
 */
struct load_block {
	uint32_t sequence : 31;
	uint32_t busy : 1;
};

/**
 * struct load_stats - What is measured
 * @lat:	Latencies of reads and of writes
 * @requests:	Requests on the ring, notifications sent, events received
 * @verified:	Bytes read and found right
 */
struct load_stats {
	struct hist lat[2];
	struct blkfront_stats ring;
	uint64_t verified;
	uint64_t ns;
};

/**
 * struct load - A running load
 * @blocks:	Blocks in the region
 * @next:	Next block of a sequential mode, or of the last pass
 * @started:	Blocks begun
 * @limit:	Blocks to begin at most
 * @current:	Not wholly given to the ring yet, or NULL
 * @run:	Makes the patterns of this run unlike those of earlier ones
 * @stopping:	Begin no more blocks
 * @last_pass:	Read all that was written once more
 * @error:	First I/O that failed
 * @begin_ns:	When the pass began, when it is to end, when something was answered last,
 *		when the last progress line was shown
 * @recent:	Latencies since the last progress line
 */
struct load {
	const struct opts *o;
	struct blkfront *bf;
	uint64_t blocks;
	uint64_t next;
	uint64_t started;
	uint64_t limit;
	uint64_t rng;
	uint64_t run;
	struct load_io io[BLKFRONT_RING_SIZE];
	struct load_io *current;
	unsigned int active;
	struct load_block *block;
	bool stopping;
	bool last_pass;
	int error;
	uint64_t begin_ns;
	uint64_t end_ns;
	uint64_t progress_ns;
	uint64_t line_ns;
	struct hist recent;
	bool tty;
	struct load_stats stats;
};

/** load_line() - The line that shows progress on a terminal */
void load_line(struct load *l, uint64_t now_ns);

/** load_line_clear() - Remove it before something else is printed */
void load_line_clear(const struct load *l);

/** load_report() - The result, as text or JSON. @rc: how it ended */
void load_report(const struct load *l, int rc);

#endif
