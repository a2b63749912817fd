/* SPDX-License-Identifier: MIT */
/*
 * Threads of the backends leave what they have to say as a note in their device; an
 * eventfd brings the main thread to send it.
 *
 * When the supervisor's end of the socket closes, devices are served on, and another
 * supervisor can adopt them; what threads have to say meanwhile waits for it. Without
 * devices the worker ends. Started without a socket to be adopted by, it lets go of its
 * devices before it ends.
 */
#include "wdevs.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "backend.h"
#include "crash.h"
#include "log.h"
#include "msg.h"
#include "wentry.h"

struct wdevs {
	struct loop *loop;
	uint32_t domid;
	int sock;
	int listen;
	struct gnt *gnt;
	void (*done)(void *arg);
	void *arg;
	struct loop_src *on_sock;
	struct loop_src *on_listen;
	struct loop_src *on_note;
	int note;
	pthread_mutex_t lock;
	struct wentry *list;
};

/* The supervisor reads: what does not fit now will. Main thread only. */
static void send_all(struct wdevs *w, enum msg_type type, uint32_t handle,
                     const void *payload, const struct wentry *e)
{
	int rc;

	while ((rc = msg_send(w->sock, MSG_WORKER, type, handle, payload,
	                      e ? e->blob : NULL, e ? e->blob_len : 0, e ? e->fds : NULL,
	                      e ? e->nfds : 0)) == -EAGAIN) {
		struct pollfd p = { .fd = w->sock, .events = POLLOUT };

		poll(&p, 1, -1);
	}
	/* Its end of file is seen by on_sock. */
	if (rc && rc != -EPIPE)
		log_err(NULL, "cannot send %s to the supervisor: %s", msg_name(type),
		        strerror(-rc));
}

static void send_to_super(struct wdevs *w, enum msg_type type, uint32_t handle,
                          const void *payload)
{
	send_all(w, type, handle, payload, NULL);
}

static struct wentry *wentry_find(struct wdevs *w, uint32_t handle)
{
	struct wentry *e = w->list;

	while (e && e->dev.handle != handle)
		e = e->next;
	return e;
}

/* Return: 0 with the device in the list, or -errno with @text and nothing left. */
static int wdevs_add(struct wdevs *w, struct msg *m, char *text, size_t size)
{
	struct wentry *e;
	int rc;

	if (wentry_find(w, m->dev)) {
		snprintf(text, size, "CONNECT of device %u, which is connected", m->dev);
		return -EEXIST;
	}
	rc = wentry_new(w, m, text, size, &e);
	if (rc)
		return rc;
	e->dev.domid = w->domid;
	e->dev.gnt = w->gnt;
	rc = wentry_connect(e, m, text, size);
	if (rc) {
		wentry_free(e);
		return rc;
	}
	e->next = w->list;
	w->list = e;
	return 0;
}

static void on_connect(struct wdevs *w, struct msg *m)
{
	struct msg_result r = { 0 };

	r.err = -wdevs_add(w, m, r.text, sizeof(r.text));
	/* Before the answer: it says that nothing else is held. */
	msg_close_fds(m);
	send_to_super(w, MSG_CONNECTED, m->dev, &r);
}

static void on_disconnect(struct wdevs *w, uint32_t handle)
{
	struct wentry *e = wentry_find(w, handle);

	if (e)
		wentry_stop(e);
	else /* its connect has failed, and the two messages have crossed */
		send_to_super(w, MSG_DISCONNECTED, handle, NULL);
}

/* One that is about to end has no use for it; the supervisor knows. */
static void on_update(struct wdevs *w, const struct msg *m)
{
	struct wentry *e = wentry_find(w, m->dev);

	if (!e || e->stopping || !e->backend->update)
		return;
	e->backend->update(&e->dev, m->blob, m->blob_len);
	send_to_super(w, MSG_UPDATED, m->dev, NULL);
}

