/* SPDX-License-Identifier: MIT */
/*
 * A file or block device by plain system calls, for hosts without io_uring: threads do
 * the I/O, the store's user sleeps in poll().
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "store.h"
#include "store_io.h"
#include "store_pool.h"

/**
 * struct threads
 * @fresh:	Submitted, and not handed to the threads yet
 * @done:	Over, and not reaped yet
 */
struct threads {
	struct store store;
	struct store_pool *pool;
	int fd;
	int watch[STORE_WATCHES];
	struct store_list fresh, done;
};

static void threads_start(struct store *s)
{
	(void)s;
}

static void threads_submit(struct store *s, struct store_io *io)
{
	store_list_put_all(&container_of(s, struct threads, store)->fresh, io);
}

static struct store_io *threads_reap(struct store *s)
{
	return store_list_take(&container_of(s, struct threads, store)->done);
}

static void threads_watch(struct store *s, unsigned int slot, int fd)
{
	assert(slot < STORE_WATCHES);
	container_of(s, struct threads, store)->watch[slot] = fd;
}

/* Sleeps for @ns at most; poll() takes no notice of a descriptor that is -1. */
static unsigned int threads_poll(struct threads *t, int64_t ns)
{
	struct timespec ts = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
	struct pollfd p[STORE_WATCHES + 1];
	unsigned int ready = 0;

	for (unsigned int i = 0; i < STORE_WATCHES; i++)
		p[i] = (struct pollfd){ .fd = t->watch[i], .events = POLLIN };
	p[STORE_WATCHES] =
		(struct pollfd){ .fd = store_pool_fd(t->pool), .events = POLLIN };
	t->store.calls++;
	if (ppoll(p, ARRAY_SIZE(p), ns == STORE_FOREVER ? NULL : &ts, NULL) <= 0)
		return 0;
	for (unsigned int i = 0; i < STORE_WATCHES; i++)
		ready |= (p[i].revents ? 1U : 0U) << i;
	return ready;
}

static unsigned int threads_wait(struct store *s, int64_t ns)
{
	struct threads *t = container_of(s, struct threads, store);
	unsigned int ready;
	bool some;

	store_pool_put(t->pool, &t->fresh);
	some = store_pool_get(t->pool, &t->done, &s->calls, ns != 0 && !t->done.head);
	if (some || t->done.head)
		ns = 0;
	ready = threads_poll(t, ns);
	if (ns)
		store_pool_get(t->pool, &t->done, &s->calls, false);
	return ready;
}

static void threads_close(struct store *s)
{
	struct threads *t = container_of(s, struct threads, store);

	assert(!t->fresh.head && !t->done.head);
	store_pool_free(t->pool);
	close(t->fd);
	free(t);
}

static const struct store_ops threads_ops = {
	.name = "threads",
	.start = threads_start,
	.submit = threads_submit,
	.reap = threads_reap,
	.watch = threads_watch,
	.wait = threads_wait,
	.close = threads_close,
};

int store_threads_open(const struct store_conf *c, struct store **out, char *text,
                       size_t text_size)
{
	unsigned int max = c->depth < STORE_THREADS_MAX ? c->depth : STORE_THREADS_MAX;
	struct threads *t = calloc(1, sizeof(*t));
	int rc = t ? store_pool_new(c->fd, max + 1, &t->pool) : -ENOMEM;

	if (rc) {
		snprintf(text, text_size, "no threads for I/O can be had: %s",
		         strerror(-rc));
		free(t);
		return rc;
	}
	t->store.ops = &threads_ops;
	t->fd = c->fd;
	for (unsigned int i = 0; i < STORE_WATCHES; i++)
		t->watch[i] = -1;
	store_list_init(&t->fresh);
	store_list_init(&t->done);
	*out = &t->store;
	return 0;
}
