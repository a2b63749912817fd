/* SPDX-License-Identifier: MIT */
/*
 * Queueing an event: write the port's number to the pipe of the handle that owns it.
 *
 * The write end comes from the broker and is kept. If there is none to be had (the owner
 * is just gone, or this process has no descriptor left) the broker queues the event
 * instead.
 */
#include "queue.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "event.h"
#include "inject.h"
#include "sim.h"

#define PRUNE_STEP 32u

struct queue {
	int fd;
	struct fd_mark mark;
};

static void queue_close(struct queue *q)
{
	if (fd_is(q->fd, q->mark))
		close(q->fd);
	free(q);
}

/* Owners that are gone have no reader: close what leads to them, now and then. */
static void queues_prune(struct queues *queues)
{
	uint32_t dead[PRUNE_STEP], n = 0;

	if (queues->by_owner.used < queues->prune_at)
		return;
	hmap_for_each (&queues->by_owner, slot) {
		const struct queue *q = slot->value;
		struct pollfd pfd = { .fd = q->fd };

		if (n < PRUNE_STEP && (!fd_is(q->fd, q->mark) ||
		                       (poll(&pfd, 1, 0) == 1 && pfd.revents & POLLERR)))
			dead[n++] = (uint32_t)slot->key;
	}
	while (n)
		queue_close(hmap_del(&queues->by_owner, dead[--n]));
	queues->prune_at = queues->by_owner.used + PRUNE_STEP;
}

static struct queue *queue_open(struct queues *queues, uint32_t owner)
{
	int fd = -1, high;
	struct rpc rpc = { .req = { .op = OP_QUEUE_FD, .handle = owner },
		           .fds = &fd,
		           .fds_max = 1 };
	struct queue *q;

	queues_prune(queues);
	if (sim_call(&rpc) < 0)
		return NULL;
	high = fcntl(fd, F_DUPFD_CLOEXEC, 100);
	if (high >= 0) {
		close(fd);
		fd = high;
	}
	q = malloc(sizeof(*q));
	if (!q || hmap_put(&queues->by_owner, owner, q) < 0) {
		free(q);
		close(fd);
		return NULL;
	}
	*q = (struct queue){ .fd = fd, .mark = fd_mark(fd) };
	return q;
}

static struct queue *queue_of(struct queues *queues, uint32_t owner)
{
	struct queue *q = hmap_get(&queues->by_owner, owner);

	if (q && fd_is(q->fd, q->mark))
		return q;
	if (q) { /* the program has closed it behind our back */
		hmap_del(&queues->by_owner, owner);
		free(q);
	}
	return queue_open(queues, owner);
}

/* A pipe has no MSG_NOSIGNAL: catch the SIGPIPE of an owner that is just gone. */
static bool write_nosignal(int fd, uint32_t port)
{
	const struct timespec now = { 0 };
	sigset_t pipe_set, old, pending;
	bool ok;

	sigemptyset(&pipe_set);
	sigaddset(&pipe_set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_set, &old);
	ok = write(fd, &port, sizeof(port)) == (ssize_t)sizeof(port);
	if (!ok && errno == EPIPE && !sigismember(&old, SIGPIPE)) {
		sigpending(&pending);
		if (sigismember(&pending, SIGPIPE))
			sigtimedwait(&pipe_set, NULL, &now);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ok;
}

static void queue_by_broker(uint32_t domid, uint32_t port)
{
	struct rpc rpc = { .req = { .op = OP_QUEUE, .domid = domid } };

	rpc.req.port = port;
	sim_call(&rpc);
}

void queue_claimed(struct queues *queues, struct shm_port *p, uint32_t domid,
                   uint32_t port)
{
	uint32_t owner = atomic_load(&p->owner);
	struct queue *q = owner ? queue_of(queues, owner) : NULL;

	xensim_point("notify-claimed");
	if (q && write_nosignal(q->fd, port)) {
		xensim_point("notify-queued");
		event_queued(p);
		return;
	}
	if (q)
		queue_close(hmap_del(&queues->by_owner, owner));
	queue_by_broker(domid, port);
}

void queues_free(struct queues *queues)
{
	hmap_for_each (&queues->by_owner, slot) {
		queue_close(slot->value);
	}
	hmap_free(&queues->by_owner);
}
