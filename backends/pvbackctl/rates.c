/* SPDX-License-Identifier: MIT */
#include "rates.h"

#include <errno.h>
#include <string.h>

static uint64_t gone_up(int64_t was, int64_t now)
{
	return now < 0 ? 0 : (uint64_t)(now >= was && was >= 0 ? now - was : now);
}

static const struct op *op_find(const struct op *op, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(op[i].name, name) == 0)
			return &op[i];
	return NULL;
}

static void rate_of(const struct op *was, const struct op *now, double seconds,
                    struct rate *r)
{
	struct hist lat = { 0 };

	*r = (struct rate){ .name = now->name, .bytes_per_second = -1 };
	if (now->lat) {
		lat = *now->lat;
		if (was && was->lat)
			hist_since(&lat, was->lat);
		r->p50 = hist_percentile(&lat, 50);
		r->p99 = hist_percentile(&lat, 99);
		r->max = lat.max;
		r->mean = hist_mean(&lat);
	}
	r->count = now->count >= 0 ? gone_up(was ? was->count : -1, now->count)
	                           : lat.count;
	r->per_second = (double)r->count / seconds;
	if (now->bytes >= 0)
		r->bytes_per_second =
			(double)gone_up(was ? was->bytes : -1, now->bytes) / seconds;
}

int rates_between(const struct dev *was, const struct dev *now, struct rates *r)
{
	*r = (struct rates){ .in_flight = -1, .notifies = -1 };
	if (now->requests >= 0 && now->answers >= 0)
		/* Read one after the other while they were counted. */
		r->in_flight = now->requests > now->answers ? now->requests - now->answers
		                                            : 0;
	if (!was || !was->time_ns || now->time_ns <= was->time_ns)
		return 0;
	r->rate = calloc(now->nops + now->nothers + now->nlosses + 1, sizeof(*r->rate));
	if (!r->rate)
		return -ENOMEM;
	r->seconds = (double)(now->time_ns - was->time_ns) / 1e9;
	for (size_t i = 0; i < now->nops; i++)
		rate_of(op_find(was->op, was->nops, now->op[i].name), &now->op[i],
		        r->seconds, &r->rate[r->n++]);
	r->nall = r->n;
	for (size_t i = 0; i < now->nothers; i++)
		rate_of(op_find(was->other, was->nothers, now->other[i].name),
		        &now->other[i], r->seconds, &r->rate[r->nall++]);
	r->nrows = r->nall;
	for (size_t i = 0; i < now->nlosses; i++)
		rate_of(op_find(was->loss, was->nlosses, now->loss[i].name),
		        &now->loss[i], r->seconds, &r->rate[r->nrows++]);
	if (now->notifies >= 0 && now->answers >= 0) {
		uint64_t n = gone_up(was->answers, now->answers);

		r->notifies =
			n ? (double)gone_up(was->notifies, now->notifies) / (double)n : 0;
	}
	return 0;
}

void rates_free(struct rates *r)
{
	free(r->rate);
	*r = (struct rates){ 0 };
}
