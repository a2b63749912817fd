/* SPDX-License-Identifier: MIT */
/* Event channels: what is delivered, when, and how a program sees it. */
#include "ct.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <unistd.h>

static int quiet(struct ct *ct)
{
	return evt_next(ct->evt, ct_quiet) < 0;
}

static void bind_raises_event(struct ct *ct)
{
	int port, remote = (int)peer_call(ct->guest, "evt.unbound 0");

	port = xenevtchn_bind_interdomain(ct->evt, ct->domid, (evtchn_port_t)remote);
	assert_true(port > 0);
	evt_take(ct->evt, port);
	assert_true(quiet(ct));
}

static void bind_is_silent_remotely(struct ct *ct)
{
	int remote;

	evt_link(ct, &remote);
	assert_int_equal(peer_call(ct->guest, "evt.wait %d", ct_quiet), -ETIMEDOUT);
}

static void unbound_is_silent(struct ct *ct)
{
	assert_true(xenevtchn_bind_unbound_port(ct->evt, ct->domid) > 0);
	assert_true(quiet(ct));
}

static void notify_out(struct ct *ct)
{
	int remote, port = evt_link(ct, &remote);

	assert_int_equal(xenevtchn_notify(ct->evt, (evtchn_port_t)port), 0);
	assert_int_equal(peer_call(ct->guest, "evt.wait %d", CT_SOON), remote);
	assert_true(quiet(ct));
}

static void notify_in(struct ct *ct)
{
	int remote, port = evt_link(ct, &remote);

	assert_int_equal(peer_call(ct->guest, "evt.notify %d", remote), 0);
	evt_take(ct->evt, port);
	assert_true(quiet(ct));
	assert_int_equal(peer_call(ct->guest, "evt.wait %d", ct_quiet), -ETIMEDOUT);
}

/* The side that allocates may be this one. */
static void allocated_here(struct ct *ct)
{
	int port = xenevtchn_bind_unbound_port(ct->evt, ct->domid), remote;

	assert_true(port > 0);
	remote = (int)peer_call(ct->guest, "evt.bind 0 %d", port);
	assert_true(remote > 0);
	assert_int_equal(peer_call(ct->guest, "evt.wait %d", CT_SOON), remote);
	assert_true(quiet(ct));
	assert_int_equal(peer_call(ct->guest, "evt.notify %d", remote), 0);
	evt_take(ct->evt, port);
}

static void masked_until_unmask(struct ct *ct)
{
	int remote, port = evt_link(ct, &remote);

	assert_int_equal(peer_call(ct->guest, "evt.notify %d", remote), 0);
	assert_int_equal(evt_next(ct->evt, CT_SOON), port);
	assert_int_equal(peer_call(ct->guest, "evt.notify %d", remote), 0);
	assert_true(quiet(ct));
	assert_int_equal(xenevtchn_unmask(ct->evt, (evtchn_port_t)port), 0);
	evt_take(ct->evt, port);
	assert_true(quiet(ct));
}

static void unmask_alone_is_silent(struct ct *ct)
{
	int remote, port = evt_link(ct, &remote);

	for (int i = 0; i < 3; i++)
		assert_int_equal(xenevtchn_unmask(ct->evt, (evtchn_port_t)port), 0);
	assert_true(quiet(ct));
	assert_int_equal(peer_call(ct->guest, "evt.notify %d", remote), 0);
	evt_take(ct->evt, port);
	assert_true(quiet(ct));
}

/* The first is told; it masks the port, which keeps one more of those that follow. */
static void notifies_merge(struct ct *ct)
{
	int remote, port = evt_link(ct, &remote);

	for (int i = 0; i < 50; i++)
		assert_int_equal(peer_call(ct->guest, "evt.notify %d", remote), 0);
	evt_take(ct->evt, port);
	evt_take(ct->evt, port);
	assert_true(quiet(ct));
}

/* Of 50 notifies while the port is masked, one event is left. */
static void latched_once(struct ct *ct)
{
	int remote, port = evt_link(ct, &remote);

	assert_int_equal(peer_call(ct->guest, "evt.notify %d", remote), 0);
	assert_int_equal(evt_next(ct->evt, CT_SOON), port);
	for (int i = 0; i < 50; i++)
		assert_int_equal(peer_call(ct->guest, "evt.notify %d", remote), 0);
	assert_int_equal(xenevtchn_unmask(ct->evt, (evtchn_port_t)port), 0);
	evt_take(ct->evt, port);
	assert_true(quiet(ct));
}

