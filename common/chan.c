/* SPDX-License-Identifier: MIT */
#include "chan.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"

int chan_open(struct chan *c, uint32_t domid, uint32_t port, char *text, size_t text_size)
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

/* The clock is asked when there is a pause, here and below: that is hardly ever. */
int chan_take(struct chan *c, uint32_t came, bool more)
{
	bool useful = more || came != c->seen;
	uint64_t delay;
	int rc = evt_take(c->evt);

	if (rc)
		return rc;
	c->masked = true;
	c->seen = came;
	delay = pace_event(&c->pace, useful);
	c->unmask_at = delay ? clock_ns() + delay : 0;
	return 0;
}

int64_t chan_listen(struct chan *c)
{
	if (!c->masked)
		return -1;
	if (c->unmask_at) {
		uint64_t now = clock_ns();

		if (now < c->unmask_at)
			return (int64_t)(c->unmask_at - now);
	}
	c->masked = false;
	evt_unmask(c->evt);
	return -1;
}
