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

/* The rate is that of all queues, the latencies are the first one's. */
void load_line(struct load *l, uint64_t now_ns)
{
	uint64_t done = __atomic_exchange_n(&l->all->done, 0, __ATOMIC_RELAXED);
	double iops = per_second(done, now_ns - l->line_ns);
	const struct hist *h = &l->recent;

	fprintf(stderr,
	        "\r%s: %.1f s  %.0f IOPS  %.1f MB/s  latency us: p50 %.0f  p99 %.0f "
	        "\033[K",
	        l->last_pass ? "reading back" : l->o->mode.name,
	        (double)(now_ns - l->begin_ns) / 1e9, iops, iops * l->o->bs / 1e6,
	        us(hist_percentile(h, 50)), us(hist_percentile(h, 99)));
}

void load_line_clear(const struct load_all *all)
{
	if (all->tty)
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
	printf("  %-7s %10" PRIu64 " blocks  %9.0f IOPS  %8.1f MB/s\n"
	       "          latency us: min %.1f  mean %.1f",
	       name, h->count, per_second(h->count, ns),
	       per_second(h->count * bs, ns) / 1e6, us(h->min), us(hist_mean(h)));
	for (size_t i = 0; i < ARRAY_SIZE(percentiles); i++)
		printf("  %s %.1f", percentiles[i].name,
		       us(hist_percentile(h, percentiles[i].percent)));
	printf("  max %.1f\n", us(h->max));
}

static void report_text(const struct load_all *all, const struct load_stats *s, int rc)
{
	const struct blkfront_info *info = blkfront_info(all->bf);
	const struct opts *o = all->o;
	char name[VDEV_NAME_MAX];

	printf("%s: %s, blocks of %u bytes, depth %u, %.2f s, %s grants\n",
	       vdev_name(blkfront_devid(all->bf), name), o->mode.name, o->bs, all->depth,
	       (double)s->ns / 1e9, info->persistent ? "persistent" : "one-time");
	for (unsigned int i = 0; i < LOAD_KINDS; i++)
		text_side(load_kind_name[i], &s->lat[i], i == LOAD_FLUSH ? 0 : o->bs,
		          s->ns);
	printf("  ring    %10" PRIu64
	       " requests, notifications per request: %.3f sent, %.3f "
	       "received\n",
	       s->ring.requests, per_request(s, s->ring.notifies),
	       per_request(s, s->ring.events));
	if (all->queues > 1)
		printf("  queues  %10u\n", all->queues);
	if (o->verify)
		printf("  verify  %10" PRIu64 " bytes read and right%s\n", s->verified,
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

static void report_json(const struct load_all *all, const struct load_stats *s, int rc)
{
	const struct blkfront_info *info = blkfront_info(all->bf);
	const struct opts *o = all->o;
	char name[VDEV_NAME_MAX];

	printf("{\"device\":\"%s\",\"rw\":\"%s\",\"bs\":%u,\"depth\":%u,\"queues\":%u,"
	       "\"ring_pages\":%u,\"segments\":%u,\"persistent\":%s,\"seconds\":%.6f",
	       vdev_name(blkfront_devid(all->bf), name), o->mode.name, o->bs, all->depth,
	       all->queues, 1U << info->order, info->segments,
	       info->persistent ? "true" : "false", (double)s->ns / 1e9);
	for (unsigned int i = 0; i < LOAD_KINDS; i++)
		if (i <= LOAD_WRITE || s->lat[i].count)
			json_side(load_kind_name[i], &s->lat[i],
			          i == LOAD_FLUSH ? 0 : o->bs, s->ns);
	printf(",\"requests\":%" PRIu64 ",\"notifies_sent\":%" PRIu64
	       ",\"events_received\":%" PRIu64 ",\"verified_bytes\":%" PRIu64
	       ",\"error\":%d}\n",
	       s->ring.requests, s->ring.notifies, s->ring.events, s->verified,
	       rc ? 1 : 0);
}

void load_report(const struct load_all *all, const struct load_stats *s, int rc)
{
	if (all->o->json)
		report_json(all, s, rc);
	else
		report_text(all, s, rc);
	/* The way out may hang: closing needs XenStore. */
	fflush(stdout);
}
