/* SPDX-License-Identifier: MIT */
/* Event channels: binding, errors, and what is left when an end or a process goes. */
#include "ct.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

static int status_of(struct ct *ct, uint32_t domid, int port, xc_evtchn_status_t *st)
{
	*st = (xc_evtchn_status_t){ .dom = (domid_t)domid, .port = (evtchn_port_t)port };
	return xc_evtchn_status(ct->xch, st);
}

static void assert_unbound(struct ct *ct, uint32_t domid, int port, uint32_t remote)
{
	xc_evtchn_status_t st;

	assert_int_equal(status_of(ct, domid, port, &st), 0);
	assert_int_equal(st.status, EVTCHNSTAT_unbound);
	assert_int_equal(st.u.unbound.dom, remote);
}

static int bind_guest(struct ct *ct, int remote)
{
	return xenevtchn_bind_interdomain(ct->evt, ct->domid, (evtchn_port_t)remote);
}

static void no_such_domain(struct ct *ct)
{
	assert_errno(xenevtchn_bind_interdomain(ct->evt, CT_NO_DOMAIN, 1) < 0, ESRCH);
}

static void no_such_port(struct ct *ct)
{
	int remote = (int)peer_call(ct->guest, "evt.unbound 0");

	assert_int_equal(peer_call(ct->guest, "evt.unbind %d", remote), 0);
	assert_errno(bind_guest(ct, remote) < 0, EINVAL);
	assert_errno(bind_guest(ct, CT_NO_PORT) < 0, EINVAL);
	assert_errno(bind_guest(ct, 0) < 0, EINVAL);
}

static void port_for_another_domain(struct ct *ct)
{
	int remote = (int)peer_call(ct->guest, "evt.unbound %u", ct->domid);

	assert_true(remote > 0);
	assert_errno(bind_guest(ct, remote) < 0, EINVAL);
}

static void port_taken(struct ct *ct)
{
	int remote;

	evt_link(ct, &remote);
	assert_errno(bind_guest(ct, remote) < 0, EINVAL);
}

static void port_of_another_handle(struct ct *ct)
{
	int remote, port = evt_link(ct, &remote);
	xenevtchn_handle *other = xenevtchn_open(NULL, 0);

	assert_errno(xenevtchn_notify(other, (evtchn_port_t)port) < 0, ENOTCONN);
	assert_errno(xenevtchn_unbind(other, (evtchn_port_t)port) < 0, ENOTCONN);
	assert_int_equal(xenevtchn_notify(ct->evt, (evtchn_port_t)port), 0);
	xenevtchn_close(other);
}

static void port_unbound_by_us(struct ct *ct)
{
	int remote, port = evt_link(ct, &remote);

	assert_int_equal(xenevtchn_unbind(ct->evt, (evtchn_port_t)port), 0);
	assert_errno(xenevtchn_notify(ct->evt, (evtchn_port_t)port) < 0, ENOTCONN);
	assert_errno(xenevtchn_unbind(ct->evt, (evtchn_port_t)port) < 0, ENOTCONN);
	assert_unbound(ct, ct->domid, remote, 0);
}

static void status_tells(struct ct *ct)
{
	int remote, port = evt_link(ct, &remote);
	int idle = xenevtchn_bind_unbound_port(ct->evt, ct->domid);
	xc_evtchn_status_t st;

	assert_int_equal(status_of(ct, ct->domid, remote, &st), 0);
	assert_int_equal(st.status, EVTCHNSTAT_interdomain);
	assert_int_equal(st.u.interdomain.dom, 0);
	assert_int_equal(st.u.interdomain.port, port);
	assert_int_equal(status_of(ct, 0, port, &st), 0);
	assert_int_equal(st.status, EVTCHNSTAT_interdomain);
	assert_int_equal(st.u.interdomain.dom, ct->domid);
	assert_int_equal(st.u.interdomain.port, remote);
	assert_unbound(ct, 0, idle, ct->domid);
	assert_errno(status_of(ct, CT_NO_DOMAIN, 1, &st) < 0, ESRCH);
}

/* Bytes for nobody: accepted and dropped, as Linux ignores what Xen says to a notify. */
static void notify_without_peer(struct ct *ct)
{
	int port = xenevtchn_bind_unbound_port(ct->evt, ct->domid);

	assert_int_equal(xenevtchn_notify(ct->evt, (evtchn_port_t)port), 0);
	assert_int_equal(evt_next(ct->evt, ct_quiet), -1);
}

