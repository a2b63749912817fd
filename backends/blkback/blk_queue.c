/* SPDX-License-Identifier: MIT */
#include "blk_queue.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>

#include "blk_ring.h"
#include "chan.h"
#include "clock.h"
#include "store_hold.h"

enum {
	WATCH_EVTCHN,
	WATCH_CONTROL
};

/**
 * struct blk_queue - A ring and its thread; while it serves the thread's own
 * @page:	The ring's first page
 * @stopping:	The disk is to stop: nothing more is taken
 * @failed:	The guest broke the ring: nothing more is taken, the thread waits for the
 *		stop
 * @before:	Counters as they were when it began: they go on
 */
struct blk_queue {
	struct blk_ring r;
	struct blk_disk *disk;
	struct chan chan;
	void *page;
	bool stopping;
	bool failed;
	struct blk_stats before;
};

static bool queue_serving(const struct blk_queue *q)
{
	return !q->failed && !q->stopping;
}

static void queue_fail(struct blk_queue *q, int err, const char *why)
{
	q->failed = true;
	blk_disk_failed(q->disk, err, why);
}

static void queue_publish(struct blk_queue *q)
{
	struct blk_ring *r = &q->r;

	if (blk_ring_publish(r)) {
		stats_add(&r->stats->notifies, 1);
		evt_notify(q->chan.evt);
	}
}

/* The guest has been quick lately: look at the ring a little longer before sleeping. */
static bool queue_spin(struct blk_queue *q, uint64_t since)
{
	if (!q->chan.pace.spin_ns)
		return false;
	do {
		for (int i = 0; i < 16; i++) {
			if (blk_ring_waiting(&q->r)) {
				stats_add(&q->r.stats->spins, 1);
				return true;
			}
			__builtin_ia32_pause();
		}
	} while (clock_ns() - since < q->chan.pace.spin_ns);
	return false;
}

/* An event is for nothing if no request waits and none was taken since the last one. */
static void queue_event(struct blk_queue *q)
{
	if (chan_take(&q->chan, blk_ring_taken(&q->r), ring_waiting(&q->r.ring))) {
		q->r.store->ops->watch(q->r.store, WATCH_EVTCHN, -1);
		if (!q->failed)
			queue_fail(q, EIO, "the event channel is gone");
		return;
	}
	stats_add(&q->r.stats->events, 1);
}

static void queue_ready(struct blk_queue *q, unsigned int ready)
{
	if (ready & 1U << WATCH_EVTCHN)
		queue_event(q);
	if (ready & 1U << WATCH_CONTROL) {
		q->r.store->ops->watch(q->r.store, WATCH_CONTROL, -1);
		q->stopping = true;
		/* Storage may never come back: who waits for it hears of it. */
		if (q->r.store->ops->let_go)
			q->r.store->ops->let_go(q->r.store);
	}
}

/* Submit; sleep unless the guest has more for us already. */
static void queue_wait(struct blk_queue *q)
{
	struct store *s = q->r.store;
	bool serving = queue_serving(q);
	bool more = serving && blk_ring_waiting(&q->r);
	/* Nothing is awaited but the guest's next request. */
	bool idle = !more && blk_ring_idle(&q->r);
	uint64_t since = more ? 0 : clock_ns();
	int64_t limit = STORE_FOREVER;

	if (more || (serving && idle && queue_spin(q, since))) {
		limit = 0;
	} else if (serving && blk_ring_takes(&q->r)) {
		limit = chan_listen(&q->chan);
		if (ring_arm(&q->r.ring))
			limit = 0;
	}
	if (limit && idle)
		stats_add(&q->r.stats->sleeps, 1);
	queue_ready(q, s->ops->wait(s, limit));
	if (limit && idle)
		pace_waited(&q->chan.pace, clock_ns() - since);
	else if (limit)
		pace_stored(&q->chan.pace, clock_ns() - since);
	if (serving)
		ring_disarm(&q->r.ring);
}

void blk_queue_count(const struct blk_queue *q, struct blk_stats *sum, uint64_t *calls,
                     const char **engine)
{
#define X(name) sum->name += q->r.stats->name - q->before.name;
	BLK_STATS(X)
#undef X
	*calls += q->r.store->calls;
	*engine = q->r.store->ops->name;
}

void blk_queue_serve(struct blk_queue *q)
{
	q->r.store->ops->start(q->r.store);
	/* The last worker may have died between showing a response and saying so. */
	if (q->disk->conf.flags & BLK_RECOVER)
		evt_notify(q->chan.evt);
	for (;;) {
		if (blk_ring_turn(&q->r, queue_serving(q)) == V_FATAL)
			queue_fail(q, EPROTO,
			           "the guest's ring index cannot be: more requests "
			           "than the ring has slots");
		queue_publish(q);
		if (q->stopping && blk_ring_idle(&q->r))
			break;
		queue_wait(q);
	}
}

