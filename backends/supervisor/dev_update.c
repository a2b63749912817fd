/* SPDX-License-Identifier: MIT */
#include "dev_update.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "dev_act.h"
#include "dev_store.h"
#include "device.h"
#include "guest.h"
#include "log.h"
#include "super.h"
#include "xenabi.h"

/*
 * Linux's netfront is at 7 before it writes what it wants: that is waited for, but it may
 * want what it has.
 */
#define RECONF_NS 100000000U

/* Whoever has asked for it is told, and when it is right again. */
static void update_refused(struct device *d, bool refused)
{
	if (refused)
		dev_report(d);
	else if (d->refused && !d->bdev.ailing)
		dev_well(d);
	d->refused = refused;
}

void dev_update(struct device *d)
{
	struct bdev_update u = { 0 };
	int rc;

	if (!d->ops->update || d->state != DEV_CONNECTED || d->worker_link != LINK_UP ||
	    !d->view.dir || !xenbus_is_served(d->view.own) || d->updating ||
	    d->worker_ev != EV_NONE || d->guest->super->stopping)
		return;
	d->bdev.xs = d->guest->super->xs;
	rc = d->ops->update(&d->bdev, &d->conf, &u);
	if (xst_broken(rc))
		return;
	/* Without a look at XenStore nothing is known to be right again. */
	if (rc < 0 || d->bdev.touched)
		update_refused(d, rc < 0);
	if (rc <= 0)
		return;
	/* One that does not read is found out by those who wait for an answer. */
	rc = guest_update(d->guest, d, &u);
	if (rc)
		log_debug(d->tag, "the worker cannot be told: %s", strerror(-rc));
	d->reconf_told |= !rc;
}

int dev_reconfigure(struct device *d)
{
	int rc;

	if (d->view.own != XenbusStateConnected)
		return 0;
	if (!d->reconf_ns) {
		d->reconf_ns = clock_ns();
		d->reconf_told = false;
	}
	d->bdev.touched = d->bdev.xs != NULL;
	dev_update(d);
	d->bdev.touched = false;
	if (d->updating || d->refused)
		return 0;
	if (!d->reconf_told && clock_ns() - d->reconf_ns < RECONF_NS)
		return 0;
	rc = dev_committed(d, dev_store_state(d, XenbusStateReconfigured, NULL));
	if (!rc)
		d->reconf_ns = 0;
	return rc;
}

int dev_reconfigured(struct device *d)
{
	d->reconf_ns = 0;
	if (d->view.own != XenbusStateReconfigured)
		return 0;
	return dev_committed(d, dev_store_state(d, XenbusStateConnected, NULL));
}

void dev_ailing(struct device *d, int err, const char *text)
{
	d->bdev.ailing = err;
	if (err) {
		snprintf(d->fault, sizeof(d->fault), "%s", text);
		dev_report(d);
		return;
	}
	if (log_allowed(&d->limit, DEVICE_LINES, d->tag))
		log_info(d->tag, "%s", text);
	dev_well(d);
}
