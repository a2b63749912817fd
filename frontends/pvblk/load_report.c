/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "load.h"
#include "vdev.h"

static double us(uint64_t ns)
{
	return (double)ns / 1e3;
}

static double per_second(uint64_t n, uint64_t ns)
{
	return ns ? (double)n * 1e9 / (double)ns : 0.0;
}

void load_line(struct load *l, uint64_t now_ns)
{
	const struct hist *h = &l->recent;
	double iops = per_second(h->count, now_ns - l->line_ns);

	fprintf(stderr,
	        "\r%s: %.1f s  %.0f IOPS  %.1f MB/s  latency us: p50 %.0f  p99 %.0f "
	        "\033[K",
	        l->last_pass ? "reading back" : l->o->mode->name,
	        (double)(now_ns - l->begin_ns) / 1e9, iops, iops * l->o->bs / 1e6,
	        us(hist_percentile(h, 50)), us(hist_percentile(h, 99)));
}

void load_line_clear(const struct load *l)
{
	if (l->tty)
		fputs("\r\033[K", stderr);
}

static const struct {
	const char *name;
	double percent;
} percentiles[] = {
	{ "p50", 50 },     { "p90", 90 },       { "p99", 99 },
	{ "p99.9", 99.9 }, { "p99.99", 99.99 },
};

static double per_request(const struct load_stats *s, uint64_t n)
{
	return s->ring.requests ? (double)n / (double)s->ring.requests : 0.0;
}

static void text_side(const char *name, const struct hist *h, uint32_t bs, uint64_t ns)
{
	if (!h->count)
		return;
	printf("  %-6s %10" PRIu64 " blocks  %9.0f IOPS  %8.1f MB/s\n"
	       "         latency us: min %.1f  mean %.1f",
	       name, h->count, per_second(h->count, ns),
	       per_second(h->count * bs, ns) / 1e6, us(h->min), us(hist_mean(h)));
	for (size_t i = 0; i < ARRAY_SIZE(percentiles); i++)
		printf("  %s %.1f", percentiles[i].name,
		       us(hist_percentile(h, percentiles[i].percent)));
	printf("  max %.1f\n", us(h->max));
}

static void report_text(const struct load *l, int rc)
{
	const struct load_stats *s = &l->stats;
	const struct opts *o = l->o;
	char name[VDEV_NAME_MAX];

	printf("%s: %s, blocks of %u bytes, depth %u, %.2f s, %s grants\n",
	       vdev_name(blkfront_devid(l->bf), name), o->mode->name, o->bs, o->depth,
	       (double)s->ns / 1e9,
	       blkfront_info(l->bf)->persistent ? "persistent" : "one-time");
	text_side("read", &s->lat[0], o->bs, s->ns);
	text_side("write", &s->lat[1], o->bs, s->ns);
	printf("  ring   %10" PRIu64
	       " requests, notifications per request: %.3f sent, %.3f "
	       "received\n",
	       s->ring.requests, per_request(s, s->ring.notifies),
	       per_request(s, s->ring.events));
	if (l->block)
		printf("  verify %10" PRIu64 " bytes read and right%s\n", s->verified,
		       rc ? ", but see above" : "");
}

static void json_side(const char *name, const struct hist *h, uint32_t bs, uint64_t ns)
{
	printf(",\"%s\":{\"ios\":%" PRIu64 ",\"bytes\":%" PRIu64
	       ",\"iops\":%.1f,\"bytes_per_second\":%.0f,\"latency_ns\":{\"min\":%" PRIu64
	       ",\"mean\":%" PRIu64,
	       name, h->count, h->count * bs, per_second(h->count, ns),
	       per_second(h->count * bs, ns), h->min, hist_mean(h));
	for (size_t i = 0; i < ARRAY_SIZE(percentiles); i++)
		printf(",\"%s\":%" PRIu64, percentiles[i].name,
		       hist_percentile(h, percentiles[i].percent));
	printf(",\"max\":%" PRIu64 "}}", h->max);
}

static void report_json(const struct load *l, int rc)
{
	const struct load_stats *s = &l->stats;
	const struct opts *o = l->o;
	char name[VDEV_NAME_MAX];

	printf("{\"device\":\"%s\",\"rw\":\"%s\",\"bs\":%u,\"depth\":%u,\"persistent\":%"
	       "s,"
	       "\"seconds\":%.6f",
	       vdev_name(blkfront_devid(l->bf), name), o->mode->name, o->bs, o->depth,
	       blkfront_info(l->bf)->persistent ? "true" : "false", (double)s->ns / 1e9);
	json_side("read", &s->lat[0], o->bs, s->ns);
	json_side("write", &s->lat[1], o->bs, s->ns);
	printf(",\"requests\":%" PRIu64 ",\"notifies_sent\":%" PRIu64
	       ",\"events_received\":%" PRIu64 ",\"verified_bytes\":%" PRIu64
	       ",\"error\":%d}\n",
	       s->ring.requests, s->ring.notifies, s->ring.events, s->verified,
	       rc ? 1 : 0);
}

void load_report(const struct load *l, int rc)
{
	if (l->o->json)
		report_json(l, rc);
	else
		report_text(l, rc);
	/* The way out may hang: closing needs XenStore. */
	fflush(stdout);
}
