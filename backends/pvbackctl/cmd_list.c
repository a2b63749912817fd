/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cmds.h"
#include "fetch.h"
#include "rates.h"
#include "table.h"

/* What a list looks at to tell rates. */
#define SAMPLE_MS 200

static const char *or_dash(const char *s)
{
	return s && *s ? s : "-";
}

/* Of all operations together. */
static void cell_rates(struct table *t, const struct rates *r)
{
	double per_second = 0, bytes = 0;

	if (r->seconds <= 0) {
		table_dash(t);
		table_dash(t);
		return;
	}
	for (size_t i = 0; i < r->n; i++) {
		per_second += r->rate[i].per_second;
		if (r->rate[i].bytes_per_second > 0)
			bytes += r->rate[i].bytes_per_second;
	}
	table_cell(t, "%.0f", per_second);
	table_cell(t, "%.1f", bytes / 1e6);
}

static void row(struct table *t, const struct dev *d, const struct rates *r)
{
	const char *image = pairs_find(&d->facts, "image");

	table_cell(t, "%s", d->device);
	table_cell(t, "%s", or_dash(d->guest));
	table_cell(t, "%s", or_dash(d->state));
	table_cell(t, "%s", or_dash(d->backend));
	table_cell(t, "%s", or_dash(d->frontend));
	table_cell(t, "%s", or_dash(pairs_find(&d->facts, "mode")));
	table_cell(t, "%u", d->queues);
	if (d->worker)
		table_cell(t, "%ld", d->worker);
	else
		table_dash(t);
	cell_rates(t, r);
	table_cell(t, "%s", or_dash(image ? image : pairs_find(&d->facts, "interface")));
}

static int print(const struct devs *was, const struct devs *now)
{
	struct table t;
	struct rates r;

	table_head(&t, "DEVICE GUEST STATE BACKEND FRONTEND MODE -QUEUES -WORKER "
	               "-IO/S -MB/S IMAGE");
	for (size_t i = 0; i < now->n; i++) {
		if (rates_between(devs_find(was, &now->v[i]), &now->v[i], &r))
			return EXIT_FAILURE;
		row(&t, &now->v[i], &r);
		rates_free(&r);
	}
	table_print(&t);
	for (size_t i = 0; i < now->n; i++)
		if (now->v[i].fault)
			printf("%s: %s\n", now->v[i].device, now->v[i].fault);
	return 0;
}

/* The lines as they come, of those that are meant. */
static int list_json(struct conn *c, const struct opts *o)
{
	struct devs all, one;
	int rc;

	rc = fetch(c, "list", NULL, !o->what, &all);
	if (rc)
		return rc;
	if (o->what)
		rc = devs_keep(&all, o->what, true);
	for (size_t i = 0; o->what && i < all.n && !rc; i++) {
		rc = fetch(c, "list", &all.v[i], true, &one);
		if (!rc)
			devs_free(&one);
	}
	devs_free(&all);
	return rc;
}

int cmd_list(struct conn *c, const struct opts *o)
{
	struct devs was = { 0 }, now = { 0 };
	int rc;

	if (o->json)
		return list_json(c, o);
	rc = fetch(c, "stats", NULL, false, &was);
	if (!rc && was.n)
		wait_ms(SAMPLE_MS);
	rc = rc ? rc : fetch(c, "stats", NULL, false, &now);
	rc = rc ? rc : devs_keep(&now, o->what, true);
	rc = rc ? rc : print(&was, &now);
	devs_free(&was);
	devs_free(&now);
	return rc;
}
