/* SPDX-License-Identifier: MIT */
#include "hist.h"

#define SUB (1U << HIST_SUB_BITS)

/* Small values have a bucket each; then the exponent and the bits below its leading one.
 */
static unsigned int bucket_of(uint64_t ns)
{
	unsigned int shift;

	if (ns < SUB)
		return (unsigned int)ns;
	shift = 63U - (unsigned int)__builtin_clzll(ns) - HIST_SUB_BITS;
	return (shift << HIST_SUB_BITS) + (unsigned int)(ns >> shift);
}

static uint64_t bucket_last(unsigned int bucket)
{
	unsigned int shift = bucket < SUB ? 0 : (bucket >> HIST_SUB_BITS) - 1;
	uint64_t base = bucket < SUB ? bucket : (bucket & (SUB - 1)) | SUB;

	/* Wraps to the largest value for the last bucket. */
	return ((base + 1) << shift) - 1;
}

void hist_add(struct hist *h, uint64_t ns)
{
	if (!h->count || ns < h->min)
		h->min = ns;
	if (ns > h->max)
		h->max = ns;
	h->count++;
	h->sum += ns;
	h->bucket[bucket_of(ns)]++;
}

void hist_merge(struct hist *into, const struct hist *from)
{
	if (!from->count)
		return;
	if (!into->count || from->min < into->min)
		into->min = from->min;
	if (from->max > into->max)
		into->max = from->max;
	into->count += from->count;
	into->sum += from->sum;
	for (unsigned int i = 0; i < HIST_BUCKETS; i++)
		into->bucket[i] += from->bucket[i];
}

uint64_t hist_percentile(const struct hist *h, double percent)
{
	double want = (double)h->count * percent / 100.0;
	uint64_t seen = 0;

	for (unsigned int i = 0; i < HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen && (double)seen >= want)
			return bucket_last(i) < h->max ? bucket_last(i) : h->max;
	}
	return h->max;
}

uint64_t hist_mean(const struct hist *h)
{
	return h->count ? h->sum / h->count : 0;
}
