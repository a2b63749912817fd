/* SPDX-License-Identifier: MIT */
#include "device.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "dev_act.h"
#include "dev_held.h"
#include "dev_kept.h"
#include "dev_point.h"
#include "dev_stats.h"
#include "dev_store.h"
#include "dev_update.h"
#include "guest.h"
#include "log.h"
#include "super.h"
#include "xenabi.h"

/* More transitions than any way through the table has without waiting. */
#define DEVICE_MOVES 16
/* Attempts to go on after a worker that died, and the first pause: some seconds in all.
 */
#define RETAKES      20
#define RETAKE_NS    5000000ULL

/*
 * One event through the table; @why is what the worker said with it, or NULL.
 *
 * Return: 0 when the state is another one now, -EALREADY when it is not, -EAGAIN when
 * something has to change first.
 */
static int device_apply(struct device *d, enum dev_event ev, const char *why)
{
	enum dev_state old = d->state;
	struct dev_move m = dev_next(old, ev);
	int rc;

	snprintf(d->fault, sizeof(d->fault), "%s", why ? why : "");
	if (dev_held_first(d, m.act))
		return -EAGAIN;
	if (d->lost && m.act != ACT_NONE && m.act != ACT_SPAWN && dev_fence(d))
		return -EAGAIN;
	dev_point_act(m.act, false);
	rc = dev_act(d, m.act);
	if (rc && rc != -EAGAIN) {
		m = dev_next(old, EV_FAULT);
		rc = dev_held_first(d, m.act);
		rc = rc ? rc : dev_act(d, m.act);
	}
	if (rc)
		return -EAGAIN;
	dev_point_act(m.act, true);
	d->state = m.next;
	if (old == d->state)
		return -EALREADY;
	log_debug(d->tag, "%s: %s -> %s", dev_event_name(ev), dev_state_name(old),
	          dev_state_name(d->state));
	return 0;
}

void device_tick(struct device *d)
{
	if (d->state == DEV_NEW && d->age < DEVICE_NEW_TICKS &&
	    ++d->age == DEVICE_NEW_TICKS)
		super_queue(d->guest->super, d);
	/* What it waits for may be something that nobody tells us of. */
	if (d->lost || d->reconf_ns)
		super_queue(d->guest->super, d);
	dev_update(d);
}

void device_worker_event(struct device *d, enum dev_event ev, const char *text)
{
	d->worker_ev = ev;
	/* As much of it as there is room for. */
	snprintf(d->worker_text, sizeof(d->worker_text), "%.*s",
	         (int)sizeof(d->worker_text) - 1, text ? text : "");
	super_queue(d->guest->super, d);
}

bool device_retries(struct device *d)
{
	unsigned int n = d->retakes;

	bool retakes = d->state == DEV_RETAKING ||
	               (d->state == DEV_STARTING && d->resume);

	if (!retakes || !d->ops->recover || n == RETAKES)
		return false;
	d->retakes++;
	d->retake_ns = clock_ns() + (RETAKE_NS << (n < 6 ? n : 6));
	return true;
}

bool device_needs_worker(const struct device *d)
{
	return d->worker_link != LINK_NONE || d->renewing || d->state == DEV_SPAWNING ||
	       d->state == DEV_REVIVING;
}

/*
 * Nobody serves it, and it is not at rest. Return: true if it cannot be taken up although
 * it should be.
 */
static bool begin_kept(struct device *d)
{
	int rc = -ENOENT;

	if (d->held || d->drained)
		return false;
	if (!d->marked && xenbus_is_served(d->view.own))
		rc = dev_kept_get(d);
	if (rc)
		dev_kept_drop(d);
	if (!rc || rc == -ENOENT)
		return false;
	d->state = DEV_CONNECTED;
	d->view.offered = d->view.front_seen = true;
	device_worker_event(d, EV_WORKER_DIED, d->fault);
	return true;
}

bool device_on_trial(const struct device *d)
{
	if (d->crashes < RESPAWN_SUSPECT || d->worker_link == LINK_NONE)
		return false;
	/* On a busy machine a worker may need long before it serves anything. */
	return d->worker_link == LINK_CONNECTING ||
	       clock_ns() - d->served_ns < RESPAWN_TRIAL_MS * 1000000ULL;
}

