/* SPDX-License-Identifier: MIT */
/* Histogram of durations: 32 buckets per power of two, each within 3 % of the truth. */
#ifndef PVB_HIST_H
#define PVB_HIST_H

#include <stdint.h>

#define HIST_SUB_BITS 5
#define HIST_BUCKETS  ((64 - HIST_SUB_BITS + 1) << HIST_SUB_BITS)

/** struct hist - Zero-initialised is empty. Values are nanoseconds. */
struct hist {
	uint64_t count;
	uint64_t sum;
	uint64_t min;
	uint64_t max;
	uint64_t bucket[HIST_BUCKETS];
};

/**
 * hist_add() - Count a value
 *
 * By one thread; others, or other processes, may read meanwhile, and find each number
 * whole, but the bucket perhaps before the count.
 */
void hist_add(struct hist *h, uint64_t ns);
void hist_merge(struct hist *into, const struct hist *from);

/**
 * hist_mend() - Make the numbers of an untrusted or torn copy agree: the count is what
 * the buckets hold, minimum and maximum are in order; sums that overflow stay at the top
 */
void hist_mend(struct hist *h);

/**
 * hist_since() - What was added between two copies, the earlier of which is @from
 *
 * Minimum and maximum are those of the buckets. A bucket that went back counts as empty:
 * the histogram was begun anew.
 */
void hist_since(struct hist *h, const struct hist *from);

/**
 * hist_percentile() - Value that @percent of all values do not exceed
 *
 * The upper edge of its bucket, but not more than the maximum; 0 of an empty histogram.
 */
uint64_t hist_percentile(const struct hist *h, double percent);

/** hist_mean() - 0 of an empty histogram */
uint64_t hist_mean(const struct hist *h);

/** hist_bucket() - Where a value is counted; hist_last() - the largest value there */
unsigned int hist_bucket(uint64_t ns);
uint64_t hist_last(unsigned int bucket);

#endif