static void peer_closes(struct ct *ct, const char *how)
{
	struct pollfd p = { .fd = xenevtchn_fd(ct->evt), .events = POLLIN | POLLPRI };
	int remote, port = evt_link(ct, &remote);

	if (!strcmp(how, "unbind"))
		assert_int_equal(peer_call(ct->guest, "evt.unbind %d", remote), 0);
	else if (!strcmp(how, "close"))
		assert_int_equal(peer_call(ct->guest, "evt.close"), 0);
	else {
		peer_kill(ct->guest);
		ct->guest = NULL;
	}
	for (int ms = 0; ms < CT_SOON;
	     ms++) { /* a dead process is reaped when it suits */
		xc_evtchn_status_t st;

		assert_int_equal(status_of(ct, 0, port, &st), 0);
		if (st.status == EVTCHNSTAT_unbound)
			break;
		poll(NULL, 0, 1);
	}
	assert_unbound(ct, 0, port, ct->domid);
	assert_int_equal(poll(&p, 1, ct_quiet), 0);
	assert_int_equal(xenevtchn_notify(ct->evt, (evtchn_port_t)port), 0);
	assert_int_equal(poll(&p, 1, ct_quiet), 0);
}

static void peer_unbinds(struct ct *ct)
{
	peer_closes(ct, "unbind");
}

static void peer_closes_handle(struct ct *ct)
{
	peer_closes(ct, "close");
}

static void peer_dies(struct ct *ct)
{
	peer_closes(ct, "kill");
}

/* What a restarted backend does: the port is bound anew, and what was missed is told. */
static void bind_again(struct ct *ct)
{
	int remote, port;

	evt_link(ct, &remote);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(xenevtchn_close(ct->evt), 0);
		assert_int_equal(peer_call(ct->guest, "evt.notify %d", remote), 0);
		ct->evt = xenevtchn_open(NULL, 0);
		assert_non_null(ct->evt);
		port = bind_guest(ct, remote);
		assert_true(port > 0);
		evt_take(ct->evt, port);
		assert_int_equal(evt_next(ct->evt, ct_quiet), -1);
		assert_int_equal(peer_call(ct->guest, "evt.notify %d", remote), 0);
		evt_take(ct->evt, port);
		assert_int_equal(xenevtchn_notify(ct->evt, (evtchn_port_t)port), 0);
		assert_int_equal(peer_call(ct->guest, "evt.wait %d", CT_SOON), remote);
		assert_int_equal(peer_call(ct->guest, "evt.unmask %d", remote), 0);
	}
}

/* An event that was queued for a handle does not reach the next handle's port. */
static void queued_event_goes_with_handle(struct ct *ct)
{
	int remote, idle;

	evt_link(ct, &remote);
	assert_int_equal(peer_call(ct->guest, "evt.notify %d", remote), 0);
	assert_int_equal(xenevtchn_close(ct->evt), 0);
	ct->evt = xenevtchn_open(NULL, 0);
	idle = xenevtchn_bind_unbound_port(ct->evt, ct->domid);
	assert_true(idle > 0);
	assert_int_equal(evt_next(ct->evt, ct_quiet), -1);
}

static void virq_once(struct ct *ct)
{
	xenevtchn_handle *other = xenevtchn_open(NULL, 0);
	int port = xenevtchn_bind_virq(ct->evt, VIRQ_TBUF);

	assert_true(port > 0);
	assert_errno(xenevtchn_bind_virq(ct->evt, VIRQ_TBUF) < 0, EEXIST);
	assert_errno(xenevtchn_bind_virq(other, VIRQ_TBUF) < 0, EEXIST);
	assert_int_equal(xenevtchn_unbind(ct->evt, (evtchn_port_t)port), 0);
	for (int i = 0; i < 20; i++) { /* free again as soon as the call returns */
		assert_true(xenevtchn_bind_virq(other, VIRQ_TBUF) > 0);
		assert_int_equal(xenevtchn_close(other), 0);
		other = xenevtchn_open(NULL, 0);
	}
	xenevtchn_close(other);
}

static void virq_of_xenstored(struct ct *ct)
{
	assert_errno(xenevtchn_bind_virq(ct->evt, VIRQ_DOM_EXC) < 0, EEXIST);
	assert_errno(xenevtchn_bind_virq(ct->evt, NR_VIRQS) < 0, EINVAL);
}

static void cloexec(struct ct *ct)
{
	xenevtchn_handle *kept = xenevtchn_open(NULL, XENEVTCHN_NO_CLOEXEC);

	assert_true(fcntl(xenevtchn_fd(ct->evt), F_GETFD) & FD_CLOEXEC);
	assert_non_null(kept);
	assert_false(fcntl(xenevtchn_fd(kept), F_GETFD) & FD_CLOEXEC);
	xenevtchn_close(kept);
	assert_errno(!xenevtchn_fdopen(NULL, 0, XENEVTCHN_NO_CLOEXEC), EINVAL);
}

