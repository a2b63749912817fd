/* SPDX-License-Identifier: MIT */
#include "reply.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "rates.h"

static char *get_text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? strdup(s) : NULL;
}

static int64_t get_number(const json_t *o, const char *key)
{
	const json_t *j = json_object_get(o, key);

	return json_is_integer(j) && json_integer_value(j) >= 0 ? json_integer_value(j)
	                                                        : -1;
}

/* A scalar as a person reads it. */
static char *shown(const json_t *j)
{
	char *s = NULL;

	if (json_is_string(j))
		return strdup(json_string_value(j));
	if (json_is_boolean(j))
		return strdup(json_is_true(j) ? "yes" : "no");
	if (!json_is_integer(j))
		return strdup("-");
	return asprintf(&s, "%" JSON_INTEGER_FORMAT, json_integer_value(j)) < 0 ? NULL
	                                                                        : s;
}

static struct pairs get_pairs(json_t *o)
{
	struct pairs p = { 0 };
	p.v = calloc(json_object_size(o) + 1, sizeof(*p.v));
	if (!p.v)
		return p;
	for (void *i = json_object_iter(o); i; i = json_object_iter_next(o, i))
		p.v[p.n++] = (struct pair){ strdup(json_object_iter_key(i)),
			                    shown(json_object_iter_value(i)) };
	return p;
}

static void pairs_free(struct pairs *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].key);
		free(p->v[i].value);
	}
	free(p->v);
}

const char *pairs_find(const struct pairs *p, const char *key)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].key && strcmp(p->v[i].key, key) == 0)
			return p->v[i].value;
	return NULL;
}

static struct hist *get_hist(const json_t *o)
{
	struct hist *h = json_is_object(o) ? calloc(1, sizeof(*h)) : NULL;
	const json_t *buckets = json_object_get(o, "buckets");

	if (!h)
		return NULL;
	h->sum = (uint64_t)json_integer_value(json_object_get(o, "sum"));
	h->min = (uint64_t)json_integer_value(json_object_get(o, "min"));
	h->max = (uint64_t)json_integer_value(json_object_get(o, "max"));
	for (size_t i = 0; i < json_array_size(buckets); i++) {
		const json_t *pair = json_array_get(buckets, i);
		json_int_t last = json_integer_value(json_array_get(pair, 0));
		json_int_t n = json_integer_value(json_array_get(pair, 1));

		h->bucket[hist_bucket((uint64_t)last)] += (uint64_t)n;
	}
	hist_mend(h);
	return h;
}

static void get_ops(const json_t *o, struct dev *d)
{
	const json_t *rows = json_object_get(o, "operations");
	json_t *counters = json_object_get(o, "counters");
	json_t *hists = json_object_get(o, "histograms");

	d->op = calloc(json_array_size(rows) + 1, sizeof(*d->op));
	d->other = calloc(json_object_size(hists) + 1, sizeof(*d->other));
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		const char *name = json_string_value(json_object_get(row, "name"));
		const char *count = json_string_value(json_object_get(row, "count"));
		const char *bytes = json_string_value(json_object_get(row, "bytes"));
		const char *lat = json_string_value(json_object_get(row, "latency"));

		if (!d->op || !name)
			continue;
		d->op[d->nops++] = (struct op){
			.name = strdup(name),
			.count = count ? get_number(counters, count) : -1,
			.bytes = bytes ? get_number(counters, bytes) : -1,
			.lat = lat ? get_hist(json_object_get(hists, lat)) : NULL,
		};
		/* What is left belongs to no operation. */
		if (lat)
			json_object_del(hists, lat);
	}
	for (void *i = json_object_iter(hists); i && d->other;
	     i = json_object_iter_next(hists, i))
		d->other[d->nothers++] =
			(struct op){ .name = strdup(json_object_iter_key(i)),
			             .count = -1,
			             .bytes = -1,
			             .lat = get_hist(json_object_iter_value(i)) };
}

static void get_losses(const json_t *o, struct dev *d)
{
	const json_t *names = json_object_get(o, "losses");
	const json_t *counters = json_object_get(o, "counters");

	d->loss = calloc(json_array_size(names) + 1, sizeof(*d->loss));
	for (size_t i = 0; i < json_array_size(names) && d->loss; i++) {
		const char *name = json_string_value(json_array_get(names, i));

		if (name)
			d->loss[d->nlosses++] =
				(struct op){ .name = strdup(name),
				             .count = get_number(counters, name),
				             .bytes = -1 };
	}
}

