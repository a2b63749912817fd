/* SPDX-License-Identifier: MIT */
#include "net_chan.h"

#include <stdio.h>
#include <string.h>

int net_chan_open(struct net_chan *c, uint32_t domid, uint32_t port, char *text,
                  size_t text_size)
{
	int rc = evt_open(domid, &c->evt);

	if (rc) {
		snprintf(text, text_size, "cannot open the event channel device: %s",
		         strerror(-rc));
		return rc;
	}
	rc = evt_bind(c->evt, port);
	if (rc)
		snprintf(text, text_size, "cannot bind to event channel %u: %s", port,
		         strerror(-rc));
	return rc;
}

int net_chan_take(struct net_chan *c, uint32_t came, uint64_t now)
{
	uint64_t delay;
	int rc = evt_take(c->evt);

	if (rc)
		return rc;
	c->masked = true;
	delay = pace_event(&c->pace, came != c->seen);
	c->seen = came;
	c->unmask_at = delay ? now + delay : 0;
	return 0;
}

int64_t net_chan_listen(struct net_chan *c, uint64_t now)
{
	if (!c->masked)
		return -1;
	if (c->unmask_at > now)
		return (int64_t)(c->unmask_at - now);
	c->masked = false;
	evt_unmask(c->evt);
	return -1;
}
