/* SPDX-License-Identifier: MIT */
#include "renew.h"

#include "clock.h"
#include "dev_kept.h"
#include "device.h"
#include "guest.h"
#include "log.h"
#include "loop.h"

/* Requests have so long to end; a guest does not wait longer than that for new ones. */
#define RENEW_DRAIN_MS 1000

static const char *renew_refused(const struct guest *g)
{
	const struct device *d;

	switch (g->worker) {
	case WORKER_UP:
		break;
	case WORKER_STRANGER:
		LIST_FOREACH (d, &g->devices, link)
			if (d->kept && dev_kept_check(d))
				return "its worker is of another version, and this "
				       "pvbackd does not understand what it would leave: "
				       "it serves on";
		return NULL;
	case WORKER_NONE:
		return "it has no worker";
	default:
		return "its worker is just coming or going: try again";
	}
	LIST_FOREACH (d, &g->devices, link)
		if (d->worker_link != LINK_NONE && d->worker_link != LINK_UP)
			return "its devices are just changing: try again";
	return NULL;
}

/* Nothing is being drained any more: the rest ends with the worker. */
static void renew_end_worker(struct guest *g)
{
	const struct device *d;

	LIST_FOREACH (d, &g->devices, link)
		if (d->worker_link == LINK_DISCONNECTING)
			return;
	LIST_FOREACH (d, &g->devices, link)
		if (d->worker_link != LINK_NONE) {
			child_kill(&g->child);
			return;
		}
	guest_leave(g);
}

const char *guest_renew(struct guest *g)
{
	const char *why = renew_refused(g);
	struct device *d;

	if (why)
		return why;
	if (g->worker == WORKER_STRANGER) {
		guest_kill(g, "it is of another version");
		return NULL;
	}
	log_info(g->tag, "worker %d is replaced", (int)g->child.pid);
	g->renewing = true;
	LIST_FOREACH (d, &g->devices, link) {
		if (d->worker_link != LINK_UP)
			continue;
		d->renewing = true;
		d->renew_ns = clock_ns();
		d->renewal = RENEWAL_JOURNAL;
		if (!d->ops->drains || d->ops->drains(&d->bdev))
			guest_disconnect(g, d);
	}
	loop_timer_set(g->timer, RENEW_DRAIN_MS);
	renew_end_worker(g);
	return NULL;
}

void renew_drained(struct device *d)
{
	d->renewal = RENEWAL_DRAINED;
	renew_end_worker(d->guest);
}

void renew_overdue(struct guest *g)
{
	log_info(g->tag, "worker %d still has requests: its successor will do them",
	         (int)g->child.pid);
	child_kill(&g->child);
}

void renew_done(struct device *d)
{
	if (!d->renewing)
		return;
	d->renewing = false;
	d->renew_ms = (uint32_t)((clock_ns() - d->renew_ns) / 1000000);
}
