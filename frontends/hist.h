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

void hist_add(struct hist *h, uint64_t ns);
void hist_merge(struct hist *into, const struct hist *from);

/**
 * hist_percentile() - Value that @percent of all values do not exceed
 *
 * The upper edge of its bucket, but not more than the maximum; 0 of an empty histogram.
 */
uint64_t hist_percentile(const struct hist *h, double percent);

/** hist_mean() - 0 of an empty histogram */
uint64_t hist_mean(const struct hist *h);

#endif
