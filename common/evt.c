/* SPDX-License-Identifier: MIT */
#include "evt.h"

#include <assert.h>
#include <errno.h>

#include <xenevtchn.h>

struct evt {
	xenevtchn_handle *xce;
	uint32_t domid;
	/* Our end; 0 is never a valid port. */
	evtchn_port_t port;
};

int evt_open(uint32_t domid, struct evt **out)
{
	autofree struct evt *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->domid = domid;
	e->xce = xenevtchn_open(NULL, 0);
	if (!e->xce)
		return errno ? -errno : -ENODEV;
	if (domid != 0 && xenevtchn_restrict(e->xce, (domid_t)domid)) {
		int rc = -errno;

		xenevtchn_close(e->xce);
		return rc;
	}
	*out = take_ptr(e);
	return 0;
}

void evt_close(struct evt *e)
{
	if (!e)
		return;
	/* Not left to close(): somebody may still hold a reference to the file. */
	if (e->port)
		xenevtchn_unbind(e->xce, e->port);
	xenevtchn_close(e->xce);
	free(e);
}

int evt_bind(struct evt *e, uint32_t remote_port)
{
	xenevtchn_port_or_error_t port;

	assert(!e->port);
	port = xenevtchn_bind_interdomain(e->xce, e->domid, remote_port);
	if (port < 0)
		return -errno;
	e->port = (evtchn_port_t)port;
	return 0;
}

int evt_fd(const struct evt *e)
{
	return xenevtchn_fd(e->xce);
}

int evt_take(struct evt *e)
{
	return xenevtchn_pending(e->xce) < 0 ? -errno : 0;
}

void evt_unmask(struct evt *e)
{
	/* Fails only for a port that is not ours: nothing a guest can bring about. */
	xenevtchn_unmask(e->xce, e->port);
}

void evt_notify(struct evt *e)
{
	/* A peer that has closed its end is seen in XenStore, not here. */
	xenevtchn_notify(e->xce, e->port);
}
