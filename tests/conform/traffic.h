/* SPDX-License-Identifier: MIT */
/* Random requests of all kinds on one queue, each judged when it is answered. */
#ifndef PVB_TRAFFIC_H
#define PVB_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>

#include "blkfront.h"
#include "model.h"

/**
 * struct tally - What became of the requests of one kind
 * @done:	Answered with success
 * @bad:	Failed, or were found to have done something else
 * @why:	The first of these
 */
struct tally {
	uint64_t done;
	uint64_t bad;
	char why[240];
};

/** tally_bad() - Count one that is bad */
void printf_like(2, 3) tally_bad(struct tally *t, const char *fmt, ...);

/**
 * struct flight - A request on its way
 * @order:	Position on the ring
 * @first, @n:	Sectors it has claimed
 */
struct flight {
	enum kind kind;
	bool active;
	uint64_t order;
	uint64_t first;
	uint64_t n;
};

/**
 * struct traffic - One queue
 * @first, @sectors: Its share of the disk
 * @left:	Requests to begin
 * @flight:	@depth ones
 * @barriers:	Of them on their way
 * @bytes:	Moved
 * @error:	The device is of no use any more
 */
struct traffic {
	struct blkfront *bf;
	struct model *model;
	unsigned int queue;
	uint64_t first;
	uint64_t sectors;
	uint64_t rng;
	uint64_t left;
	unsigned int depth;
	struct flight *flight;
	unsigned int active;
	unsigned int barriers;
	uint64_t order;
	uint64_t bytes;
	int error;
	struct tally tally[KINDS];
};

/** traffic_run() - Until all requests are answered; for a thread of its own */
void *traffic_run(void *traffic);

#endif