void blk_queue_free(struct blk_queue *q)
{
	if (!q)
		return;
	/* The engine first: it may know the memory. */
	if (q->r.store)
		q->r.store->ops->close(q->r.store);
	blk_ring_close(&q->r);
	evt_close(q->chan.evt);
	if (q->page)
		gnt_unmap(q->disk->dev->gnt, q->page, q->disk->conf.ring_pages);
	free(q);
}

static int queue_map(struct blk_queue *q, const struct blk_conf_queue *c, char *text,
                     size_t size)
{
	struct wdev *dev = q->disk->dev;
	int rc = gnt_map(dev->gnt, c->ref, q->disk->conf.ring_pages, true, &q->page);

	if (rc)
		snprintf(text, size, "cannot map the ring, grant %u%s: %s", c->ref[0],
		         q->disk->conf.ring_pages > 1 ? " and more" : "", strerror(-rc));
	return rc;
}

static int queue_ring(struct blk_queue *q, uint32_t n, char *text, size_t size)
{
	const struct blk_conf *c = &q->disk->conf;
	struct blk_ring_conf rc = {
		.gnt = q->disk->dev->gnt,
		.page = q->page,
		.journal = q->disk->journal + n * blk_ring_journal_size(c->ring_pages),
		.resume = c->flags & BLK_RESUME,
		.recover = c->flags & BLK_RECOVER,
		.pages = c->ring_pages,
		.protocol = c->protocol,
		.persistent = c->flags & BLK_PERSISTENT ? c->persistent : 0,
		/* With persistent grants bounce memory is hardly ever used. */
		.fixed = c->flags & BLK_PERSISTENT ? 0 : BLK_BOUNCE_FIXED / c->nqueues,
	};
	int err;

	q->r.tag = q->disk->dev->tag;
	q->r.flush_failed = &q->disk->flush_failed;
	q->r.capacity = &q->disk->sectors;
	q->r.lim = (struct blk_lim){ .sectors = c->sectors,
		                     .sector_size = c->sector_size,
		                     .ro = c->flags & BLK_RO,
		                     .discard = c->flags & BLK_DISCARD,
		                     .secure = c->flags & BLK_SECURE };
	err = blk_ring_open(&q->r, &rc, text, size);
	q->chan.seen = blk_ring_taken(&q->r);
	return err;
}

static void queue_paused(void *arg, const struct store_io *io, int err)
{
	struct blk_queue *q = arg;

	blk_disk_paused(q->disk, io, err);
}

static int queue_store(struct blk_queue *q, int *image, char *text, size_t size)
{
	uint32_t flags = q->disk->conf.flags;
	struct store_conf sc = { .engine = flags & BLK_URING     ? STORE_URING
		                           : flags & BLK_THREADS ? STORE_THREADS
		                                                 : STORE_AUTO,
		                 .fd = *image,
		                 .fence = q->disk->fd[BLK_FD_FENCE],
		                 .depth = q->r.ring.size };
	struct store_hold_conf hold = { .space = flags & BLK_HOLD_SPACE,
		                        .error = flags & BLK_HOLD_ERROR,
		                        .resume = &q->disk->resume,
		                        .say = queue_paused,
		                        .arg = q };
	int rc;

	rc = store_open(&sc, &q->r.store, text, size);
	if (rc)
		return rc;
	*image = -1;
	if (hold.space || hold.error)
		rc = store_hold_open(&hold, q->r.store, &q->r.store);
	if (rc) {
		snprintf(text, size, "out of memory for the I/O engine");
		return rc;
	}
	if (q->r.fixed)
		store_memory(q->r.store, BLK_PIECE_BOUNCE, q->r.bounce,
		             (size_t)q->r.fixed * XEN_PAGE);
	q->r.store->ops->watch(q->r.store, WATCH_EVTCHN, evt_fd(q->chan.evt));
	q->r.store->ops->watch(q->r.store, WATCH_CONTROL, q->disk->control);
	return 0;
}

int blk_queue_open(struct blk_disk *k, uint32_t n, int *image, struct blk_queue **out,
                   char *text, size_t text_size)
{
	const struct blk_conf_queue *c = &k->conf.queue[n];
	struct blk_queue *q = calloc(1, sizeof(*q));
	int rc;

	if (!q) {
		snprintf(text, text_size, "out of memory for the ring");
		return -ENOMEM;
	}
	q->disk = k;
	q->r.stats = (struct blk_stats *)stats_counters(k->dev->stats, n);
	q->before = *q->r.stats;
	for (uint32_t i = 0; i < BLK_NHISTS; i++)
		q->r.hist[i] = stats_hist(k->dev->stats, n, i);
	rc = queue_map(q, c, text, text_size);
	rc = rc ? rc : chan_open(&q->chan, k->dev->domid, c->evtchn, text, text_size);
	rc = rc ? rc : queue_ring(q, n, text, text_size);
	rc = rc ? rc : queue_store(q, image, text, text_size);
	if (rc) {
		blk_queue_free(q);
		return rc;
	}
	*out = q;
	return 0;
}
