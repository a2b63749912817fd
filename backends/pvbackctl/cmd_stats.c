/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <time.h>

#include "cmds.h"
#include "fetch.h"
#include "rates.h"
#include "table.h"

static void cell_us(struct table *t, uint64_t ns, bool any)
{
	if (any)
		table_cell(t, "%.1f", (double)ns / 1e3);
	else
		table_dash(t);
}

/* What is said once for a device, in its first row. */
static void cells_device(struct table *t, const struct rates *r, bool first)
{
	if (!first) {
		table_cell(t, "%s", "");
		table_cell(t, "%s", "");
		return;
	}
	if (r->in_flight < 0)
		table_dash(t);
	else
		table_cell(t, "%" PRId64, r->in_flight);
	if (r->notifies < 0)
		table_dash(t);
	else
		table_cell(t, "%.3f", r->notifies);
}

static void row(struct table *t, const struct dev *d, const struct rates *r,
                const struct rate *x, bool lost, bool first)
{
	table_cell(t, "%s", first ? d->device : "");
	table_cell(t, "%s", first && d->guest ? d->guest : "");
	table_cell(t, "%s%s", lost ? "lost: " : "", x ? x->name : "-");
	table_cell(t, "%.0f", x ? x->per_second : 0);
	if (x && x->bytes_per_second >= 0)
		table_cell(t, "%.1f", x->bytes_per_second / 1e6);
	else
		table_dash(t);
	cell_us(t, x ? x->p50 : 0, x && x->count && x->max);
	cell_us(t, x ? x->p99 : 0, x && x->count && x->max);
	cell_us(t, x ? x->max : 0, x && x->count && x->max);
	cells_device(t, r, first);
}

/* Operations that were done, what was lost, and one line at least. */
static void rows(struct table *t, const struct dev *d, const struct rates *r)
{
	bool first = true;

	for (size_t i = 0; i < r->nrows; i++)
		if (r->rate[i].count) {
			row(t, d, r, &r->rate[i], i >= r->nall, first);
			first = false;
		}
	if (first)
		row(t, d, r, NULL, false, true);
}

static int print(const struct devs *was, const struct devs *now, bool json)
{
	struct table t = { 0 };
	struct rates r;

	if (!json)
		table_head(&t, "DEVICE GUEST OP -PER_S -MB/S -P50_US -P99_US -MAX_US "
		               "-IN_FLIGHT -NOTIFY/REQ");
	for (size_t i = 0; i < now->n; i++) {
		const struct dev *d = &now->v[i];
		autofree char *line = NULL;

		if (rates_between(devs_find(was, d), d, &r))
			return EXIT_FAILURE;
		if (json && r.seconds > 0) {
			line = reply_rates(d, &r);
			puts(line ? line : "{}");
		} else if (!json && r.seconds > 0) {
			rows(&t, d, &r);
		}
		rates_free(&r);
	}
	if (!json)
		table_print(&t);
	return fflush(stdout) ? EXIT_FAILURE : 0;
}

/* Above a block: the time, on a cleared terminal or below the last one. */
static void print_time(bool first)
{
	time_t now = time(NULL);
	struct tm tm;
	char text[40];

	if (isatty(STDOUT_FILENO))
		fputs("\033[H\033[J", stdout);
	else if (!first)
		putchar('\n');
	if (localtime_r(&now, &tm) && strftime(text, sizeof(text), "%F %T", &tm))
		puts(text);
}

/* Statistics of the devices that are meant. */
static int sample(struct conn *c, const struct opts *o, struct devs *out)
{
	int rc = fetch(c, "stats", NULL, false, out);

	rc = rc ? rc : devs_keep(out, o->what, true);
	if (rc)
		devs_free(out);
	return rc;
}

int cmd_stats(struct conn *c, const struct opts *o)
{
	struct devs was, now;
	int rc = sample(c, o, &was);
	uint32_t n = 0;

	if (rc)
		return rc;
	do {
		wait_ms(o->every_ms);
		rc = sample(c, o, &now);
		if (rc)
			break;
		if (o->watch && !o->json)
			print_time(n == 0);
		rc = print(&was, &now, o->json);
		devs_free(&was);
		was = now;
	} while (!rc && o->watch && ++n != o->count);
	devs_free(&was);
	return rc;
}
