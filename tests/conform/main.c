/* SPDX-License-Identifier: MIT */
/*
 * conform - one guest that connects to a disk in every way there is, and each time reads,
 * writes, flushes, discards and sets barriers at random. TAP, a line for each way and
 * kind of request.
 *
 * The disk must be all zero and nobody else's, its image a file that can be read here.
 * What the backend does not offer is a failure.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "blkfront.h"
#include "log.h"
#include "num.h"
#include "traffic.h"
#include "vdev.h"

#define QUEUES_MAX 4U
/* Enough to come round the largest ring. */
#define REQUESTS   160U
#define INDIRECT   256U

/**
 * struct way - How to connect
 * @name:	"x86_32, 8 pages, 4 queues, indirect, copy"
 */
struct way {
	char name[80];
	struct blkfront_conf conf;
};

/**
 * struct run - The whole of it
 * @only:	Ways whose names contain this, or NULL
 * @disk:	What the image holds, for comparing
 */
struct run {
	uint32_t devid;
	int image;
	const char *only;
	uint64_t seed;
	unsigned int tests;
	unsigned int failed;
	uint64_t requests;
	uint64_t bytes;
	struct model model;
	uint8_t *disk;
};

static const struct {
	const char *name;
	enum blkfront_protocol protocol;
	bool unsaid;
} protocols[] = {
	/* Says nothing, as blkif.h lets a frontend of the backend's own layout. */
	{ "native", BLKFRONT_X86_64, true },
	{ "x86_32", BLKFRONT_X86_32, false },
	{ "x86_64", BLKFRONT_X86_64, false },
};

static void result(struct run *r, const struct way *w, enum kind kind, const char *why)
{
	r->tests++;
	r->failed += why != NULL;
	printf("%sok %u - %s: %s\n", why ? "not " : "", r->tests, w->name,
	       kind_name[kind]);
	if (why)
		printf("# %s\n", why);
}

static void way_failed(struct run *r, const struct way *w, const char *why)
{
	for (unsigned int k = 0; k < KINDS; k++)
		result(r, w, (enum kind)k, why);
}

/* What the backend grants less of than was asked, or NULL. */
static const char *missing(const struct blkfront *bf, const struct way *w)
{
	const struct blkfront_info *info = blkfront_info(bf);

	if (info->order != w->conf.order)
		return "the backend does not offer so large a ring";
	if (info->queues != w->conf.queues)
		return "the backend does not offer so many queues";
	if (w->conf.indirect && info->offer.segments < w->conf.segments)
		return "the backend does not offer indirect requests of 256 segments";
	if (info->persistent != w->conf.persistent)
		return "the backend does not offer persistent grants";
	return NULL;
}

static const char *missing_kind(const struct blkfront_info *info, enum kind kind)
{
	if ((kind == FLUSH && !info->flush) || (kind == BARRIER && !info->barrier) ||
	    (kind == DISCARD && !info->discard))
		return "the backend does not offer it";
	return NULL;
}

static void share_out(struct run *r, struct blkfront *bf, struct traffic *t)
{
	const struct blkfront_info *info = blkfront_info(bf);
	uint64_t share = r->model.sectors / info->queues;

	for (unsigned int i = 0; i < info->queues; i++)
		t[i] = (struct traffic){
			.bf = bf,
			.model = &r->model,
			.queue = i,
			.first = i * share,
			.sectors = share,
			.rng = r->seed++,
			.left = REQUESTS + BLKFRONT_SLOTS(info->order),
		};
}

static void run_traffic(struct traffic *t, unsigned int n)
{
	pthread_t thread[QUEUES_MAX];
	unsigned int started = 0;

	while (started < n &&
	       !pthread_create(&thread[started], NULL, traffic_run, &t[started]))
		started++;
	for (unsigned int i = 0; i < n; i++) {
		if (i < started)
			pthread_join(thread[i], NULL);
		else
			t[i].error = -EAGAIN;
	}
}

/* The image as the host has it. What is wrong is whose touched the sector last. */
static void compare(struct run *r, struct tally *sum)
{
	uint64_t first = 0, at;
	char why[200];

	if (pread(r->image, r->disk, r->model.sectors * BLK_SECTOR, 0) !=
	    (ssize_t)(r->model.sectors * BLK_SECTOR)) {
		tally_bad(&sum[READ], "the image cannot be read: %s", strerror(errno));
		return;
	}
	while (!model_check(&r->model, first, r->model.sectors - first,
	                    r->disk + first * BLK_SECTOR, &at, why, sizeof(why))) {
		tally_bad(&sum[r->model.s[at].by], "in the image: %s", why);
		first = at + 1;
	}
	if (sum[DISCARD].done && !sum[DISCARD].bad &&
	    !model_zeroed(&r->model, 0, r->model.sectors, r->disk))
		tally_bad(&sum[DISCARD], "no discarded sector has become zero");
	model_adopt(&r->model, r->disk);
}

