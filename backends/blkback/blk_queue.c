/* SPDX-License-Identifier: MIT */
#include "blk_queue.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "blk_ring.h"
#include "clock.h"
#include "evt.h"
#include "pace.h"

enum {
	WATCH_EVTCHN,
	WATCH_CONTROL
};

/**
 * struct blk_queue - A ring and its thread; after the start the thread's own
 * @page:	The ring's page
 * @control:	eventfd; readable when the thread is to stop
 * @stopping:	It was: nothing more is taken
 * @failed:	The guest broke the ring: nothing more is taken, the thread waits for the
 *		stop
 * @masked:	An event was taken and the port is not unmasked yet
 * @unmask_at:	When it may be: CLOCK_MONOTONIC, ns; 0 is at once
 * @seen:	Requests taken when the last event came
 */
struct blk_queue {
	struct blk_ring r;
	struct wdev *dev;
	struct evt *evt;
	void *page;
	int control;
	bool stopping;
	bool failed;
	bool masked;
	uint64_t unmask_at;
	uint32_t seen;
	struct pace pace;
};

static bool queue_serving(const struct blk_queue *q)
{
	return !q->failed && !q->stopping;
}

static void queue_fail(struct blk_queue *q, int err, const char *why)
{
	q->failed = true;
	wdev_failed(q->dev, err, "%s", why);
}

static void queue_publish(struct blk_queue *q)
{
	struct blk_ring *r = &q->r;

	if (r->ring.rsp_prod == r->ring.rsp_pub)
		return;
	stats_add(&r->stats->batches, 1);
	if (ring_publish(&r->ring)) {
		stats_add(&r->stats->notifies, 1);
		evt_notify(q->evt);
	}
}

/* The guest has been quick lately: look at the ring a little longer before sleeping. */
static bool queue_spin(struct blk_queue *q)
{
	uint64_t end;

	if (!q->pace.spin_ns || !blk_ring_idle(&q->r))
		return false;
	end = clock_ns() + q->pace.spin_ns;
	do {
		for (int i = 0; i < 16; i++) {
			if (ring_waiting(&q->r.ring)) {
				stats_add(&q->r.stats->spins, 1);
				return true;
			}
			__builtin_ia32_pause();
		}
	} while (clock_ns() < end);
	return false;
}

/*
 * Let the guest's next event through, if it has not sent too many for nothing. Return:
 * how long to sleep at most.
 */
static int64_t queue_listen(struct blk_queue *q)
{
	if (!q->masked)
		return STORE_FOREVER;
	if (q->unmask_at) {
		uint64_t now = clock_ns();

		if (now < q->unmask_at)
			return (int64_t)(q->unmask_at - now);
	}
	q->masked = false;
	evt_unmask(q->evt);
	return STORE_FOREVER;
}

static void queue_event(struct blk_queue *q)
{
	bool useful = ring_waiting(&q->r.ring) || blk_ring_taken(&q->r) != q->seen;
	uint64_t delay;

	if (evt_take(q->evt)) {
		q->r.store->ops->watch(q->r.store, WATCH_EVTCHN, -1);
		if (!q->failed)
			queue_fail(q, EIO, "the event channel is gone");
		return;
	}
	stats_add(&q->r.stats->events, 1);
	q->masked = true;
	q->seen = blk_ring_taken(&q->r);
	delay = pace_event(&q->pace, useful);
	q->unmask_at = delay ? clock_ns() + delay : 0;
}

static void queue_ready(struct blk_queue *q, unsigned int ready)
{
	if (ready & 1U << WATCH_EVTCHN)
		queue_event(q);
	if (ready & 1U << WATCH_CONTROL) {
		q->r.store->ops->watch(q->r.store, WATCH_CONTROL, -1);
		q->stopping = true;
	}
}

/* Submit; sleep unless the guest has more for us already. */
static void queue_wait(struct blk_queue *q)
{
	struct store *s = q->r.store;
	bool serving = queue_serving(q);
	bool idle = blk_ring_idle(&q->r);
	int64_t limit = STORE_FOREVER;
	uint64_t since;

	if (serving && (ring_waiting(&q->r.ring) || queue_spin(q)))
		limit = 0;
	else if (serving) {
		limit = queue_listen(q);
		if (ring_arm(&q->r.ring))
			limit = 0;
	}
	if (limit && idle) {
		since = clock_ns();
		stats_add(&q->r.stats->sleeps, 1);
		queue_ready(q, s->ops->wait(s, limit));
		pace_slept(&q->pace, clock_ns() - since);
	} else {
		queue_ready(q, s->ops->wait(s, limit));
	}
	if (serving)
		ring_disarm(&q->r.ring);
}

static void queue_report(const struct blk_queue *q)
{
	const struct blk_stats *st = q->r.stats;
	char text[640];
	int n = 0;

#define X(name)                                                              \
	n += snprintf(text + n, sizeof(text) - (size_t)n, " " #name "=%llu", \
	              (unsigned long long)st->name);                         \
	assert(n < (int)sizeof(text));
	BLK_STATS(X)
#undef X
	log_info(q->r.tag, "served%s syscalls=%llu engine=%s", text,
	         (unsigned long long)q->r.store->calls, q->r.store->ops->name);
}

/* Undo blk_queue_start(), from wherever it came to. */
static void queue_free(struct blk_queue *q)
{
	blk_pmap_free(q->r.pmap);
	if (q->r.store)
		q->r.store->ops->close(q->r.store);
	gnt_batch_free(q->r.batch);
	if (q->r.bounce)
		munmap(q->r.bounce, BLK_BOUNCE_ALL);
	evt_close(q->evt);
	if (q->page)
		gnt_unmap(q->dev->gnt, q->page, 1);
	if (q->control >= 0)
		close(q->control);
	free(q);
}

