/* SPDX-License-Identifier: MIT */
#include "loop.h"

#include <assert.h>
#include <errno.h>

#include <event2/event.h>

struct loop {
	struct event_base *base;
};

struct loop_src {
	struct event *ev;
	loop_fn fn;
	void *arg;
};

int loop_new(struct loop **out)
{
	autofree struct loop *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->base = event_base_new();
	if (!l->base)
		return -ENOMEM;
	*out = take_ptr(l);
	return 0;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	event_base_free(l->base);
	free(l);
}

int loop_run(struct loop *l)
{
	/* NO_EXIT_ON_EMPTY: the end is loop_stop() and nothing else. */
	return event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0 ? -EIO : 0;
}

void loop_stop(struct loop *l)
{
	event_base_loopbreak(l->base);
}

static void loop_dispatch(evutil_socket_t fd, short what, void *arg)
{
	struct loop_src *s = arg;

	(void)fd;
	(void)what;
	/* Nothing may follow: the callback may have removed the source. */
	s->fn(s->arg);
}

static int loop_add(struct loop *l, int fd, short what, loop_fn fn, void *arg,
                    struct loop_src **out)
{
	autofree struct loop_src *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->fn = fn;
	s->arg = arg;
	s->ev = event_new(l->base, fd, what, loop_dispatch, s);
	if (!s->ev)
		return -ENOMEM;
	/* A timer starts in loop_timer_set(). */
	if (what && event_add(s->ev, NULL) < 0) {
		event_free(s->ev);
		return errno ? -errno : -EIO;
	}
	*out = take_ptr(s);
	return 0;
}

int loop_add_fd(struct loop *l, int fd, loop_fn fn, void *arg, struct loop_src **out)
{
	return loop_add(l, fd, EV_READ | EV_PERSIST, fn, arg, out);
}

int loop_add_writable(struct loop *l, int fd, loop_fn fn, void *arg,
                      struct loop_src **out)
{
	return loop_add(l, fd, EV_WRITE | EV_PERSIST, fn, arg, out);
}

int loop_add_timer(struct loop *l, loop_fn fn, void *arg, struct loop_src **out)
{
	return loop_add(l, -1, 0, fn, arg, out);
}

void loop_timer_set(struct loop_src *timer, uint32_t ms)
{
	struct timeval tv = { .tv_sec = ms / 1000,
		              .tv_usec = (suseconds_t)(ms % 1000) * 1000 };
	int rc = event_add(timer->ev, &tv);

	/* The timer heap was sized when the event was made: no memory is needed here. */
	assert(rc == 0);
	(void)rc;
}

void loop_timer_stop(struct loop_src *timer)
{
	event_del(timer->ev);
}

int loop_add_signal(struct loop *l, int signo, loop_fn fn, void *arg,
                    struct loop_src **out)
{
	return loop_add(l, signo, EV_SIGNAL | EV_PERSIST, fn, arg, out);
}

void loop_del(struct loop_src **src)
{
	if (!*src)
		return;
	event_free((*src)->ev);
	free(*src);
	*src = NULL;
}