/* Nobody is told but the one who looks: end of file is no. */
static void on_capture(struct wdevs *w, struct msg *m)
{
	struct wentry *e = wentry_find(w, m->dev);

	if (e && !e->stopping && e->backend->capture && m->nfds == 2)
		e->backend->capture(&e->dev, m->u.capture.snaplen, m->fds);
	msg_close_fds(m);
}

/* No supervisor, no devices: the end. */
static void check_done(struct wdevs *w)
{
	if (!w->on_sock && !w->list)
		w->done(w->arg);
}

static void on_super_gone(struct wdevs *w)
{
	loop_del(&w->on_sock);
	crash_tell(-1);
	close(take_fd(&w->sock));
	for (struct wentry *e = w->list; e && w->listen < 0; e = e->next)
		wentry_stop(e);
	check_done(w);
}

/* ---- Adoption -------------------------------------------------------------------- */

static void on_note(void *arg);

/* Everything that there is to know, and what was said to one who may not have heard it.
 */
static void tell_all(struct wdevs *w)
{
	for (struct wentry *e = w->list; e; e = e->next) {
		struct msg_held held = { .what = e->what, .stopping = e->stopping };

		send_all(w, MSG_HELD, e->dev.handle, &held, e);
		pthread_mutex_lock(&w->lock);
		e->failed |= e->broken;
		e->ailing |= e->status.err != 0;
		pthread_mutex_unlock(&w->lock);
	}
	send_to_super(w, MSG_ALL_HELD, 0, NULL);
	on_note(w);
}

static void on_adopt(struct wdevs *w, struct msg *m)
{
	struct msg_hello hello = { .version = MSG_VERSION, .domid = w->domid };

	if (m->nfds) {
		dup2(m->fds[0], 1);
		dup2(m->fds[0], 2);
	}
	msg_close_fds(m);
	send_to_super(w, MSG_HELLO, 0, &hello);
	if (m->u.hello.version == MSG_VERSION)
		tell_all(w);
}

static void on_sock(void *arg);

