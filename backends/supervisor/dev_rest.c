/* SPDX-License-Identifier: MIT */
#include "dev_rest.h"

#include <stdio.h>

#include "clock.h"
#include "dev_act.h"
#include "device.h"
#include "guest.h"
#include "log.h"
#include "super.h"

void dev_rest(struct device *d, const char *how)
{
	uint32_t ms = respawn_rest(d->crashes);

	d->view.resting = ms > 0;
	d->rest_ns = clock_ns() + ms * UINT64_C(1000000);
	snprintf(d->rest_how, sizeof(d->rest_how), "%s", how);
}

bool dev_rests(struct device *d)
{
	if (d->view.resting && clock_ns() >= d->rest_ns) {
		d->view.resting = false;
		log_info(d->tag, "tried again");
	}
	if (!d->view.resting)
		return false;
	bdev_fault(&d->bdev,
	           "%u workers crashed with it in a row, the last one by %s: the guest "
	           "waits. Tried again within %u s, and at once by pvbackctl resume",
	           d->crashes, d->rest_how, RESPAWN_REST_MAX_MS / 1000);
	dev_report(d);
	return true;
}

const char *dev_rest_end(struct device *d)
{
	static char why[sizeof(d->said) + 64];

	if (d->view.resting) {
		d->rest_ns = 0;
		super_queue(d->guest->super, d);
		return NULL;
	}
	if (d->state == DEV_CLOSED)
		return "it is closed: its guest has to connect anew, or the toolstack to "
		       "attach it anew";
	if (!d->lost)
		return "it does not wait for anything";
	snprintf(why, sizeof(why), "it goes on as soon as that can be%s%s",
	         d->said[0] ? ": " : "", d->said);
	return why;
}