/* The ports belong to the open file: they live as long as any descriptor of it. */
static void port_lives_with_descriptor(struct ct *ct)
{
	int remote, port = evt_link(ct, &remote), fd = dup(xenevtchn_fd(ct->evt));
	xc_evtchn_status_t st;

	assert_int_equal(xenevtchn_close(ct->evt), 0);
	assert_int_equal(status_of(ct, ct->domid, remote, &st), 0);
	assert_int_equal(st.status, EVTCHNSTAT_interdomain);
	ct->evt = xenevtchn_fdopen(NULL, fd, 0);
	assert_non_null(ct->evt);
	assert_int_equal(peer_call(ct->guest, "evt.notify %d", remote), 0);
	evt_take(ct->evt, port);
	assert_int_equal(xenevtchn_notify(ct->evt, (evtchn_port_t)port), 0);
	assert_int_equal(peer_call(ct->guest, "evt.wait %d", CT_SOON), remote);
	assert_int_equal(xenevtchn_close(ct->evt), 0);
	assert_unbound(ct, ct->domid, remote, 0);
	ct->evt = xenevtchn_open(NULL, 0);
}

/* Our port goes on in a program that was given the descriptor over exec. */
static struct peer *handed_on(struct ct *ct, const char *name)
{
	struct peer *heir;

	heir = peer_spawn(0, name, xenevtchn_fd(ct->evt));
	assert_non_null(heir);
	assert_int_equal(peer_call(heir, "evt.fdopen"), 0);
	return heir;
}

static void open_inheritable(struct ct *ct)
{
	xenevtchn_close(ct->evt);
	ct->evt = xenevtchn_open(NULL, XENEVTCHN_NO_CLOEXEC);
	assert_non_null(ct->evt);
}

static void port_survives_exec(struct ct *ct)
{
	int remote, port;
	struct peer *heir;

	open_inheritable(ct);
	port = evt_link(ct, &remote);
	heir = handed_on(ct, "heir");
	xenevtchn_close(ct->evt);
	assert_int_equal(peer_call(ct->guest, "evt.notify %d", remote), 0);
	assert_int_equal(peer_call(heir, "evt.wait %d", CT_SOON), port);
	assert_int_equal(peer_call(heir, "evt.notify %d", port), 0);
	assert_int_equal(peer_call(ct->guest, "evt.wait %d", CT_SOON), remote);
	peer_kill(heir);
	ct->evt = xenevtchn_open(NULL, 0);
	assert_unbound(ct, ct->domid, remote, 0);
}

/* A worker takes an event and dies: whoever else holds the descriptor goes on from there.
 */
static void event_taken_by_the_dead(struct ct *ct)
{
	int remote, port;
	struct peer *worker;

	open_inheritable(ct);
	port = evt_link(ct, &remote);
	worker = handed_on(ct, "worker");
	assert_int_equal(peer_call(ct->guest, "evt.notify %d", remote), 0);
	assert_int_equal(peer_call(worker, "evt.wait %d", CT_SOON), port);
	peer_kill(worker);
	assert_int_equal(peer_call(ct->guest, "evt.notify %d", remote), 0);
	assert_int_equal(evt_next(ct->evt, ct_quiet), -1);
	assert_int_equal(xenevtchn_unmask(ct->evt, (evtchn_port_t)port), 0);
	evt_take(ct->evt, port);
}

int main(void)
{
	static const struct property tests[] = {
		{ "bind to a domain that does not exist: ESRCH", no_such_domain },
		{ "bind to a port that is free or out of range: EINVAL", no_such_port },
		{ "bind to a port that waits for another domain: EINVAL",
		  port_for_another_domain },
		{ "bind to a port that has its peer: EINVAL", port_taken },
		{ "notify and unbind a port of another handle: ENOTCONN",
		  port_of_another_handle },
		{ "a port we unbound is gone, its peer unbound", port_unbound_by_us },
		{ "xc_evtchn_status tells both ends", status_tells },
		{ "notify on a port without a peer is dropped, not an error",
		  notify_without_peer },
		{ "the peer unbinds: our port is unbound, no event, notify is dropped",
		  peer_unbinds },
		{ "the peer closes its handle: the same", peer_closes_handle },
		{ "the peer is killed: the same", peer_dies },
		{ "a port can be bound again after a close, with an event at once",
		  bind_again },
		{ "a queued event goes with its handle", queued_event_goes_with_handle },
		{ "a VIRQ is bound once: EEXIST until it is free again", virq_once },
		{ "VIRQ_DOM_EXC is xenstored's: EEXIST; no such VIRQ: EINVAL",
		  virq_of_xenstored },
		{ "handles are close-on-exec unless asked otherwise", cloexec },
		{ "ports live as long as any descriptor of their handle",
		  port_lives_with_descriptor },
		{ "ports go on in a program that inherits the descriptor",
		  port_survives_exec },
		{ "an event taken by a process that died stays masked until unmask",
		  event_taken_by_the_dead },
	};

	return CT_MAIN("evtchn_life", tests);
}
