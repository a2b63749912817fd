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
 * @kind:	What is done with it
 * @index:	Which block of the queue's share
 * @len:	Bytes to move; 0 of a flush
 * @issued:	Bytes given to the ring
 * @parts:	Requests in flight
 * @sequence:	Written or expected; 0: what it holds is not known
 */
struct load_io {
	enum load_kind kind;
	uint64_t index;
	uint64_t start_ns;
	uint32_t len;
	uint32_t issued;
	uint32_t parts;
	uint32_t sequence;
	int result;
};

/**
 * struct load_block - What is known of a block, with --verify
 * @sequence:	Last written; 0: not by us
 * @busy:	On its way: nobody else may touch it
 */
struct load_block {
	uint32_t sequence : 31;
	uint32_t busy : 1;
};

/**
 * struct load_stats - What is measured
 * @lat:	Latencies
 * @ring:	Requests on the ring, notifications sent, events received
 * @verified:	Bytes read and found right
 */
struct load_stats {
	struct hist lat[LOAD_KINDS];
	struct blkfront_stats ring;
	uint64_t verified;
	uint64_t ns;
};

/**
 * struct load_all - What the queues have in common
 * @run:	Makes the patterns of this run unlike those of earlier ones
 * @depth:	Blocks in flight for each queue
 * @queues:	How many; each has a thread, and the blocks whose number modulo @queues
 *		is its own
 * @stop:	Something has failed: all end
 * @done:	Blocks done since the last progress line
 */
struct load_all {
	const struct opts *o;
	struct blkfront *bf;
	uint64_t run;
	unsigned int depth;
	unsigned int queues;
	bool tty;
	bool stop;
	uint64_t done;
};

/**
 * struct load - The load on one queue
 * @blocks:	Its share of the region
 * @next:	Next block of a sequential mode, or of the last pass
 * @started:	Blocks begun
 * @limit:	Blocks to begin at most
 * @idle:	Which @nidle entries of @io are free
 * @current:	Not wholly given to the ring yet, or NULL
 * @active:	Entries of @io that are not free
 * @stopping:	Begin no more blocks
 * @last_pass:	Read all that was written once more
 * @error:	First I/O that failed
 * @begin_ns:	When the pass began, when it is to end, when something was answered last,
 *		when the last progress line was shown
 * @due_ns:	When the next block may begin, with --rate
 * @recent:	Latencies since the last progress line
 */
struct load {
	struct load_all *all;
	const struct opts *o;
	struct blkfront *bf;
	unsigned int queue;
	uint64_t blocks;
	uint64_t next;
	uint64_t started;
	uint64_t limit;
	uint64_t rng;
	struct load_io *io;
	unsigned int *idle;
	unsigned int nidle;
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
	uint64_t due_ns;
	struct hist recent;
	struct load_stats stats;
};

/**
 * load_init() - Set up the load on one queue
 * @blocks:	Blocks of the region
 *
 * load_free() takes it also after a failure, which is logged.
 */
int must_check load_init(struct load *l, struct load_all *all, unsigned int queue,
                         uint64_t blocks);
void load_free(struct load *l);

/** load_run() - The load, and then the last pass. Return: 0 or -errno, printed. */
int must_check load_run(struct load *l);

/** load_line() - The line that shows progress on a terminal */
void load_line(struct load *l, uint64_t now_ns);

/** load_line_clear() - Remove it before something else is printed */
void load_line_clear(const struct load_all *all);

/** load_report() - The result, as text or JSON. @rc: how it ended */
void load_report(const struct load_all *all, const struct load_stats *s, int rc);

#endif
