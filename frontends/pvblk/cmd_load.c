/* SPDX-License-Identifier: MIT */
/* pvblk load: a thread for each queue. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "load.h"
#include "log.h"
#include "pattern.h"
#include "pvblk.h"

const char *const load_kind_name[LOAD_KINDS] = {
	[LOAD_READ] = "read",   [LOAD_WRITE] = "write", [LOAD_BARRIER] = "barrier",
	[LOAD_FLUSH] = "flush", [LOAD_TRIM] = "trim",
};

/**
 * struct worker - A queue's thread
 * @rc:		How it ended
 */
struct worker {
	pthread_t thread;
	struct load load;
	int rc;
};

static void *worker_run(void *arg)
{
	struct worker *w = arg;

	w->rc = load_run(&w->load);
	return NULL;
}

/* The first queue's is the thread that called. Return: as the first that failed. */
static int run_all(struct worker *w, unsigned int n)
{
	unsigned int started = 1;
	int rc = 0;

	while (started < n && !rc) {
		rc = -pthread_create(&w[started].thread, NULL, worker_run, &w[started]);
		if (rc)
			log_err(NULL, "cannot start a thread: %s", strerror(-rc));
		else
			started++;
	}
	if (rc)
		w->load.all->stop = true;
	worker_run(w);
	for (unsigned int i = 1; i < started; i++)
		pthread_join(w[i].thread, NULL);
	for (unsigned int i = 0; i < n && !rc; i++)
		rc = w[i].rc;
	return rc;
}

static void stats_add(struct load_stats *sum, const struct load_stats *s)
{
	for (unsigned int i = 0; i < LOAD_KINDS; i++)
		hist_merge(&sum->lat[i], &s->lat[i]);
	sum->ring.requests += s->ring.requests;
	sum->ring.notifies += s->ring.notifies;
	sum->ring.events += s->ring.events;
	sum->verified += s->verified;
	if (s->ns > sum->ns)
		sum->ns = s->ns;
}

static int run_and_report(struct load_all *all, uint64_t blocks)
{
	autofree struct worker *w = calloc(all->queues, sizeof(*w));
	autofree struct load_stats *sum = calloc(1, sizeof(*sum));
	int rc = 0;

	if (!w || !sum)
		return log_errno(NULL, "load");
	for (unsigned int i = 0; i < all->queues && !rc; i++)
		rc = load_init(&w[i].load, all, i, blocks);
	if (!rc) {
		rc = run_all(w, all->queues);
		for (unsigned int i = 0; i < all->queues; i++)
			stats_add(sum, &w[i].load.stats);
		load_report(all, sum, rc);
	}
	for (unsigned int i = 0; i < all->queues; i++)
		load_free(&w[i].load);
	return rc;
}

/* What the mode needs of the disk. */
static int mode_fits(const struct opts *o, struct blkfront *bf)
{
	const struct blkfront_info *info = blkfront_info(bf);
	const struct {
		enum load_kind kind;
		bool served;
	} need[] = {
		{ LOAD_WRITE, !info->readonly },
		{ LOAD_BARRIER, info->barrier && !info->readonly },
		{ LOAD_FLUSH, info->flush },
		{ LOAD_TRIM, info->discard && !info->readonly },
	};

	for (size_t i = 0; i < ARRAY_SIZE(need); i++)
		if (o->mode.weight[need[i].kind] && !need[i].served) {
			log_err(blkfront_tag(bf), "the disk %s%s",
			        info->readonly ? "is read-only: no " : "does not offer ",
			        load_kind_name[need[i].kind]);
			return ERR_USAGE;
		}
	return 0;
}

int cmd_load(const struct opts *o, struct blkfront *bf)
{
	const struct blkfront_info *info = blkfront_info(bf);
	uint32_t unit = o->verify ? PATTERN_BLOCK : info->sector_size;
	struct load_all all = {
		.o = o,
		.bf = bf,
		.run = (uint64_t)time(NULL) & UINT32_MAX,
		.depth = o->depth ? o->depth : BLKFRONT_SLOTS(info->order),
		.queues = info->queues,
		.tty = isatty(STDERR_FILENO),
	};
	uint64_t end, blocks;
	int rc;

	if (o->bs % unit) {
		log_err(blkfront_tag(bf), "--bs=%u must be a multiple of %u bytes here",
		        o->bs, unit);
		return ERR_USAGE;
	}
	rc = mode_fits(o, bf);
	if (!rc)
		rc = region_set(bf, o->offset, o->length, unit, &end);
	if (rc)
		return rc;
	blocks = (end - o->offset) / o->bs;
	if (blocks < all.queues) {
		log_err(blkfront_tag(bf),
		        "there is no room for a block of %u bytes for each queue", o->bs);
		return ERR_USAGE;
	}
	return run_and_report(&all, blocks);
}