static void poll_says_in(struct ct *ct)
{
	int remote;
	struct pollfd p = { .fd = xenevtchn_fd(ct->evt), .events = POLLIN | POLLPRI };

	evt_link(ct, &remote);
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_int_equal(peer_call(ct->guest, "evt.notify %d", remote), 0);
	assert_int_equal(poll(&p, 1, CT_SOON), 1);
	assert_int_equal(p.revents, POLLIN);
	assert_true(xenevtchn_pending(ct->evt) > 0);
	assert_int_equal(poll(&p, 1, 0), 0);
	/* The peer's end is closed: still neither an event nor an error. */
	assert_int_equal(peer_call(ct->guest, "evt.close"), 0);
	assert_int_equal(poll(&p, 1, ct_quiet), 0);
}

static void poll_idle_handle(struct ct *ct)
{
	struct pollfd p = { .fd = xenevtchn_fd(ct->evt), .events = POLLIN | POLLPRI };

	assert_int_equal(poll(&p, 1, ct_quiet), 0);
}

static void select_and_epoll(struct ct *ct)
{
	int remote, port = evt_link(ct, &remote), fd = xenevtchn_fd(ct->evt);
	struct epoll_event ev = { .events = EPOLLIN }, got;
	int ep = epoll_create1(EPOLL_CLOEXEC);
	struct timeval soon = { .tv_sec = CT_SOON / 1000 };
	fd_set in;

	assert_int_equal(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev), 0);
	assert_int_equal(epoll_wait(ep, &got, 1, 0), 0);
	assert_int_equal(peer_call(ct->guest, "evt.notify %d", remote), 0);
	FD_ZERO(&in);
	FD_SET(fd, &in);
	assert_int_equal(select(fd + 1, &in, NULL, NULL, &soon), 1);
	assert_int_equal(epoll_wait(ep, &got, 1, CT_SOON), 1);
	assert_int_equal(got.events, EPOLLIN);
	assert_int_equal(epoll_wait(ep, &got, 1, 0), 1); /* level-triggered */
	evt_take(ct->evt, port);
	assert_int_equal(epoll_wait(ep, &got, 1, 0), 0);
	close(ep);
}

