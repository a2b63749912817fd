/* SPDX-License-Identifier: MIT */
/*
 * Requests of all kinds at random, in each other's way, on all queues of a disk at once,
 * judged by history.h when they are answered.
 */
#ifndef PVB_DRIVE_H
#define PVB_DRIVE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "blkfront.h"
#include "history.h"

/**
 * struct drive - The whole of it; one thread
 * @sectors:	Of the disk that are used, from the first on
 * @weight:	How often each kind is asked for
 * @depth:	Requests in flight for each queue
 * @may_fail:	Storage may: its errors are none of the disk's
 * @stop:	Set by a signal: ask for nothing more
 * @failed:	Storage has
 * @flush_failed: With a flush: of the requests from this one on no flush may succeed
 * @begun, @done: Requests
 */
struct drive {
	struct blkfront *bf;
	struct history *h;
	uint64_t seed;
	uint64_t rng;
	uint64_t sectors;
	uint32_t weight[HISTORY_KINDS];
	unsigned int depth;
	bool may_fail;
	const volatile sig_atomic_t *stop;
	bool failed;
	uint64_t flush_failed;
	struct lane *lane;
	uint64_t begun;
	uint64_t done[HISTORY_KINDS];
	uint64_t sectors_read;
};

/**
 * drive_run() - Until @stop, or storage that may has failed; then all is answered
 *
 * Return: 0, or -errno with the reason logged; -EILSEQ: what cannot be was seen.
 */
int must_check drive_run(struct drive *d);

/** drive_read_all() - Read and judge all of it, with nothing else on its way. As above.
 */
int must_check drive_read_all(struct drive *d);

/** drive_survived() - Judge what @image holds after storage was cut off. As above. */
int must_check drive_survived(const struct drive *d, int image);

#endif
