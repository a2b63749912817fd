/* SPDX-License-Identifier: MIT */
#include "blk_disk.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "blk_queue.h"
#include "store_hold.h"

static void disk_report(const struct blk_disk *k)
{
	const struct blk_stats *st = &k->stats;
	char text[1024];
	int n = 0;

#define X(name)                                                              \
	n += snprintf(text + n, sizeof(text) - (size_t)n, " " #name "=%llu", \
	              (unsigned long long)st->name);                         \
	assert(n < (int)sizeof(text));
	BLK_STATS(X)
#undef X
	log_info(k->dev->tag, "served%s syscalls=%llu engine=%s", text,
	         (unsigned long long)k->calls, k->engine);
}

static size_t disk_journal_size(const struct blk_conf *c)
{
	return c->nqueues * blk_ring_journal_size(c->ring_pages);
}

static void disk_free(struct blk_disk *k)
{
	for (uint32_t i = 0; i < k->conf.nqueues; i++)
		blk_queue_free(k->queue[i]);
	if (k->journal)
		munmap(k->journal, disk_journal_size(&k->conf));
	if (k->control >= 0)
		close(k->control);
	for (int i = 0; i < BLK_FDS; i++)
		if (k->fd[i] >= 0)
			close(k->fd[i]);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

void blk_disk_paused(struct blk_disk *k, const struct store_io *io, int err)
{
	static const char *const name[] = {
		[STORE_READ] = "read",
		[STORE_WRITE] = "write",
		[STORE_DISCARD] = "discard",
	};

	/* Said in the order in which it is so. */
	pthread_mutex_lock(&k->lock);
	if (err && !k->paused++)
		wdev_status(k->dev, -err,
		            "%s at byte %llu: %s; the guest waits. Tried again every %u "
		            "s, and when pvbackd-resume is written",
		            name[io->op], (unsigned long long)io->off, strerror(-err),
		            STORE_HOLD_RETRY_S);
	else if (!err && !--k->paused)
		wdev_status(k->dev, 0, "no request waits for storage any more");
	pthread_mutex_unlock(&k->lock);
}

void blk_disk_failed(struct blk_disk *k, int err, const char *why)
{
	bool first;

	pthread_mutex_lock(&k->lock);
	first = !k->failed;
	k->failed = true;
	pthread_mutex_unlock(&k->lock);
	if (first)
		wdev_failed(k->dev, err, "%s", why);
}

/* Queue @n has ended. */
static void disk_leave(struct blk_disk *k, uint32_t n)
{
	struct wdev *dev = k->dev;
	bool last;

	blk_queue_free(k->queue[n]);
	pthread_mutex_lock(&k->lock);
	k->queue[n] = NULL;
	last = !--k->running;
	pthread_mutex_unlock(&k->lock);
	if (!last)
		return;
	disk_report(k);
	disk_free(k);
	wdev_disconnected(dev);
}

struct seat {
	struct blk_disk *k;
	uint32_t n;
};

static void *disk_thread(void *arg)
{
	struct seat seat = *(struct seat *)arg;
	struct blk_disk *k = seat.k;
	bool go;

	free(arg);
	pthread_mutex_lock(&k->lock);
	go = k->go;
	pthread_mutex_unlock(&k->lock);
	if (!go)
		return NULL;
	pthread_detach(pthread_self());
	blk_queue_serve(k->queue[seat.n]);
	pthread_mutex_lock(&k->lock);
	blk_queue_count(k->queue[seat.n], &k->stats, &k->calls, &k->engine);
	pthread_mutex_unlock(&k->lock);
	disk_leave(k, seat.n);
	return NULL;
}

/* With the lock held: they wait for it. */
static int disk_threads(struct blk_disk *k, pthread_t *thread, uint32_t *n)
{
	for (*n = 0; *n < k->conf.nqueues; ++*n) {
		struct seat *seat = malloc(sizeof(*seat));
		int rc = ENOMEM;

		if (seat) {
			*seat = (struct seat){ k, *n };
			rc = pthread_create(&thread[*n], NULL, disk_thread, seat);
		}
		if (rc) {
			free(seat);
			return -rc;
		}
		wdev_thread_name(k->dev, thread[*n], *n, k->conf.nqueues);
	}
	return 0;
}

/* All threads, or none. */
static int disk_run(struct blk_disk *k)
{
	pthread_t thread[BLK_QUEUES_MAX];
	uint32_t n;
	int rc;

	pthread_mutex_lock(&k->lock);
	rc = disk_threads(k, thread, &n);
	k->go = !rc;
	k->running = n;
	pthread_mutex_unlock(&k->lock);
	/* With success @k is theirs. */
	while (rc && n--)
		pthread_join(thread[n], NULL);
	return rc;
}

static int disk_journal(struct blk_disk *k, char *text, size_t size)
{
	size_t len = disk_journal_size(&k->conf);
	int rc, fd = k->fd[BLK_FD_JOURNAL];
	void *mem;

	/* A new one is empty; one that was in use has this size. No memory for it is an
	 * error now, not a signal later. */
	if (fallocate(fd, 0, 0, (off_t)len) < 0)
		goto fail;
	mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (mem == MAP_FAILED)
		goto fail;
	k->journal = mem;
	return 0;
fail:
	rc = -errno;
	snprintf(text, size, "cannot map the journal: %s", strerror(-rc));
	return rc;
}

static int disk_open(struct blk_disk *k, int *image, char *text, size_t size)
{
	int rc = disk_journal(k, text, size);

	if (rc)
		return rc;

	k->control = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (k->control < 0) {
		rc = -errno;
		snprintf(text, size, "no descriptors for the rings: %s", strerror(-rc));
	}
	for (uint32_t i = 0; !rc && i < k->conf.nqueues; i++)
		rc = blk_queue_open(k, i, &image[i], &k->queue[i], text, size);
	return rc;
}

int blk_disk_start(struct wdev *d, const struct blk_conf *c, int *fds,
                   struct blk_disk **out, char *text, size_t text_size)
{
	struct blk_disk *k = calloc(1, sizeof(*k));
	int rc;

	if (!k) {
		snprintf(text, text_size, "out of memory for the disk");
		return -ENOMEM;
	}
	k->dev = d;
	k->conf = *c;
	k->sectors = c->sectors;
	k->control = -1;
	for (int i = 0; i < BLK_FDS; i++)
		k->fd[i] = take_fd(&fds[c->nqueues + (uint32_t)i]);
	pthread_mutex_init(&k->lock, NULL);
	*out = k;
	rc = disk_open(k, fds, text, text_size);
	if (!rc) {
		rc = disk_run(k);
		if (rc)
			snprintf(text, text_size, "cannot start a thread: %s",
			         strerror(-rc));
	}
	if (rc)
		disk_free(k);
	return rc;
}

void blk_disk_stop(struct blk_disk *k)
{
	uint64_t one = 1;
	ssize_t n = write(k->control, &one, sizeof(one));

	/* The disk may be gone by now. */
	assert(n == sizeof(one));
	(void)n;
}

void blk_disk_update(struct blk_disk *k, const struct blk_update *u)
{
	/* Pairs with the load in blk_take(), which comes after that of req_prod. */
	if (u->sectors > k->sectors)
		__atomic_store_n(&k->sectors, u->sectors, __ATOMIC_RELEASE);
	__atomic_store_n(&k->resume, u->resume, __ATOMIC_RELAXED);
}