static void get_device(const json_t *o, struct dev *d)
{
	const json_t *queues = json_object_get(o, "counters_of_queues");
	json_t *counters = json_object_get(o, "counters");
	int64_t n;

	d->device = get_text(o, "device");
	d->guest = get_text(o, "guest");
	d->kind = get_text(o, "kind");
	d->state = get_text(o, "state");
	d->backend = get_text(o, "backend");
	d->frontend = get_text(o, "frontend");
	d->fault = get_text(o, "fault");
	d->spoiled = get_text(o, "spoiled");
	d->renewal = get_text(o, "renewal");
	d->unsettled = json_is_true(json_object_get(o, "unsettled"));
	d->backend_path = get_text(o, "backend_path");
	d->frontend_path = get_text(o, "frontend_path");
	d->domid = (uint32_t)get_number(o, "domid");
	d->devid = (uint32_t)get_number(o, "devid");
	n = get_number(o, "worker");
	d->worker = n > 0 ? (long)n : 0;
	n = get_number(o, "queues");
	d->queues = n > 0 ? (unsigned int)n : 0;
	n = get_number(o, "renewal_ms");
	d->renewal_ms = n > 0 ? (unsigned int)n : 0;
	n = get_number(o, "crashes");
	d->crashes = n > 0 ? (unsigned int)n : 0;
	n = counters ? get_number(o, "time_ns") : 0;
	d->time_ns = n > 0 ? (uint64_t)n : 0;
	d->requests = get_number(counters, "requests");
	d->answers = get_number(counters, "answers");
	d->notifies = get_number(counters, "notifies");
	d->facts = get_pairs(json_object_get(o, "facts"));
	d->counters = get_pairs(counters);
	d->backend_keys = get_pairs(json_object_get(o, "backend_keys"));
	d->frontend_keys = get_pairs(json_object_get(o, "frontend_keys"));
	get_ops(o, d);
	get_losses(o, d);
	d->queue = calloc(json_array_size(queues) + 1, sizeof(*d->queue));
	for (size_t i = 0; i < json_array_size(queues) && d->queue; i++)
		d->queue[d->nqueues++] = get_pairs(json_array_get(queues, i));
}

enum reply reply_parse(const char *line, struct dev *d, char **text)
{
	json_t *o = json_loads(line, 0, NULL);
	enum reply r = REPLY_BROKEN;
	const json_t *done;

	*d = (struct dev){ 0 };
	*text = NULL;
	done = json_object_get(o, "done");
	if (done) {
		r = json_is_true(done) ? REPLY_DONE : REPLY_ERROR;
		*text = get_text(o, "error");
	} else if (json_object_get(o, "device")) {
		get_device(o, d);
		r = d->device && d->kind ? REPLY_DEVICE : REPLY_BROKEN;
		if (r == REPLY_BROKEN)
			dev_free(d);
	} else if (json_is_object(o)) {
		r = REPLY_OTHER;
	}
	json_decref(o);
	return r;
}

char *reply_text(const char *line, const char *key)
{
	json_t *o = json_loads(line, 0, NULL);
	char *s = o ? shown(json_object_get(o, key)) : NULL;

	json_decref(o);
	return s;
}

static void ops_free(struct op *op, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(op[i].name);
		free(op[i].lat);
	}
	free(op);
}

void dev_free(struct dev *d)
{
	char *texts[] = { d->device,  d->guest,        d->kind,         d->state,
		          d->backend, d->frontend,     d->fault,        d->spoiled,
		          d->renewal, d->backend_path, d->frontend_path };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free(texts[i]);
	pairs_free(&d->facts);
	pairs_free(&d->counters);
	pairs_free(&d->backend_keys);
	pairs_free(&d->frontend_keys);
	for (size_t i = 0; i < d->nqueues; i++)
		pairs_free(&d->queue[i]);
	free(d->queue);
	ops_free(d->op, d->nops);
	ops_free(d->other, d->nothers);
	ops_free(d->loss, d->nlosses);
	*d = (struct dev){ 0 };
}

static json_t *rate_json(const struct rate *r, const struct op *op)
{
	json_t *o = json_pack("{s:f}", "per_second", r->per_second);

	if (op->count >= 0)
		json_object_set_new(o, "count", json_integer(op->count));
	if (op->bytes >= 0) {
		json_object_set_new(o, "bytes", json_integer(op->bytes));
		json_object_set_new(o, "bytes_per_second",
		                    json_real(r->bytes_per_second));
	}
	if (op->lat)
		json_object_set_new(
			o, "latency_ns",
			json_pack("{s:I,s:I,s:I,s:I}", "p50", (json_int_t)r->p50, "p99",
		                  (json_int_t)r->p99, "max", (json_int_t)r->max, "mean",
		                  (json_int_t)r->mean));
	return o;
}

char *reply_rates(const struct dev *d, const struct rates *r)
{
	json_t *o = json_pack("{s:s,s:s*,s:s*,s:f}", "device", d->device, "guest",
	                      d->guest, "state", d->state, "seconds", r->seconds);
	json_t *lost = json_object();
	char *s;

	for (size_t i = 0; i < r->nall; i++)
		json_object_set_new(
			o, r->rate[i].name,
			rate_json(&r->rate[i],
		                  i < r->n ? &d->op[i] : &d->other[i - r->n]));
	for (size_t i = 0; i < d->nlosses; i++)
		json_object_set_new(lost, d->loss[i].name,
		                    rate_json(&r->rate[r->nall + i], &d->loss[i]));
	if (d->nlosses)
		json_object_set(o, "lost", lost);
	json_decref(lost);
	if (r->in_flight >= 0)
		json_object_set_new(o, "in_flight", json_integer(r->in_flight));
	if (r->notifies >= 0)
		json_object_set_new(o, "notifies_per_answer", json_real(r->notifies));
	s = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(6));
	json_decref(o);
	return s;
}
