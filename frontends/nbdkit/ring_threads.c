/* SPDX-License-Identifier: MIT */
#include "ring_threads.h"

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
 * struct ring_thread - One queue's thread
 * @wake_fd:	Written to after each change of what @lock protects
 * @jobs:	New, newest first; with @stop under @lock
 * @queue:	The thread's alone
 * @parked:	It has seen the disk disabled and has nothing in flight
 */
struct ring_thread {
	struct ring_threads *r;
	pthread_t thread;
	int wake_fd;
	pthread_mutex_t lock;
	struct job *jobs;
	bool stop;
	bool parked;
	struct blkio_queue queue;
};

/**
 * struct ring_threads - A disk
 * @n:		Threads
 * @turn:	Counts jobs: whose the next one is
 * @parked:	Threads that are parked: the last one closes the disk
 */
struct ring_threads {
	struct blkfront *bf;
	unsigned int n;
	unsigned int turn;
	unsigned int parked;
	struct ring_thread thread[BLKFRONT_QUEUES_MAX];
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

/*
 * Disabled: jobs fail at once, and nothing comes from the ring any more. When that is so
 * of all queues the device is let go, so that it can be removed.
 */
static void thread_park(struct ring_thread *t)
{
	struct ring_threads *r = t->r;
	int rc;

	jobs_finish(t);
	if (t->parked)
		return;
	t->parked = true;
	if (__atomic_add_fetch(&r->parked, 1, __ATOMIC_ACQ_REL) < r->n)
		return;
	rc = blkfront_disconnect(r->bf);
	if (rc)
		log_err(blkfront_tag(r->bf), "closing: %s", strerror(-rc));
}

static void thread_sleep(struct ring_thread *t)
{
	struct pollfd wake = { .fd = t->wake_fd, .events = POLLIN };
	struct blkfront *bf = t->r->bf;
	int rc;

	if (blkfront_error(bf)) {
		thread_park(t);
		poll(&wake, 1, -1);
		return;
	}
	rc = blkfront_wait(bf, t->queue.queue, -1);
	if (rc < 0)
		log_err(blkfront_tag(bf), "waiting: %s", strerror(-rc));
}

static void *thread_run(void *arg)
{
	struct ring_thread *t = arg;

	while (!jobs_take(t)) {
		jobs_finish(t);
		thread_sleep(t);
	}
	return NULL;
}

static int thread_start(struct ring_threads *r, unsigned int i)
{
	struct ring_thread *t = &r->thread[i];
	int rc;

	*t = (struct ring_thread){ .r = r, .wake_fd = -1 };
	t->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->wake_fd < 0)
		return log_errno(NULL, "eventfd");
	pthread_mutex_init(&t->lock, NULL);
	blkio_init(&t->queue, r->bf, i);
	blkfront_wake(r->bf, i, t->wake_fd);
	rc = -pthread_create(&t->thread, NULL, thread_run, t);
	if (!rc)
		return 0;
	log_err(blkfront_tag(r->bf), "cannot start a thread: %s", strerror(-rc));
	pthread_mutex_destroy(&t->lock);
	close(t->wake_fd);
	return rc;
}

int ring_threads_start(struct ring_threads **out, uint32_t devid,
                       const struct blkfront_conf *conf)
{
	struct ring_threads *r = calloc(1, sizeof(*r));
	struct blkfront_conf own = *conf;
	int rc;

	if (!r)
		return log_errno(NULL, "calloc");
	own.wake_fd = -1;
	rc = blkfront_open(&r->bf, devid, &own);
	while (!rc && r->n < blkfront_info(r->bf)->queues) {
		rc = thread_start(r, r->n);
		if (!rc)
			r->n++;
	}
	if (rc) {
		ring_threads_stop(r);
		return rc;
	}
	*out = r;
	return 0;
}

void ring_threads_stop(struct ring_threads *r)
{
	if (!r)
		return;
	for (unsigned int i = 0; i < r->n; i++) {
		struct ring_thread *t = &r->thread[i];

		pthread_mutex_lock(&t->lock);
		t->stop = true;
		pthread_mutex_unlock(&t->lock);
		thread_wake(t);
		pthread_join(t->thread, NULL);
		pthread_mutex_destroy(&t->lock);
		close(t->wake_fd);
	}
	blkfront_close(r->bf);
	free(r);
}

const struct blkfront_info *ring_threads_info(const struct ring_threads *r)
{
	return blkfront_info(r->bf);
}

uint64_t ring_threads_bytes(const struct ring_threads *r)
{
	return blkfront_bytes(r->bf);
}

int ring_threads_do(struct ring_threads *r, uint8_t op, uint64_t offset, void *buf,
                    size_t len)
{
	unsigned int turn = __atomic_fetch_add(&r->turn, 1, __ATOMIC_RELAXED);
	struct job job = { .io = { .op = op, .offset = offset, .buf = buf, .len = len } };
	struct ring_thread *t = &r->thread[turn % r->n];

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
