/* SPDX-License-Identifier: MIT */
/* contract-agent: event channels. */
#include "agent.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <xenevtchn.h>

static xenevtchn_handle *handle;

static xenevtchn_handle *evt(void)
{
	if (!handle)
		handle = xenevtchn_open(NULL, 0);
	if (!handle)
		abort();
	return handle;
}

static long result(int rc)
{
	return rc < 0 ? -errno : rc;
}

static long evt_unbound(struct call *c)
{
	return result(xenevtchn_bind_unbound_port(evt(), (uint32_t)call_num(c, 0)));
}

static long evt_bind(struct call *c)
{
	return result(xenevtchn_bind_interdomain(evt(), (uint32_t)call_num(c, 0),
	                                         (evtchn_port_t)call_num(c, 1)));
}

static long evt_virq(struct call *c)
{
	return result(xenevtchn_bind_virq(evt(), (unsigned int)call_num(c, 0)));
}

static long evt_notify(struct call *c)
{
	return result(xenevtchn_notify(evt(), (evtchn_port_t)call_num(c, 0)));
}

static long evt_unmask(struct call *c)
{
	return result(xenevtchn_unmask(evt(), (evtchn_port_t)call_num(c, 0)));
}

static long evt_unbind(struct call *c)
{
	return result(xenevtchn_unbind(evt(), (evtchn_port_t)call_num(c, 0)));
}

static long next_event(int ms)
{
	struct pollfd p = { .fd = xenevtchn_fd(evt()), .events = POLLIN };
	int n = poll(&p, 1, ms);

	if (n <= 0)
		return n < 0 ? -errno : -ETIMEDOUT;
	return result(xenevtchn_pending(evt()));
}

/* evt.wait MS: the next port with an event. */
static long evt_wait(struct call *c)
{
	return next_event((int)call_num(c, 0));
}

/* evt.block: the same, but sleeping in the read itself. */
static long evt_block(struct call *c)
{
	(void)c;
	return result(xenevtchn_pending(evt()));
}

/* evt.echo N: answer N events, each with one on the same port. */
static long evt_echo(struct call *c)
{
	unsigned long n = call_num(c, 0);

	for (unsigned long i = 0; i < n; i++) {
		long port = next_event(10000);

		if (port < 0)
			return port;
		if (xenevtchn_unmask(evt(), (evtchn_port_t)port) < 0 ||
		    xenevtchn_notify(evt(), (evtchn_port_t)port) < 0)
			return -errno;
	}
	return 0;
}

/* evt.produce PORT REGION N: count to N in the region's first word, an event each time.
 */
static long evt_produce(struct call *c)
{
	_Atomic uint32_t *count = region_addr(call_num(c, 1));

	if (!count)
		return -EBADF;
	for (unsigned long i = 0; i < call_num(c, 2); i++) {
		atomic_fetch_add(count, 1);
		if (xenevtchn_notify(evt(), (evtchn_port_t)call_num(c, 0)) < 0)
			return -errno;
	}
	return 0;
}

static long evt_close(struct call *c)
{
	int rc = xenevtchn_close(evt());

	(void)c;
	handle = NULL;
	return result(rc);
}

/* evt.fdopen: go on with the descriptor that the parent left open. */
static long evt_fdopen(struct call *c)
{
	handle = xenevtchn_fdopen(NULL, c->fd, 0);
	return handle ? 0 : -errno;
}

const struct verb verbs_event[] = {
	{ "evt.unbound", 1, evt_unbound },
	{ "evt.bind", 2, evt_bind },
	{ "evt.virq", 1, evt_virq },
	{ "evt.notify", 1, evt_notify },
	{ "evt.unmask", 1, evt_unmask },
	{ "evt.unbind", 1, evt_unbind },
	{ "evt.wait", 1, evt_wait },
	{ "evt.block", 0, evt_block },
	{ "evt.echo", 1, evt_echo },
	{ "evt.produce", 3, evt_produce },
	{ "evt.close", 0, evt_close },
	{ "evt.fdopen", 0, evt_fdopen },
	{ NULL, 0, NULL },
};