static void judge(struct run *r, const struct way *w, const struct blkfront_info *info,
                  struct tally *sum, int error)
{
	char text[400];

	for (unsigned int k = 0; k < KINDS; k++) {
		const char *why = missing_kind(info, (enum kind)k);

		snprintf(text, sizeof(text), "%llu of them: %s",
		         (unsigned long long)sum[k].bad, sum[k].why);
		if (!why && sum[k].bad)
			why = text;
		else if (!why && error)
			why = strerror(-error);
		else if (!why && !sum[k].done)
			why = "none was done";
		result(r, w, (enum kind)k, why);
	}
}

static void run_way(struct run *r, const struct way *w)
{
	struct traffic t[QUEUES_MAX];
	struct tally sum[KINDS] = { 0 };
	struct blkfront_info info;
	struct blkfront *bf;
	const char *why;
	int closed, error = 0, rc = blkfront_open(&bf, r->devid, &w->conf);

	if (rc) {
		way_failed(r, w, strerror(-rc));
		return;
	}
	why = missing(bf, w);
	if (why) {
		way_failed(r, w, why);
		blkfront_close(bf);
		return;
	}
	info = *blkfront_info(bf);
	share_out(r, bf, t);
	run_traffic(t, info.queues);
	for (unsigned int i = 0; i < info.queues; i++) {
		error = error ? error : t[i].error;
		r->bytes += t[i].bytes;
		for (unsigned int k = 0; k < KINDS; k++) {
			if (!sum[k].bad)
				memcpy(sum[k].why, t[i].tally[k].why, sizeof(sum[k].why));
			sum[k].bad += t[i].tally[k].bad;
			sum[k].done += t[i].tally[k].done;
		}
	}
	r->requests += blkfront_stats(bf, BLKFRONT_ANY).requests;
	closed = blkfront_close(bf);
	error = error ? error : closed;
	compare(r, sum);
	judge(r, w, &info, sum, error);
}

/* All ways, the cheap changes innermost. */
static void run_all(struct run *r)
{
	for (unsigned int i = 0;
	     i < ARRAY_SIZE(protocols) * (BLKFRONT_ORDER_MAX + 1) * 3 * 4; i++) {
		unsigned int order = i / 12 % (BLKFRONT_ORDER_MAX + 1);
		unsigned int protocol = i / 12 / (BLKFRONT_ORDER_MAX + 1);
		unsigned int queues = 1U << i / 4 % 3;
		bool indirect = i / 2 % 2, persistent = i % 2;
		struct way w = { .conf = BLKFRONT_DEFAULTS };

		w.conf.protocol = protocols[protocol].protocol;
		w.conf.unsaid = protocols[protocol].unsaid;
		w.conf.order = order;
		w.conf.queues = queues;
		w.conf.indirect = indirect;
		w.conf.segments = indirect ? INDIRECT : BLKFRONT_DIRECT;
		w.conf.persistent = persistent;
		snprintf(w.name, sizeof(w.name), "%s, %u page%s, %u queue%s, %s, %s",
		         protocols[protocol].name, 1U << order, order ? "s" : "", queues,
		         queues > 1 ? "s" : "", indirect ? "indirect" : "direct",
		         persistent ? "persistent" : "copy");
		if (!r->only || strstr(w.name, r->only))
			run_way(r, &w);
	}
}

static int image_open(struct run *r, const char *path)
{
	off_t size;
	int rc;

	r->image = open(path, O_RDONLY | O_CLOEXEC);
	if (r->image < 0)
		return log_errno(NULL, "%s", path);
	size = lseek(r->image, 0, SEEK_END);
	rc = model_open(&r->model, (uint64_t)size / BLK_SECTOR);
	r->disk = malloc((size_t)size);
	return rc || !r->disk ? log_errno(NULL, "%s: %lld bytes", path, (long long)size)
	                      : 0;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "only", required_argument, NULL, 'o' },
		{ "seed", required_argument, NULL, 's' },
		{ 0 },
	};
	struct run r = { .seed = 1, .image = -1 };
	int c, rc;

	log_init("conform", LOG_STDERR);
	log_set_level(LOG_LVL_WARN);
	while ((c = getopt_long(argc, argv, "o:s:", longs, NULL)) != -1) {
		if (c == 'o')
			r.only = optarg;
		else if (c != 's' || num_u64(optarg, UINT64_MAX, &r.seed))
			return 2;
	}
	if (argc - optind != 2) {
		fprintf(stderr, "usage: conform [--only=WORDS] [--seed=N] DISK IMAGE\n");
		return 2;
	}
	rc = blkfront_find(argv[optind], &r.devid);
	if (!rc)
		rc = image_open(&r, argv[optind + 1]);
	if (!rc)
		run_all(&r);
	printf("# %llu requests, %llu MiB\n1..%u\n", (unsigned long long)r.requests,
	       (unsigned long long)(r.bytes >> 20), r.tests);
	model_close(&r.model);
	free(r.disk);
	return rc || r.failed || !r.tests;
}
