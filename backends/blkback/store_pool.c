/* SPDX-License-Identifier: MIT */
#include "store_pool.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "store_sync.h"

/**
 * struct store_pool - All but the first group is guarded by the lock
 * @todo:	Reads, writes, flushes
 * @discards:	One of them at a time
 * @discarding:	One is being done
 * @queued:	Entries of @todo, and 1 if a discard could begin
 * @idle:	Threads that wait for work
 * @armed:	The user sleeps, or is about to: tell it
 */
struct store_pool {
	int fd, wake;
	bool bdev;
	unsigned int max;

	pthread_mutex_t lock;
	pthread_cond_t work;
	struct store_list todo, discards, done;
	bool discarding, armed, told, end;
	unsigned int queued, idle, threads;
	uint64_t calls;
	pthread_t thread[];
};

static struct store_io *take(struct store_pool *p)
{
	struct store_io *io = store_list_pop(&p->todo);

	if (io) {
		p->queued--;
		return io;
	}
	if (p->discarding || !p->discards.head)
		return NULL;
	p->discarding = true;
	return store_list_pop(&p->discards);
}

static void over(struct store_pool *p, struct store_io *io, uint32_t calls)
{
	if (io->op == STORE_DISCARD)
		p->discarding = false;
	p->calls += calls;
	store_list_put(&p->done, io);
	if (!p->armed)
		return;
	p->armed = false;
	p->told = true;
	p->calls++;
	eventfd_write(p->wake, 1);
}

static void *run(void *arg)
{
	struct store_pool *p = arg;
	struct store_io *io;
	uint32_t calls;

	pthread_mutex_lock(&p->lock);
	while (!p->end) {
		io = take(p);
		if (!io) {
			p->idle++;
			pthread_cond_wait(&p->work, &p->lock);
			p->idle--;
			continue;
		}
		pthread_mutex_unlock(&p->lock);
		calls = store_sync(p->fd, p->bdev, io);
		pthread_mutex_lock(&p->lock);
		over(p, io, calls);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static int grow(struct store_pool *p)
{
	pthread_t *t = &p->thread[p->threads];
	int rc = pthread_create(t, NULL, run, p);

	if (rc)
		return -rc;
	pthread_setname_np(*t, "store");
	p->threads++;
	return 0;
}

int store_pool_new(int fd, unsigned int max, struct store_pool **out)
{
	struct store_pool *p = calloc(1, sizeof(*p) + max * sizeof(p->thread[0]));
	int rc;

	if (!p)
		return -ENOMEM;
	p->fd = fd;
	p->bdev = store_is_bdev(fd);
	p->max = max;
	store_list_init(&p->todo);
	store_list_init(&p->discards);
	store_list_init(&p->done);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	p->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = p->wake < 0 ? -errno : grow(p);
	if (rc) {
		store_pool_free(p);
		return rc;
	}
	*out = p;
	return 0;
}

void store_pool_free(struct store_pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	assert(!p->todo.head && !p->discards.head && !p->done.head);
	p->end = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (unsigned int i = 0; i < p->threads; i++)
		pthread_join(p->thread[i], NULL);
	if (p->wake >= 0)
		close(p->wake);
	pthread_cond_destroy(&p->work);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void store_pool_put(struct store_pool *p, struct store_list *l)
{
	unsigned int want = 0;
	struct store_io *io;

	if (!l->head)
		return;
	pthread_mutex_lock(&p->lock);
	while ((io = store_list_pop(l))) {
		if (io->op == STORE_DISCARD) {
			store_list_put(&p->discards, io);
		} else {
			store_list_put(&p->todo, io);
			p->queued++;
		}
	}
	want = p->queued + (p->discards.head && !p->discarding);
	/* One that cannot be started is missed by nobody: there is another. */
	for (unsigned int n = p->idle; n < want && p->threads < p->max; n++)
		if (grow(p))
			break;
	for (unsigned int n = 0; n < want && n < p->idle; n++)
		pthread_cond_signal(&p->work);
	pthread_mutex_unlock(&p->lock);
}

bool store_pool_get(struct store_pool *p, struct store_list *l, uint64_t *calls, bool arm)
{
	eventfd_t n;
	bool some;

	pthread_mutex_lock(&p->lock);
	some = p->done.head;
	store_list_append(l, &p->done);
	*calls += p->calls;
	p->calls = 0;
	p->armed = arm && !some;
	if (p->told) {
		p->told = false;
		*calls += 1;
		eventfd_read(p->wake, &n);
	}
	pthread_mutex_unlock(&p->lock);
	return some;
}

int store_pool_fd(const struct store_pool *p)
{
	return p->wake;
}
