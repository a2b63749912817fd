/* SPDX-License-Identifier: MIT */
#include "ring_thread.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>

#include "blkfront_io.h"
#include "log.h"

/** struct job - An I/O and the thread that waits for it, on whose stack it is */
struct job {
	struct blkio io;
	sem_t done;
	struct job *next;
};

/**
 * struct ring_thread - The thread's state
 * @wake_fd:	Written to after each change of what @lock protects
 * @jobs:	New, newest first; with @stop under @lock
 * @bf, @queue:	The thread's alone
 * @info:	Copy that does not change
 */
struct ring_thread {
	pthread_t thread;
	int wake_fd;
	pthread_mutex_t lock;
	struct job *jobs;
	bool stop;
	struct blkfront *bf;
	struct blkio_queue queue;
	struct blkfront_info info;
};

static void thread_wake(struct ring_thread *t)
{
	const uint64_t one = 1;

	/* It fails only if the counter is full, and then it is readable already. */
	if (write(t->wake_fd, &one, sizeof(one)) < 0)
		return;
}

/* Hand the new jobs to the queue in the order they came. Return: it is time to stop. */
static bool jobs_take(struct ring_thread *t)
{
	struct job *jobs, *ordered = NULL;
	uint64_t count;
	bool stop;

	/* Emptied before the list is taken: what comes later wakes again. */
	if (read(t->wake_fd, &count, sizeof(count)) < 0)
		count = 0;
	pthread_mutex_lock(&t->lock);
	jobs = take_ptr(t->jobs);
	stop = t->stop;
	pthread_mutex_unlock(&t->lock);
	while (jobs) {
		struct job *next = jobs->next;

		jobs->next = ordered;
		ordered = jobs;
		jobs = next;
	}
	for (; ordered; ordered = ordered->next)
		blkio_submit(&t->queue, &ordered->io);
	return stop;
}

static void jobs_finish(struct ring_thread *t)
{
	struct blkio *io;

	blkio_run(&t->queue);
	while ((io = blkio_next(&t->queue)))
		sem_post(&container_of(io, struct job, io)->done);
}

static void thread_sleep(struct ring_thread *t)
{
	struct pollfd wake = { .fd = t->wake_fd, .events = POLLIN };
	int rc;

	if (!blkfront_error(t->bf)) {
		rc = blkfront_wait(t->bf, -1);
		if (rc < 0)
			log_err(blkfront_tag(t->bf), "waiting: %s", strerror(-rc));
		return;
	}
	/*
	 * Disabled: jobs fail at once. The device is let go, so that it can be removed,
	 * and nothing comes from the ring any more.
	 */
	jobs_finish(t);
	rc = blkfront_disconnect(t->bf);
	if (rc)
		log_err(blkfront_tag(t->bf), "closing: %s", strerror(-rc));
	poll(&wake, 1, -1);
}

static void *thread_run(void *arg)
{
	struct ring_thread *t = arg;

	while (!jobs_take(t)) {
		jobs_finish(t);
		thread_sleep(t);
	}
	blkfront_close(t->bf);
	return NULL;
}

static void thread_free(struct ring_thread *t)
{
	pthread_mutex_destroy(&t->lock);
	if (t->wake_fd >= 0)
		close(t->wake_fd);
	free(t);
}

int ring_thread_start(struct ring_thread **out, uint32_t devid,
                      const struct blkfront_conf *conf)
{
	struct ring_thread *t = calloc(1, sizeof(*t));
	struct blkfront_conf own = *conf;
	int rc;

	if (!t)
		return log_errno(NULL, "calloc");
	pthread_mutex_init(&t->lock, NULL);
	t->wake_fd = own.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = t->wake_fd < 0 ? log_errno(NULL, "eventfd") : 0;
	if (!rc)
		rc = blkfront_open(&t->bf, devid, &own);
	if (rc)
		goto free;
	t->info = *blkfront_info(t->bf);
	blkio_init(&t->queue, t->bf);
	rc = -pthread_create(&t->thread, NULL, thread_run, t);
	if (rc) {
		log_err(blkfront_tag(t->bf), "cannot start a thread: %s", strerror(-rc));
		blkfront_close(t->bf);
		goto free;
	}
	*out = t;
	return 0;
free:
	thread_free(t);
	return rc;
}

void ring_thread_stop(struct ring_thread *t)
{
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_mutex_unlock(&t->lock);
	thread_wake(t);
	pthread_join(t->thread, NULL);
	thread_free(t);
}

const struct blkfront_info *ring_thread_info(const struct ring_thread *t)
{
	return &t->info;
}

int ring_thread_do(struct ring_thread *t, uint8_t op, uint64_t offset, void *buf,
                   size_t len)
{
	struct job job = { .io = { .op = op, .offset = offset, .buf = buf, .len = len } };

	sem_init(&job.done, 0, 0);
	pthread_mutex_lock(&t->lock);
	job.next = t->jobs;
	/* cppcheck-suppress autoVariables ; it is off the list before we return */
	t->jobs = &job;
	pthread_mutex_unlock(&t->lock);
	thread_wake(t);
	while (sem_wait(&job.done))
		; /* EINTR: a signal of the program we are in */
	sem_destroy(&job.done);
	return job.io.result == -ENODEV || job.io.result == -EPROTO ? -ESHUTDOWN
	                                                            : job.io.result;
}
