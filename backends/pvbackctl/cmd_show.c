/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "cmds.h"
#include "fetch.h"

#define BAR_WIDTH 40U

static void fact(const char *key, const char *value)
{
	printf("  %-20s %s\n", key, value ? value : "-");
}

static void heading(const char *what, const char *more)
{
	printf("\n%s%s%s\n", what, more ? " " : "", more ? more : "");
}

static double us(uint64_t ns)
{
	return (double)ns / 1e3;
}

/* The power of two that a value is below, in units of 2^10 ns: the rows of a picture. */
static unsigned int octave(uint64_t ns)
{
	return ns >> 10 ? 64U - (unsigned int)__builtin_clzll(ns >> 10) : 0;
}

/* A row for each doubling, as long as what is counted there. */
static void picture(const struct hist *h)
{
	uint64_t row[64] = { 0 }, most = 0;
	unsigned int first = 64, last = 0;

	for (unsigned int i = 0; i < HIST_BUCKETS; i++) {
		unsigned int o = octave(hist_last(i));

		if (!h->bucket[i])
			continue;
		row[o] += h->bucket[i];
		most = row[o] > most ? row[o] : most;
		first = o < first ? o : first;
		last = o;
	}
	for (unsigned int o = first; o <= last && most; o++) {
		/* The top, 2^10 ns times a power of two, as microseconds. */
		double top = 1.024 * (double)(1ULL << o);
		int len = (int)((double)row[o] * BAR_WIDTH / (double)most + 0.999);

		printf("      < %10.0f us  %-*.*s  %" PRIu64 "\n", top, (int)BAR_WIDTH,
		       len, "########################################", row[o]);
	}
}

static void durations(const struct hist *h)
{
	if (!h || !h->count)
		return;
	printf("      us: min %.1f  mean %.1f  p50 %.1f  p90 %.1f  p99 %.1f  p99.9 %.1f  "
	       "max %.1f\n",
	       us(h->min), us(hist_mean(h)), us(hist_percentile(h, 50)),
	       us(hist_percentile(h, 90)), us(hist_percentile(h, 99)),
	       us(hist_percentile(h, 99.9)), us(h->max));
	picture(h);
}

static void show_stats(const struct dev *d)
{
	heading("statistics since it was attached", NULL);
	for (size_t i = 0; i < d->nops; i++) {
		const struct op *op = &d->op[i];

		printf("  %-8s %" PRId64, op->name, op->count);
		if (op->bytes > 0)
			printf(", %.1f MB", (double)op->bytes / 1e6);
		putchar('\n');
		durations(op->lat);
	}
	for (size_t i = 0; i < d->nothers; i++)
		if (d->other[i].lat && d->other[i].lat->count) {
			printf("  %-8s %" PRIu64 "\n", d->other[i].name,
			       d->other[i].lat->count);
			durations(d->other[i].lat);
		}
}

/* Each counter with its sum, and its share of each queue. */
static void show_counters(const struct dev *d)
{
	heading("counters", d->nqueues > 1 ? "(all queues: each)" : NULL);
	for (size_t i = 0; i < d->counters.n; i++) {
		const char *key = d->counters.v[i].key;

		printf("  %-20s %s", key, d->counters.v[i].value);
		for (size_t q = 0; d->nqueues > 1 && q < d->nqueues; q++)
			printf("%s%s", q ? " " : ": ", pairs_find(&d->queue[q], key));
		putchar('\n');
	}
}

static void show_keys(const char *whose, const char *path, const struct pairs *p)
{
	heading(whose, path);
	for (size_t i = 0; i < p->n; i++)
		printf("  %s = \"%s\"\n", p->v[i].key, p->v[i].value);
}

static void show(const struct dev *d)
{
	char number[24];

	printf("%s%s%s\n", d->device, d->guest ? "  of " : "", d->guest ? d->guest : "");
	fact("state", d->state);
	fact("backend", d->backend);
	fact("frontend", d->frontend);
	if (d->fault)
		fact("fault", d->fault);
	snprintf(number, sizeof(number), "%ld", d->worker);
	fact("worker", d->worker ? number : NULL);
	if (d->crashes) {
		snprintf(number, sizeof(number), "%u", d->crashes);
		fact("worker crashes", number);
	}
	snprintf(number, sizeof(number), "%u", d->queues);
	fact("queues", number);
	for (size_t i = 0; i < d->facts.n; i++)
		fact(d->facts.v[i].key, d->facts.v[i].value);
	if (d->spoiled)
		fact("statistics", d->spoiled);
	if (d->counters.n) {
		show_stats(d);
		show_counters(d);
	}
	show_keys("backend", d->backend_path, &d->backend_keys);
	show_keys("frontend", d->frontend_path, &d->frontend_keys);
}

int cmd_show(struct conn *c, const struct opts *o)
{
	struct devs all, one = { 0 };
	int rc = fetch(c, "list", NULL, false, &all);

	if (rc)
		return rc;
	rc = devs_only(&all, o->what);
	rc = rc ? rc : fetch(c, "show", &all.v[0], o->json, &one);
	/* It may have gone meanwhile. */
	rc = rc ? rc : devs_keep(&one, o->what, false);
	if (!rc && !o->json)
		show(&one.v[0]);
	devs_free(&all);
	devs_free(&one);
	return rc;
}
