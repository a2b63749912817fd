/* SPDX-License-Identifier: MIT */
#include "job.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <time.h>

#include "backend.h"
#include "clock.h"
#include "device.h"
#include "guest.h"
#include "log.h"
#include "loop.h"
#include "super.h"

/*
 * Of one guest, those that nobody waits for any more and that are not over: a guest that
 * connects again and again to storage that does not answer shall not fill the process
 * with threads.
 */
#define JOBS_LEFT_MAX 8U

/**
 * struct bdev_job
 * @d:		Gets a turn when it is over; NULL: nobody asks any more
 * @left:	Since before it was over: @arg is dropped where it was worked on, as that
 *		may wait for storage, too; guarded by the lock
 * @over:	run() has returned; guarded by the lock, as is what it left in @arg
 */
struct bdev_job {
	LIST_ENTRY(bdev_job) link;
	struct jobs *all;
	struct device *d;
	uint32_t domid;
	uint64_t since;
	void (*run)(void *arg);
	void (*drop)(void *arg);
	void *arg;
	bool left, over;
};

/** struct jobs - The list is the main thread's */
struct jobs {
	struct super *super;
	struct loop_src *src;
	int wake;
	pthread_mutex_t lock;
	pthread_cond_t end;
	LIST_HEAD(, bdev_job) list;
};

static uint64_t now_s(void)
{
	return clock_ns() / 1000000000;
}

static bool is_over(struct bdev_job *j)
{
	bool over;

	pthread_mutex_lock(&j->all->lock);
	over = j->over;
	pthread_mutex_unlock(&j->all->lock);
	return over;
}

static void job_free(struct bdev_job *j)
{
	LIST_REMOVE(j, link);
	if (!j->left)
		j->drop(j->arg);
	free(j);
}

static void *job_thread(void *arg)
{
	struct bdev_job *j = arg;
	struct jobs *all = j->all;

	j->run(j->arg);
	pthread_mutex_lock(&all->lock);
	if (j->left) {
		pthread_mutex_unlock(&all->lock);
		j->drop(j->arg);
		pthread_mutex_lock(&all->lock);
	}
	j->over = true;
	eventfd_write(all->wake, 1);
	pthread_cond_broadcast(&all->end);
	pthread_mutex_unlock(&all->lock);
	return NULL;
}

static void on_end(void *arg)
{
	struct jobs *all = arg;
	struct bdev_job *j, *next;
	bool left = false;
	eventfd_t n;

	eventfd_read(all->wake, &n);
	for (j = LIST_FIRST(&all->list); j; j = next) {
		next = LIST_NEXT(j, link);
		if (!is_over(j))
			continue;
		left |= !j->d;
		if (j->d)
			super_queue(all->super, j->d);
		else
			job_free(j);
	}
	/* Somebody may wait for the end of one. */
	if (left)
		super_storage_freed(all->super);
}

static unsigned int left_of(const struct jobs *all, uint32_t domid)
{
	const struct bdev_job *j;
	unsigned int n = 0;

	LIST_FOREACH (j, &all->list, link)
		n += !j->d && j->domid == domid;
	return n;
}

static int start_thread(struct bdev_job *j)
{
	pthread_attr_t attr;
	pthread_t t;
	int rc = pthread_attr_init(&attr);

	if (rc)
		return -rc;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	rc = pthread_create(&t, &attr, job_thread, j);
	pthread_attr_destroy(&attr);
	return -rc;
}

int bdev_job_start(struct bdev *b, void (*run)(void *arg), void (*drop)(void *arg),
                   void *arg, struct bdev_job **out)
{
	struct device *d = container_of(b, struct device, bdev);
	struct jobs *all = d->guest->super->jobs;
	struct bdev_job *j;
	int rc;

	if (left_of(all, b->domid) >= JOBS_LEFT_MAX) {
		bdev_fault(b,
		           "%u operations on storage that were begun for this guest have "
		           "not ended: waits for one of them",
		           JOBS_LEFT_MAX);
		return -EAGAIN;
	}
	j = calloc(1, sizeof(*j));
	if (!j)
		return -ENOMEM;
	*j = (struct bdev_job){ .all = all,
		                .d = d,
		                .domid = b->domid,
		                .since = now_s(),
		                .run = run,
		                .drop = drop,
		                .arg = arg };
	rc = start_thread(j);
	if (rc) {
		bdev_fault(b, "cannot start a thread: %s", strerror(-rc));
		free(j);
		return rc;
	}
	LIST_INSERT_HEAD(&all->list, j, link);
	*out = j;
	return 0;
}

bool bdev_job_over(struct bdev_job *j)
{
	return is_over(j);
}

unsigned int bdev_job_seconds(const struct bdev_job *j)
{
	return (unsigned int)(now_s() - j->since);
}

void *bdev_job_take(struct bdev_job **j)
{
	struct bdev_job *job = take_ptr(*j);
	void *arg = job->arg;

	assert(is_over(job));
	LIST_REMOVE(job, link);
	free(job);
	return arg;
}

void bdev_job_leave(struct bdev_job **j)
{
	struct bdev_job *job = take_ptr(*j);
	bool over;

	if (!job)
		return;
	job->d = NULL;
	pthread_mutex_lock(&job->all->lock);
	over = job->over;
	job->left = !over;
	pthread_mutex_unlock(&job->all->lock);
	if (over)
		job_free(job);
}

/* Has one that nobody waits for been waiting for storage for longer than a moment? */
static bool some_hang(const struct jobs *all)
{
	const struct bdev_job *j;

	LIST_FOREACH (j, &all->list, link)
		if (!j->d)
			return true;
	return false;
}

void bdev_job_finish(struct bdev_job **j, unsigned int ms)
{
	struct jobs *all = (*j)->all;
	struct timespec until;

	if (!some_hang(all)) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += (long)ms * 1000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_mutex_lock(&all->lock);
		while (!(*j)->over &&
		       pthread_cond_clockwait(&all->end, &all->lock, CLOCK_MONOTONIC,
		                              &until) != ETIMEDOUT)
			;
		pthread_mutex_unlock(&all->lock);
	}
	bdev_job_leave(j);
}

int jobs_open(struct super *s, struct jobs **out)
{
	struct jobs *all = calloc(1, sizeof(*all));
	int rc;

	if (!all)
		return -ENOMEM;
	all->super = s;
	LIST_INIT(&all->list);
	pthread_mutex_init(&all->lock, NULL);
	pthread_cond_init(&all->end, NULL);
	all->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = all->wake < 0 ? -errno
	                   : loop_add_fd(s->loop, all->wake, on_end, all, &all->src);
	if (rc) {
		if (all->wake >= 0)
			close(all->wake);
		free(all);
		return rc;
	}
	*out = all;
	return 0;
}

void jobs_tick(struct jobs *all)
{
	struct bdev_job *j;

	LIST_FOREACH (j, &all->list, link)
		if (j->d)
			super_queue(all->super, j->d);
}

void jobs_close(struct jobs *all)
{
	struct bdev_job *j, *next;

	if (!all)
		return;
	loop_del(&all->src);
	for (j = LIST_FIRST(&all->list); j; j = next) {
		next = LIST_NEXT(j, link);
		if (is_over(j))
			job_free(j);
	}
	/* What a thread that hangs may still touch stays. */
	if (!LIST_EMPTY(&all->list))
		return;
	close(all->wake);
	pthread_cond_destroy(&all->end);
	pthread_mutex_destroy(&all->lock);
	free(all);
}
