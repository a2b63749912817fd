/* SPDX-License-Identifier: MIT */
#include "wentry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct worker_backend *const backends[] = {
#define BACKEND(kind, name) &name##_worker,
#include "backends.def"
#undef BACKEND
};

static const struct worker_backend *backend_find(const char *kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++)
		if (strcmp(backends[i]->kind, kind) == 0)
			return backends[i];
	return NULL;
}

int wentry_new(struct wdevs *all, const struct msg *connect, char *text, size_t size,
               struct wentry **out)
{
	const struct msg_connect *what = &connect->u.connect;
	const struct worker_backend *backend = backend_find(what->kind);
	struct wentry *e;

	if (!backend) {
		snprintf(text, size, "no backend for %s", what->kind);
		return -ENOENT;
	}
	e = calloc(1, sizeof(*e));
	if (!e) {
		snprintf(text, size, "out of memory");
		return -ENOMEM;
	}
	e->backend = backend;
	e->all = all;
	e->dev.handle = connect->dev;
	memcpy(e->dev.tag, what->tag, sizeof(e->dev.tag));
	*out = e;
	return 0;
}

static int wentry_stats(struct wentry *e, const struct msg *m, char *text, size_t size)
{
	int rc = m->nfds ? stats_map(m->fds[0], e->backend->stats, &e->dev.stats)
	                 : -EPROTO;

	if (rc)
		snprintf(text, size, "cannot map the device's statistics: %s",
		         strerror(-rc));
	return rc;
}

/* What another supervisor would have to know. Return: 0 or -errno. */
static int wentry_keep(struct wentry *e, const struct msg *m)
{
	e->what = m->u.connect;
	e->blob_len = m->blob_len;
	memcpy(e->blob, m->blob, m->blob_len);
	for (; e->nfds < m->nfds; e->nfds++) {
		e->fds[e->nfds] = fcntl(m->fds[e->nfds], F_DUPFD_CLOEXEC, 0);
		if (e->fds[e->nfds] < 0)
			return -errno;
	}
	return 0;
}

int wentry_connect(struct wentry *e, struct msg *connect, char *text, size_t size)
{
	int rc = wentry_keep(e, connect);

	if (rc)
		snprintf(text, size, "no descriptors: %s", strerror(-rc));
	rc = rc ? rc : wentry_stats(e, connect, text, size);
	return rc ? rc
	          : e->backend->connect(&e->dev, connect->blob, connect->blob_len,
	                                connect->fds + 1, connect->nfds - 1, text, size);
}

void wdev_thread_name(const struct wdev *d, pthread_t thread, uint32_t queue,
                      uint32_t nqueues)
{
	char name[THREAD_NAME];

	thread_name(d->tag, queue, nqueues, name);
	pthread_setname_np(thread, name);
}

void wentry_stop(struct wentry *e)
{
	if (e->stopping)
		return;
	e->stopping = true;
	e->backend->disconnect(&e->dev);
}

void wentry_free(struct wentry *e)
{
	for (uint32_t i = 0; i < e->nfds; i++)
		close(e->fds[i]);
	stats_unmap(e->dev.stats);
	free(e);
}