/* The last one to come is the one that there is. */
static void on_listen(void *arg)
{
	struct wdevs *w = arg;
	int sock = accept4(w->listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (sock < 0)
		return;
	if (w->on_sock) {
		loop_del(&w->on_sock);
		crash_tell(-1);
		close(w->sock);
	}
	w->sock = sock;
	if (loop_add_fd(w->loop, sock, on_sock, w, &w->on_sock))
		close(take_fd(&w->sock));
	crash_tell(w->sock);
}

static void on_sock(void *arg)
{
	struct wdevs *w = arg;
	struct msg m;
	int rc = msg_recv(w->sock, MSG_SUPER, &m);

	if (rc == -EAGAIN)
		return;
	if (rc <= 0) {
		if (rc)
			log_err(NULL, "cannot understand the supervisor: %s",
			        strerror(-rc));
		on_super_gone(w);
		return;
	}
	if (m.type == MSG_CONNECT)
		on_connect(w, &m);
	else if (m.type == MSG_ADOPT)
		on_adopt(w, &m);
	else if (m.type == MSG_DISCONNECT)
		on_disconnect(w, m.dev);
	else if (m.type == MSG_UPDATE)
		on_update(w, &m);
	else if (m.type == MSG_CAPTURE)
		on_capture(w, &m);
	else
		log_set_level((enum log_level)m.u.log_level.level);
}

/* Take the device out of the list if its end is noted. */
static struct wentry *take_gone(struct wdevs *w)
{
	struct wentry **p = &w->list, *e;

	pthread_mutex_lock(&w->lock);
	while (*p && !(*p)->gone)
		p = &(*p)->next;
	e = *p;
	if (e)
		*p = e->next;
	pthread_mutex_unlock(&w->lock);
	return e;
}

/* The next note of a kind. Return: there is one, with @handle and @r. */
static bool take_note(struct wdevs *w, bool failed, uint32_t *handle,
                      struct msg_result *r)
{
	struct wentry *e;

	pthread_mutex_lock(&w->lock);
	for (e = w->list; e && !(failed ? e->failed : e->ailing); e = e->next)
		;
	if (e) {
		*(failed ? &e->failed : &e->ailing) = false;
		e->broken |= failed;
		*handle = e->dev.handle;
		*r = failed ? e->result : e->status;
	}
	pthread_mutex_unlock(&w->lock);
	return e;
}

static void on_note(void *arg)
{
	struct wdevs *w = arg;
	struct msg_result r;
	struct wentry *e;
	uint32_t handle;
	uint64_t n;

	if (read(w->note, &n, sizeof(n)) < 0)
		assert(errno == EAGAIN);
	/* It waits for one who is to hear it; the last device may be the end of us. */
	if (!w->on_sock && w->listen >= 0)
		return;
	while (take_note(w, false, &handle, &r))
		send_to_super(w, MSG_STATUS, handle, &r);
	while (take_note(w, true, &handle, &r))
		send_to_super(w, MSG_FAILED, handle, &r);
	while ((e = take_gone(w))) {
		uint32_t gone = e->dev.handle;

		wentry_free(e);
		send_to_super(w, MSG_DISCONNECTED, gone, NULL);
	}
	check_done(w);
}

/* Called with the lock held: the device may be freed once it is not. */
static void note_and_unlock(struct wdevs *w)
{
	uint64_t one = 1;
	ssize_t n = write(w->note, &one, sizeof(one));

	assert(n == sizeof(one));
	(void)n;
	pthread_mutex_unlock(&w->lock);
}

static __attribute__((format(printf, 5, 0))) void note_result(struct wdev *d, bool *noted,
                                                              struct msg_result *r,
                                                              int err, const char *fmt,
                                                              va_list ap)
{
	struct wdevs *w = container_of(d, struct wentry, dev)->all;

	pthread_mutex_lock(&w->lock);
	*noted = true;
	r->err = err;
	vsnprintf(r->text, sizeof(r->text), fmt, ap);
	note_and_unlock(w);
}

void wdev_failed(struct wdev *d, int err, const char *fmt, ...)
{
	struct wentry *e = container_of(d, struct wentry, dev);
	va_list ap;

	va_start(ap, fmt);
	note_result(d, &e->failed, &e->result, err, fmt, ap);
	va_end(ap);
}

void wdev_status(struct wdev *d, int err, const char *fmt, ...)
{
	struct wentry *e = container_of(d, struct wentry, dev);
	va_list ap;

	va_start(ap, fmt);
	note_result(d, &e->ailing, &e->status, err, fmt, ap);
	va_end(ap);
}

void wdev_disconnected(struct wdev *d)
{
	struct wentry *e = container_of(d, struct wentry, dev);

	pthread_mutex_lock(&e->all->lock);
	e->gone = true;
	note_and_unlock(e->all);
}

int wdevs_new(struct loop *l, uint32_t domid, int sock, int listen, struct gnt *g,
              void (*done)(void *arg), void *arg, struct wdevs **out)
{
	struct msg_hello hello = { .version = MSG_VERSION, .domid = domid };
	struct wdevs *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return -ENOMEM;
	w->loop = l;
	w->domid = domid;
	w->sock = sock;
	w->listen = listen;
	w->gnt = g;
	w->done = done;
	w->arg = arg;
	pthread_mutex_init(&w->lock, NULL);
	w->note = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = w->note < 0 ? -errno : 0;
	if (!rc)
		rc = loop_add_fd(l, w->note, on_note, w, &w->on_note);
	if (!rc)
		rc = loop_add_fd(l, sock, on_sock, w, &w->on_sock);
	if (!rc && listen >= 0)
		rc = loop_add_fd(l, listen, on_listen, w, &w->on_listen);
	if (rc) {
		wdevs_free(w);
		return rc;
	}
	crash_tell(sock);
	send_to_super(w, MSG_HELLO, 0, &hello);
	*out = w;
	return 0;
}

void wdevs_free(struct wdevs *w)
{
	if (!w)
		return;
	assert(!w->list);
	loop_del(&w->on_sock);
	loop_del(&w->on_listen);
	loop_del(&w->on_note);
	if (w->note >= 0)
		close(w->note);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