static void nonblocking(struct ct *ct)
{
	int remote, port = evt_link(ct, &remote), fd = xenevtchn_fd(ct->evt);

	assert_int_equal(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
	assert_errno(xenevtchn_pending(ct->evt) < 0, EAGAIN);
	assert_int_equal(peer_call(ct->guest, "evt.notify %d", remote), 0);
	evt_take(ct->evt, port);
	assert_errno(xenevtchn_pending(ct->evt) < 0, EAGAIN);
}

static void blocking(struct ct *ct)
{
	int remote, port = evt_link(ct, &remote);

	for (int i = 0; i < 20; i++) {
		peer_start(ct->guest, "evt.block");
		assert_int_equal(xenevtchn_notify(ct->evt, (evtchn_port_t)port), 0);
		assert_int_equal(peer_finish(ct->guest), remote);
		assert_int_equal(peer_call(ct->guest, "evt.unmask %d", remote), 0);
	}
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void signal_interrupts(struct ct *ct)
{
	struct sigaction act = { .sa_handler = on_alarm }, old;
	struct itimerspec often = { { 0, 10000000 }, { 0, 10000000 } };
	struct sigevent sev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	timer_t timer;

	sigaction(SIGUSR1, &act, &old);
	assert_int_equal(timer_create(CLOCK_MONOTONIC, &sev, &timer), 0);
	assert_int_equal(timer_settime(timer, 0, &often, NULL), 0);
	assert_errno(xenevtchn_pending(ct->evt) < 0, EINTR);
	timer_delete(timer);
	sigaction(SIGUSR1, &old, NULL);
}

static void ports_told_apart(struct ct *ct)
{
	int remote[8], port[8];

	for (int i = 0; i < 8; i++)
		port[i] = evt_link(ct, &remote[i]);
	for (int i = 7; i >= 0; i--) {
		assert_int_equal(peer_call(ct->guest, "evt.notify %d", remote[i]), 0);
		evt_take(ct->evt, port[i]);
	}
	assert_true(quiet(ct));
}

/* Several ports pending: each is reported once, whatever the order. */
static void ports_pending_together(struct ct *ct)
{
	int remote[8], port[8], seen[8] = { 0 };

	for (int i = 0; i < 8; i++)
		port[i] = evt_link(ct, &remote[i]);
	for (int i = 0; i < 8; i++)
		assert_int_equal(peer_call(ct->guest, "evt.notify %d", remote[i]), 0);
	for (int n = 0; n < 8; n++) {
		int got = evt_next(ct->evt, CT_SOON);

		for (int i = 0; i < 8; i++)
			seen[i] += got == port[i];
	}
	for (int i = 0; i < 8; i++)
		assert_int_equal(seen[i], 1);
	assert_true(quiet(ct));
}

static void ping_pong(struct ct *ct)
{
	enum {
		ROUNDS = 500
	};
	int remote, port = evt_link(ct, &remote);

	peer_start(ct->guest, "evt.echo %d", ROUNDS);
	for (int i = 0; i < ROUNDS; i++) {
		assert_int_equal(xenevtchn_notify(ct->evt, (evtchn_port_t)port), 0);
		evt_take(ct->evt, port);
	}
	assert_int_equal(peer_finish(ct->guest), 0);
	assert_true(quiet(ct));
}

/* A consumer that looks after each unmask never sleeps on work that is there. */
static void no_wakeup_is_lost(struct ct *ct)
{
	enum {
		ROUNDS = 20000
	};
	uint32_t ref, n = 0;
	int remote, port = evt_link(ct, &remote);
	long region = guest_share(ct, 0, 1, 1, &ref);
	_Atomic uint32_t *count = (void *)guest_map(ct, 1, &ref, PROT_READ | PROT_WRITE);

	peer_start(ct->guest, "evt.produce %d %ld %d", remote, region, ROUNDS);
	while (n < ROUNDS) {
		evt_take(ct->evt, port);
		n = atomic_load(count);
	}
	assert_int_equal(peer_finish(ct->guest), 0);
	assert_int_equal(xengnttab_unmap(ct->gnt, (void *)(uintptr_t)count, 1), 0);
}

/* Two handles of one process do not see each other's events. */
static void handles_are_apart(struct ct *ct)
{
	xenevtchn_handle *other = xenevtchn_open(NULL, 0);
	int remote, port = evt_link(ct, &remote);

	assert_non_null(other);
	assert_int_equal(peer_call(ct->guest, "evt.notify %d", remote), 0);
	assert_int_equal(evt_next(other, ct_quiet), -1);
	evt_take(ct->evt, port);
	xenevtchn_close(other);
}

int main(void)
{
	static const struct property tests[] = {
		{ "bind_interdomain raises an event on the new port", bind_raises_event },
		{ "bind_interdomain raises none on the remote port",
		  bind_is_silent_remotely },
		{ "bind_unbound_port raises none", unbound_is_silent },
		{ "notify reaches the guest's port", notify_out },
		{ "the guest's notify reaches our port", notify_in },
		{ "a port allocated here is bound by the guest", allocated_here },
		{ "a port is masked from its event until unmask", masked_until_unmask },
		{ "unmask without an event does nothing", unmask_alone_is_silent },
		{ "50 notifies before the event is taken are two events",
		  notifies_merge },
		{ "notifies while masked are latched as one", latched_once },
		{ "poll says POLLIN when an event waits, and nothing else",
		  poll_says_in },
		{ "poll of a handle without ports says nothing", poll_idle_handle },
		{ "select and epoll see the event", select_and_epoll },
		{ "O_NONBLOCK: EAGAIN when no event waits", nonblocking },
		{ "pending sleeps until the peer notifies", blocking },
		{ "a signal interrupts pending with EINTR", signal_interrupts },
		{ "the port told is the port notified", ports_told_apart },
		{ "ports pending together are each told once", ports_pending_together },
		{ "500 events there and back", ping_pong },
		{ "no wake-up is lost in 20000 notifies", no_wakeup_is_lost },
		{ "handles of one process are apart", handles_are_apart },
	};

	return CT_MAIN("evtchn", tests);
}
