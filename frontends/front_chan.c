/* SPDX-License-Identifier: MIT */
#include "front_chan.h"

#include <errno.h>
#include <string.h>

#include <xenevtchn.h>
#include <xengnttab.h>

#include "log.h"
#include "xenabi.h"

int front_chan_open(struct front_chan *c, uint32_t domid, const char *tag)
{
	xenevtchn_port_or_error_t port;
	int rc;

	*c = (struct front_chan){ .domid = domid };
	c->shr = xengntshr_open(NULL, 0);
	if (!c->shr)
		return log_errno(tag,
		                 "cannot open the grant allocator (/dev/xen/gntalloc)");
	c->evt = xenevtchn_open(NULL, 0);
	if (!c->evt) {
		rc = log_errno(tag, "cannot open event channels (/dev/xen/evtchn)");
		goto close;
	}
	port = xenevtchn_bind_unbound_port(c->evt, domid);
	if (port < 0) {
		rc = log_errno(tag, "cannot allocate an event channel for domain %u",
		               domid);
		goto close;
	}
	c->port = (uint32_t)port;
	return 0;
close:
	front_chan_close(c);
	return rc;
}

void front_chan_close(struct front_chan *c)
{
	if (c->evt)
		xenevtchn_close(c->evt);
	if (c->shr)
		xengntshr_close(c->shr);
	c->evt = NULL;
	c->shr = NULL;
}

int front_chan_fd(const struct front_chan *c)
{
	return xenevtchn_fd(c->evt);
}

int front_chan_notify(struct front_chan *c)
{
	c->sent++;
	return xenevtchn_notify(c->evt, c->port) ? -errno : 0;
}

int front_chan_event(struct front_chan *c)
{
	xenevtchn_port_or_error_t port = xenevtchn_pending(c->evt);

	if (port < 0)
		return -errno;
	c->received++;
	return xenevtchn_unmask(c->evt, (evtchn_port_t)port) ? -errno : 0;
}

int front_chan_share(struct front_chan *c, unsigned int n, bool writable, uint32_t *refs,
                     void **out)
{
	*out = xengntshr_share_pages(c->shr, c->domid, (int)n, refs, writable);
	if (!*out)
		return errno ? -errno : -ENOMEM;
	memset(*out, 0, (size_t)n * XEN_PAGE);
	return 0;
}

void front_chan_unshare(struct front_chan *c, void *pages, unsigned int n)
{
	if (pages)
		xengntshr_unshare(c->shr, pages, n);
}
