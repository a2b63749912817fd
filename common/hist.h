/* SPDX-License-Identifier: MIT */
/* Histogram of durations: 32 buckets per power of two, each within 3 % of the truth. */
#ifndef PVB_HIST_H
#define PVB_HIST_H

#include <stdint.h>

#define HIST_SUB_BITS 5
#define HIST_SUB      (1U << HIST_SUB_BITS)
#define HIST_BUCKETS  ((64 - HIST_SUB_BITS + 1) << HIST_SUB_BITS)

/** struct hist - Zero-initialised is empty. Values are nanoseconds. */
struct hist {
	uint64_t count;
	uint64_t sum;
	uint64_t min;
	uint64_t max;
	uint64_t bucket[HIST_BUCKETS];
};

/*
 * hist_bucket() - Where a value is counted: small ones have a bucket each; then the
 * exponent and the bits below its leading one
 */
static inline unsigned int hist_bucket(uint64_t ns)
{
	unsigned int shift;

	if (ns < HIST_SUB)
		return (unsigned int)ns;
	shift = 63U - (unsigned int)__builtin_clzll(ns) - HIST_SUB_BITS;
	return (shift << HIST_SUB_BITS) + (unsigned int)(ns >> shift);
}

/** hist_last() - The largest value of a bucket */
uint64_t hist_last(unsigned int bucket);

/* One writer: no lock prefix is needed for others to find the number whole. */
static inline void hist_put(uint64_t *p, uint64_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

/**
 * hist_add_many() - Count a value @n times
 *
 * By one thread; others, or other processes, may read meanwhile, and find each number
 * whole, but the bucket perhaps before the count.
 */
static inline void hist_add_many(struct hist *h, uint64_t ns, uint64_t n)
{
	uint64_t *bucket = &h->bucket[hist_bucket(ns)];

	if (!h->count || ns < h->min)
		hist_put(&h->min, ns);
	if (ns > h->max)
		hist_put(&h->max, ns);
	hist_put(&h->count, h->count + n);
	hist_put(&h->sum, h->sum + ns * n);
	hist_put(bucket, *bucket + n);
}

/** hist_add() - Once */
static inline void hist_add(struct hist *h, uint64_t ns)
{
	hist_add_many(h, ns, 1);
}

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

#endif