static void *queue_run(void *arg)
{
	struct blk_queue *q = arg;
	struct wdev *dev = q->dev;

	q->r.store->ops->start(q->r.store);
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
	queue_report(q);
	queue_free(q);
	wdev_disconnected(dev);
	return NULL;
}

static int queue_map_ring(struct blk_queue *q, const struct blk_conf *c, char *text,
                          size_t size)
{
	int rc = gnt_map(q->dev->gnt, &c->ring_ref, 1, true, &q->page);

	if (rc) {
		snprintf(text, size, "cannot map the ring, grant %u: %s", c->ring_ref,
		         strerror(-rc));
		return rc;
	}
	ring_init(&q->r.ring, q->page, XEN_PAGE, sizeof(union blkif_sring_entry));
	if (c->flags & BLK_RESUME && ring_resume(&q->r.ring) != V_OK) {
		snprintf(text, size, "the ring's indices cannot be");
		return -EPROTO;
	}
	q->seen = blk_ring_taken(&q->r);
	return 0;
}

static int queue_bind(struct blk_queue *q, const struct blk_conf *c, char *text,
                      size_t size)
{
	int rc = evt_open(q->dev->domid, &q->evt);

	if (rc) {
		snprintf(text, size, "cannot open the event channel device: %s",
		         strerror(-rc));
		return rc;
	}
	rc = evt_bind(q->evt, c->evtchn);
	if (rc)
		snprintf(text, size, "cannot bind to event channel %u: %s", c->evtchn,
		         strerror(-rc));
	return rc;
}

static int queue_memory(struct blk_queue *q, const struct blk_conf *c)
{
	int rc = gnt_batch_new(q->dev->gnt, BLK_DEPTH * BLK_SEGS, &q->r.batch);

	if (rc)
		return rc;
	if (c->flags & BLK_PERSISTENT) {
		rc = blk_pmap_new(q->dev->gnt, &q->r.pmap);
		if (rc)
			return rc;
	}
	q->r.bounce = mmap(NULL, BLK_BOUNCE_ALL, PROT_READ | PROT_WRITE,
	                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (q->r.bounce == MAP_FAILED) {
		q->r.bounce = NULL;
		return -errno;
	}
	q->control = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return q->control < 0 ? -errno : 0;
}

/* Everything but the thread. */
static int queue_open(struct blk_queue *q, const struct blk_conf *c, int *image,
                      char *text, size_t size)
{
	struct store_conf sc = { .engine = c->flags & BLK_URING     ? STORE_URING
		                           : c->flags & BLK_THREADS ? STORE_THREADS
		                                                    : STORE_AUTO,
		                 .fd = *image,
		                 .depth = BLK_DEPTH };
	int rc = queue_map_ring(q, c, text, size);

	if (!rc)
		rc = queue_bind(q, c, text, size);
	if (rc)
		return rc;
	rc = queue_memory(q, c);
	if (rc) {
		snprintf(text, size, "no memory or descriptors for the ring: %s",
		         strerror(-rc));
		return rc;
	}
	if (!q->r.pmap) { /* with persistent grants the pool is hardly ever used */
		sc.pool = q->r.bounce;
		sc.pool_len = BLK_BOUNCE_ALL;
	}
	rc = store_open(&sc, &q->r.store, text, size);
	if (rc)
		return rc;
	*image = -1;
	q->r.store->ops->watch(q->r.store, WATCH_EVTCHN, evt_fd(q->evt));
	q->r.store->ops->watch(q->r.store, WATCH_CONTROL, q->control);
	return 0;
}

static int queue_thread(struct blk_queue *q)
{
	const char *name = strrchr(q->r.tag, ' ');
	pthread_t thread;
	int rc = pthread_create(&thread, NULL, queue_run, q);

	if (rc)
		return -rc;
	/* As top shows it: "vbd-51712", without the guest. */
	pthread_setname_np(thread, name ? name + 1 : q->r.tag);
	pthread_detach(thread);
	return 0;
}

int blk_queue_start(struct wdev *d, const struct blk_conf *c, int *image,
                    struct blk_queue **out, char *text, size_t text_size)
{
	struct blk_queue *q = calloc(1, sizeof(*q));
	int rc;

	if (!q) {
		snprintf(text, text_size, "out of memory for the ring");
		return -ENOMEM;
	}
	blk_ring_init(&q->r);
	q->dev = d;
	q->r.stats = (struct blk_stats *)stats_counters(d->stats, 0);
	for (uint32_t i = 0; i < BLK_NHISTS; i++)
		q->r.hist[i] = stats_hist(d->stats, 0, i);
	q->control = -1;
	q->r.tag = d->tag;
	q->r.lim = (struct blk_lim){ .sectors = c->sectors,
		                     .sector_size = c->sector_size,
		                     .ro = c->flags & BLK_RO };
	rc = queue_open(q, c, image, text, text_size);
	if (!rc) {
		rc = queue_thread(q);
		if (rc)
			snprintf(text, text_size, "cannot start a thread: %s",
			         strerror(-rc));
	}
	if (rc) {
		queue_free(q);
		return rc;
	}
	*out = q;
	return 0;
}

void blk_queue_stop(struct blk_queue *q)
{
	uint64_t one = 1;
	ssize_t n = write(q->control, &one, sizeof(one));

	/* The queue may be gone by now. */
	assert(n == sizeof(one));
	(void)n;
}
