/* SPDX-License-Identifier: MIT */
#include "hist.h"

uint64_t hist_last(unsigned int bucket)
{
	unsigned int shift = bucket < HIST_SUB ? 0 : (bucket >> HIST_SUB_BITS) - 1;
	uint64_t base = bucket < HIST_SUB ? bucket : (bucket & (HIST_SUB - 1)) | HIST_SUB;

	/* Wraps to the largest value for the last bucket. */
	return ((base + 1) << shift) - 1;
}

static uint64_t add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

void hist_merge(struct hist *into, const struct hist *from)
{
	if (!from->count)
		return;
	if (!into->count || from->min < into->min)
		into->min = from->min;
	if (from->max > into->max)
		into->max = from->max;
	into->count = add(into->count, from->count);
	into->sum = add(into->sum, from->sum);
	for (unsigned int i = 0; i < HIST_BUCKETS; i++)
		into->bucket[i] = add(into->bucket[i], from->bucket[i]);
}

void hist_mend(struct hist *h)
{
	h->count = 0;
	for (unsigned int i = 0; i < HIST_BUCKETS; i++)
		h->count = add(h->count, h->bucket[i]);
	if (!h->count)
		h->sum = h->min = h->max = 0;
	if (h->min > h->max)
		h->min = h->max;
}

void hist_since(struct hist *h, const struct hist *from)
{
	uint64_t top = 0;

	h->sum = h->sum > from->sum ? h->sum - from->sum : 0;
	h->count = h->min = 0;
	for (unsigned int i = 0; i < HIST_BUCKETS; i++) {
		uint64_t now = h->bucket[i], was = from->bucket[i];

		h->bucket[i] = now > was ? now - was : 0;
		if (!h->bucket[i])
			continue;
		if (!h->count)
			h->min = i ? hist_last(i - 1) + 1 : 0;
		h->count = add(h->count, h->bucket[i]);
		top = hist_last(i);
	}
	/* That of all time is exact, and may be this one. */
	h->max = top < h->max ? top : h->max;
}

uint64_t hist_percentile(const struct hist *h, double percent)
{
	double want = (double)h->count * percent / 100.0;
	uint64_t seen = 0;

	for (unsigned int i = 0; i < HIST_BUCKETS; i++) {
		seen = add(seen, h->bucket[i]);
		if (seen && (double)seen >= want)
			return hist_last(i) < h->max ? hist_last(i) : h->max;
	}
	return h->max;
}

uint64_t hist_mean(const struct hist *h)
{
	return h->count ? h->sum / h->count : 0;
}
