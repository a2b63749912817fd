/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "capture.h"
#include "clock.h"
#include "device.h"
#include "guest.h"
#include "num.h"
#include "super.h"
#include "version.h"

/* Nodes of a directory that are shown: a guest may write as many as its quota allows. */
#define KEYS_MAX 64U

struct bdev_facts {
	json_t *to;
};

/* ---- Texts and numbers ------------------------------------------------------------ */

/*
 * What may be a guest's goes to a terminal in the end: no control bytes, of C1 neither,
 * and nothing that is no UTF-8.
 */
static json_t *text(const char *s)
{
	autofree char *clean = strdup(s);
	json_t *j;

	if (!clean)
		return NULL;
	for (unsigned char *p = (unsigned char *)clean; *p; p++) {
		bool c1 = *p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0;

		if (c1)
			*p++ = '?';
		if (c1 || *p < 0x20 || *p == 0x7f)
			*p = '?';
	}
	j = json_string(clean);
	if (j)
		return j;
	for (char *p = clean; *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	return json_string(clean);
}

/* JSON's integers have a sign here. */
static json_t *number(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static void put_text(json_t *o, const char *key, const char *s)
{
	json_object_set_new(o, key, s ? text(s) : json_null());
}

static void put_number(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, number(n));
}

void bdev_fact(struct bdev_facts *f, const char *key, const char *fmt, ...)
{
	autofree char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		s = NULL;
	else
		put_text(f->to, key, s);
}

void bdev_fact_num(struct bdev_facts *f, const char *key, uint64_t value)
{
	put_number(f->to, key, value);
}

void bdev_fact_bool(struct bdev_facts *f, const char *key, bool value)
{
	json_object_set_new(f->to, key, json_boolean(value));
}

/* A line of @o, which is used up. */
static char *line(json_t *o)
{
	char *s = json_dumps(o, JSON_COMPACT), *out = NULL;

	json_decref(o);
	if (s && asprintf(&out, "%s\n", s) < 0)
		out = NULL;
	free(s);
	return out;
}

/* ---- Statistics ------------------------------------------------------------------- */

/* Buckets that are not empty: [largest value, how many]. */
static json_t *histogram(const struct hist *h)
{
	json_t *o = json_object(), *buckets = json_array();

	put_number(o, "count", h->count);
	put_number(o, "sum", h->sum);
	put_number(o, "min", h->min);
	put_number(o, "max", h->max);
	for (unsigned int i = 0; i < HIST_BUCKETS; i++)
		if (h->bucket[i])
			json_array_append_new(buckets,
			                      json_pack("[o,o]", number(hist_last(i)),
			                                number(h->bucket[i])));
	json_object_set_new(o, "buckets", buckets);
	return o;
}

static json_t *counters(const struct stats_snap *snap, const uint64_t *value)
{
	json_t *o = json_object();

	for (uint32_t i = 0; i < snap->head.ncounters; i++)
		put_number(o, snap->name[i], value[i]);
	return o;
}

static json_t *histograms(const struct stats_snap *snap)
{
	struct hist *sum = malloc(sizeof(*sum));
	json_t *o = json_object();

	for (uint32_t i = 0; sum && i < snap->head.nhists; i++) {
		*sum = (struct hist){ 0 };
		for (uint32_t q = 0; q < snap->nqueues; q++)
			hist_merge(sum, stats_snap_hist(snap, q, i));
		json_object_set_new(o, snap->name[snap->head.ncounters + i],
		                    histogram(sum));
	}
	free(sum);
	return o;
}

/* Which counters and histogram belong together. */
static json_t *operations(const struct bdev_stats *s)
{
	json_t *a = json_array();

	for (unsigned int i = 0; i < s->nops; i++)
		json_array_append_new(a, json_pack("{s:s,s:s,s:s*,s:s*}", "name",
		                                   s->op[i].name, "count", s->op[i].count,
		                                   "bytes", s->op[i].bytes, "latency",
		                                   s->op[i].hist));
	return a;
}

static json_t *losses(const struct bdev_stats *s)
{
	json_t *a = json_array();

	for (unsigned int i = 0; i < s->nlosses; i++)
		json_array_append_new(a, json_string(s->loss[i]));
	return a;
}

static void put_stats(json_t *o, const struct device *d, enum ctl_cmd cmd)
{
	uint64_t sum[STATS_COUNTERS_MAX] = { 0 };
	struct stats_snap snap;
	json_t *queues;

	put_number(o, "time_ns", clock_ns());
	if (d->stats < 0)
		return;
	if (stats_read(d->stats, d->nqueues, &snap)) {
		put_text(o, "spoiled", "the worker has overwritten its statistics");
		return;
	}
	queues = json_array();
	for (uint32_t q = 0; q < snap.nqueues; q++) {
		const uint64_t *value = stats_snap_counters(&snap, q);

		for (uint32_t i = 0; i < snap.head.ncounters; i++)
			sum[i] += value[i];
		if (cmd == CTL_SHOW)
			json_array_append_new(queues, counters(&snap, value));
	}
	json_object_set_new(o, "operations", operations(d->ops->stats));
	json_object_set_new(o, "losses", losses(d->ops->stats));
	json_object_set_new(o, "counters", counters(&snap, sum));
	json_object_set_new(o, "histograms", histograms(&snap));
	if (cmd == CTL_SHOW)
		json_object_set(o, "counters_of_queues", queues);
	json_decref(queues);
	stats_snap_free(&snap);
}

/* ---- Keys ------------------------------------------------------------------------- */

/* The nodes below @dir, and those of directories in it, as "queue-0/ring-ref". */
static void put_nodes(json_t *o, struct xst *xs, const char *dir, const char *sub)
{
	const char *slash = *sub ? "/" : "";
	unsigned int n;
	char **name;

	if (xst_list(xs, XST_NULL, &name, &n, "%s%s%s", dir, slash, sub))
		return;
	for (unsigned int i = 0; i < n && json_object_size(o) < KEYS_MAX; i++) {
		autofree char *key = NULL, *value = NULL;

		if (asprintf(&key, "%s%s%s", sub, slash, name[i]) < 0) {
			key = NULL;
			break;
		}
		if (xst_read(xs, XST_NULL, &value, "%s/%s", dir, key))
			value = NULL;
		put_text(o, key, value);
	}
	free(name);
}

static json_t *keys(struct xst *xs, const char *dir)
{
	json_t *o = json_object();
	const char *sub;
	json_t *value;
	char **name;
	unsigned int n;

	put_nodes(o, xs, dir, "");
	if (xst_list(xs, XST_NULL, &name, &n, "%s", dir))
		return o;
	for (unsigned int i = 0; i < n && i < KEYS_MAX; i++) {
		sub = name[i];
		value = json_object_get(o, sub);
		/* A directory has no value. */
		if (json_string_length(value) == 0)
			put_nodes(o, xs, dir, sub);
	}
	free(name);
	return o;
}

/* ---- A device --------------------------------------------------------------------- */

static void put_name(json_t *o, const struct device *d)
{
	char name[BDEV_NAME_MAX];
	autofree char *full = NULL;

	if (d->ops->name)
		d->ops->name(d->bdev.devid, name);
	else
		snprintf(name, sizeof(name), "%s-%u", d->ops->kind, d->bdev.devid);
	if (asprintf(&full, "%u/%s", d->bdev.domid, name) < 0)
		full = NULL;
	put_text(o, "device", full);
}

static void put_facts(json_t *o, const struct device *d)
{
	bool connected = d->worker_link == LINK_UP || d->worker_link == LINK_FAILED;
	struct bdev_facts facts = { json_object() };

	if (d->probed && d->ops->describe)
		d->ops->describe(&d->bdev, connected ? &d->conf : NULL, &facts);
	json_object_set_new(o, "facts", facts.to);
	put_number(o, "queues", !connected ? 0 : d->conf.nqueues ? d->conf.nqueues : 1);
}

/* How it came to the worker that it has. */
static void put_renewal(json_t *o, const struct device *d)
{
	static const char *const how[] = {
		[RENEWAL_NONE] = NULL,
		[RENEWAL_DRAINED] = "drained",
		[RENEWAL_JOURNAL] = "from the journal",
	};

	json_object_set_new(o, "unsettled", json_boolean(device_unsettled(d)));
	put_text(o, "renewal", d->renewing ? "under way" : how[d->renewal]);
	if (d->renewal != RENEWAL_NONE && !d->renewing)
		put_number(o, "renewal_ms", d->renew_ms);
}

static void put_what(json_t *o, const struct device *d)
{
	const struct guest *g = d->guest;

	put_name(o, d);
	put_number(o, "domid", d->bdev.domid);
	put_text(o, "guest", g->name[0] ? g->name : NULL);
	put_text(o, "kind", d->ops->kind);
	put_number(o, "devid", d->bdev.devid);
	put_text(o, "state", dev_state_name(d->state));
	put_text(o, "backend", xenbus_state_name(d->view.own));
	put_text(o, "frontend", xenbus_state_name(d->view.front));
	if (g->worker == WORKER_NONE || !device_needs_worker(d))
		json_object_set_new(o, "worker", json_null());
	else
		put_number(o, "worker", (uint64_t)g->child.pid);
	put_number(o, "crashes", d->crashes);
	json_object_set_new(o, "waits", json_boolean(d->bdev.ailing));
	put_text(o, "fault", d->said[0] ? d->said : NULL);
	put_renewal(o, d);
	put_facts(o, d);
}

static void put_more(json_t *o, struct device *d)
{
	struct xst *xs = d->guest->super->xs;

	put_text(o, "backend_path", d->path);
	put_text(o, "frontend_path", d->front);
	if (!xs)
		return;
	json_object_set_new(o, "backend_keys", keys(xs, d->path));
	json_object_set_new(o, "frontend_keys", keys(xs, d->front));
}

char *report_device(struct device *d, enum ctl_cmd cmd)
{
	json_t *o = json_object();

	put_what(o, d);
	if (cmd != CTL_LIST)
		put_stats(o, d, cmd);
	if (cmd == CTL_SHOW)
		put_more(o, d);
	return line(o);
}

/* ---- Everything else -------------------------------------------------------------- */

char *report_version(const struct super *s)
{
	unsigned int guests = 0, devices = 0, workers = 0, unsettled = 0;
	const struct device *d;
	const struct guest *g;

	LIST_FOREACH (g, &s->guests, link) {
		guests++;
		workers += g->worker != WORKER_NONE;
		LIST_FOREACH (d, &g->devices, link) {
			devices++;
			unsettled += device_unsettled(d);
		}
	}
	return line(json_pack("{s:s,s:i,s:I,s:s,s:i,s:s,s:b,s:i,s:i,s:i,s:i}", "version",
	                      PVB_VERSION, "pid", (int)getpid(), "started_ns",
	                      (json_int_t)s->started_ns, "program", s->program, "domid",
	                      (int)s->domid, "log_level", log_level_name(log_get_level()),
	                      "xenstore", s->xs != NULL, "guests", (int)guests, "devices",
	                      (int)devices, "workers", (int)workers, "unsettled",
	                      (int)unsettled));
}

char *report_done(void)
{
	return line(json_pack("{s:b}", "done", 1));
}

char *report_error(const char *why)
{
	return line(json_pack("{s:b,s:o}", "done", 0, "error", text(why)));
}