bool device_unsettled(const struct device *d)
{
	/* A worker that nobody can talk to stays as it is. */
	if (d->guest->worker == WORKER_STRANGER)
		return false;
	return !d->known || d->held || (d->lost && !d->view.resting) || d->renewing ||
	       d->resume || !guest_settled(d->guest);
}

/* What was there before us may be another's, ours of last time, or left by a crash. */
static void device_begin(struct device *d)
{
	d->known = true;
	if (d->view.foreign)
		return;
	if (begin_kept(d))
		return;
	d->state = dev_initial(d->view.own, d->marked || d->held || d->drained);
	d->view.offered = d->view.front_seen = d->state != DEV_NEW;
	if (d->state == DEV_CONNECTED)
		device_worker_event(d, EV_WORKER_DIED,
		                    "pvbackd ended while it served this disk and left "
		                    "requests unanswered: the guest has to connect anew");
}

static int device_look(struct device *d)
{
	int rc = dev_store_look(d);

	if (rc)
		return rc;
	if (d->view.foreign)
		dev_report(d);
	if (!d->known)
		device_begin(d);
	else if (d->fresh && !d->view.dir && dev_is_kept(d->state)) {
		log_warn(d->tag,
		         "XenStore has forgotten this disk; it is served on while "
		         "the guest lives");
		d->view.kept = true;
	}
	d->fresh = false;
	d->view.kept &= !d->view.dir;
	d->view.front_seen |= d->view.front != XENBUS_MISSING;
	d->view.init_spent &= d->view.front == XenbusStateInitialising;
	/* A driver domain has 128 watches; who is not to come back needs none. */
	if (d->state == DEV_CLOSED && d->view.online != ONLINE_YES)
		dev_store_unwatch(d);
	else if (d->state != DEV_NEW)
		rc = dev_store_watch(d);
	return rc;
}

/* Of one that was never taken over, and is not served by anybody now. */
static void device_mark(struct device *d)
{
	if (d->drained && xenbus_is_served(d->view.own) && dev_store_mark(d, true) == 0)
		d->drained = false;
	if (d->guest->super->stopping && d->held && d->worker_link == LINK_UP)
		guest_disconnect(d->guest, d);
}

static void device_look_around(struct device *d)
{
	d->view.live = d->ops->live_front;
	d->view.dead = d->guest->dead;
	d->view.stop = d->guest->super->stopping;
	d->view.worker_up = guest_worker_up(d->guest);
}

static void device_moves(struct device *d)
{
	for (int i = 0; i < DEVICE_MOVES && d->state != DEV_GONE; i++) {
		device_look_around(d);
		if (device_apply(d, dev_observe(d->state, &d->view), NULL) == 0)
			continue;
		if (d->worker_ev == EV_NONE ||
		    device_apply(d, d->worker_ev, d->worker_text) == -EAGAIN)
			return;
		d->worker_ev = EV_NONE;
	}
}

/* A ring is taken up again whether XenStore is there or not. */
static bool without_store(const struct device *d)
{
	return d->state == DEV_REVIVING || d->state == DEV_RETAKING ||
	       d->worker_ev == EV_WORKER_LOST;
}

bool device_step(struct device *d)
{
	struct super *s = d->guest->super;
	struct guest *g = d->guest;
	int rc = 0;

	if (!guest_settled(g) || (!d->known && d->worker_link == LINK_DISCONNECTING))
		return true;
	d->bdev.xs = s->xs;
	if (s->xs)
		rc = device_look(d);
	if (xst_broken(rc))
		s->broken = true;
	else if (rc)
		log_err(d->tag, "XenStore: %s", strerror(-rc));
	if ((!s->xs || s->broken) && !s->stopping && !without_store(d))
		return true;
	device_mark(d);
	device_moves(d);
	d->bdev.touched = s->xs != NULL;
	dev_update(d);
	d->bdev.touched = false;
	if (d->state == DEV_GONE) {
		device_free(d);
		d = NULL;
	}
	guest_idle(g);
	return d != NULL;
}

void device_free(struct device *d)
{
	/* For who comes after us. */
	d->kept = false;
	dev_forget_keys(d);
	if (d->dirty)
		TAILQ_REMOVE(&d->guest->super->dirty, d, dirty_link);
	LIST_REMOVE(d, link);
	dev_held_free(d);
	dev_stats_close(d);
	free(d);
}
