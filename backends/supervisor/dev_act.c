/* SPDX-License-Identifier: MIT */
#include "dev_act.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "config.h"
#include "dev_held.h"
#include "dev_kept.h"
#include "dev_rest.h"
#include "dev_stats.h"
#include "dev_store.h"
#include "dev_update.h"
#include "guest.h"
#include "log.h"
#include "renew.h"
#include "super.h"
#include "xenabi.h"

/* I/O of a worker that died may take so long before it is worth a line. */
#define FENCE_QUIET_NS 1000000000U

void bdev_fault(struct bdev *b, const char *fmt, ...)
{
	struct device *d = container_of(b, struct device, bdev);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->fault, sizeof(d->fault), fmt, ap);
	va_end(ap);
}

/* Say once what is wrong for as long as it is the same. */
void dev_report(struct device *d)
{
	if (strcmp(d->fault, d->said) == 0)
		return;
	memcpy(d->said, d->fault, sizeof(d->said));
	if (log_allowed(&d->limit, DEVICE_LINES, d->tag))
		log_err(d->tag, "%s", d->fault);
	dev_store_error(d, d->fault);
}

void dev_well(struct device *d)
{
	d->said[0] = 0;
	dev_store_error_clear(d);
}

/*
 * A judgement of keys, or a call into the backend: -EAGAIN may have a reason, any other
 * error has one. Keys of a new device may come one by one; not for ever.
 */
static int judged(struct device *d, int rc)
{
	if (rc == -EAGAIN && d->fault[0] && d->state == DEV_NEW)
		return d->age < DEVICE_NEW_TICKS ? -EAGAIN : -EINVAL;
	if (rc == -EAGAIN && d->fault[0])
		dev_report(d);
	if (rc && rc != -EAGAIN && !d->fault[0])
		bdev_fault(&d->bdev, "%s", strerror(-rc));
	return rc;
}

/* A change of our state that has to succeed for what follows. */
int dev_committed(struct device *d, int rc)
{
	struct super *s = d->guest->super;

	if (rc == -ESTALE) {
		super_queue(s, d);
		return -EAGAIN;
	}
	if (rc == -EAGAIN)
		super_again(s);
	else if (rc)
		bdev_fault(&d->bdev, "XenStore refuses our keys: %s", strerror(-rc));
	return rc;
}

/*
 * A change of our state on the way out: a directory that is gone or new is dealt with at
 * the next look, and a store that is away need not be waited for when we stop.
 */
static int left(struct device *d, int rc)
{
	struct super *s = d->guest->super;

	if (rc == -ESTALE)
		super_queue(s, d);
	else if (rc == -EAGAIN && !s->stopping)
		super_again(s);
	else if (rc)
		log_err(d->tag, "XenStore: %s", strerror(-rc));
	return rc == -EAGAIN && !s->stopping ? rc : 0;
}

/* Descriptors that were made for a worker which was not told. */
static void conf_drop(struct device *d)
{
	for (unsigned int i = 0; i < d->conf.nfds; i++)
		if (d->conf.once & 1U << i && d->conf.fds[i] >= 0)
			close(take_fd(&d->conf.fds[i]));
	d->conf.nfds = 0;
}

static void storage_close(struct device *d)
{
	conf_drop(d);
	if (d->opening && d->ops->abandon)
		d->ops->abandon(&d->bdev);
	d->opening = false;
	if (d->open)
		d->ops->close(&d->bdev);
	dev_kept_drop(d);
	if (!d->open)
		return;
	d->open = d->lost = d->renewing = d->view.resting = false;
	d->reconf_ns = 0;
	d->crashes = 0;
	super_storage_freed(d->guest->super);
}

static int keys_probe(struct device *d)
{
	int rc = dev_store_judge(d);

	if (!rc && !d->probed) {
		d->bdev.held = d->held ? &d->held->conf : NULL;
		rc = d->ops->probe(&d->bdev);
		d->bdev.held = NULL;
		d->probed = !rc;
	}
	if (!rc) {
		rc = dev_store_watch(d);
		if (rc)
			bdev_fault(&d->bdev, "XenStore refuses a watch: %s",
			           strerror(-rc));
	}
	return judged(d, rc);
}

void dev_forget_keys(struct device *d)
{
	storage_close(d);
	if (d->probed || d->bdev.priv)
		d->ops->release(&d->bdev);
	d->probed = false;
	d->resume = false;
}

static int act_none(struct device *d)
{
	(void)d;
	return 0;
}

static int act_offer(struct device *d)
{
	int rc = keys_probe(d);

	rc = rc ? rc
	        : dev_committed(d,
	                        dev_store_state(d, XenbusStateInitWait, d->ops->offer));
	if (rc)
		return rc;
	dev_well(d);
	dev_store_name(d);
	if (log_allowed(&d->limit, DEVICE_LINES, d->tag))
		log_info(d->tag, "offered to \"%s\"",
		         d->guest->name[0] ? d->guest->name : "?");
	return 0;
}

static int act_open(struct device *d)
{
	int rc = d->ops->open(&d->bdev);

	d->opening = rc == -EAGAIN;
	rc = judged(d, rc);
	if (rc)
		return rc;
	d->open = true;
	dev_well(d);
	return 0;
}

static int act_adopt(struct device *d)
{
	int rc = keys_probe(d);

	rc = rc ? rc : act_open(d);
	d->resume = !rc;
	dev_store_name(d);
	return rc;
}

/*
 * Of a device that is taken up again: the guest can wait, and what is missing now may be
 * there later. device_tick() sees to it that this is looked at again.
 */
static int wait_and_say(struct device *d)
{
	dev_report(d);
	return -EAGAIN;
}

static int act_spawn(struct device *d)
{
	int rc = guest_want_worker(d->guest);

	if (!rc)
		return 0;
	bdev_fault(&d->bdev, "%s cannot be started: %s", d->guest->super->conf->worker,
	           strerror(-rc));
	if (d->lost)
		return wait_and_say(d);
	/* fork() says so where there are too many processes. */
	return rc == -EAGAIN ? -ENOMEM : rc;
}

/* Not what is wrong with it, but what the host is short of. */
static int unless_short(struct device *d, int rc)
{
	return rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM ? wait_and_say(d) : rc;
}

static int tell_worker(struct device *d)
{
	int rc = guest_connect(d->guest, d);

	/* It has just died; that is seen in a moment, and succeeded. */
	if (rc == -EPIPE || rc == -ECONNRESET)
		return -EAGAIN;
	if (rc)
		bdev_fault(&d->bdev, "the worker cannot be told: %s", strerror(-rc));
	return rc;
}

static int act_retake(struct device *d);

/* The worker has it already, or has died since it said so. */
static int take_held(struct device *d)
{
	int rc = judged(d, dev_held_take(d));

	if (rc)
		return rc;
	if (!d->lost) {
		device_worker_event(d, EV_WORKER_READY, NULL);
		return 0;
	}
	rc = dev_fence(d);
	return rc ? rc : act_retake(d);
}

static int act_connect(struct device *d)
{
	int rc;

	if (d->held)
		return take_held(d);
	if (d->lost && d->ops->recover)
		return act_retake(d);
	conf_drop(d);
	d->conf = (struct bdev_conf){ 0 };
	rc = judged(d, d->ops->connect(&d->bdev, d->resume, &d->conf));
	/* Once the worker has the ring, an end without a mark is a crash. */
	if (!rc && d->resume)
		rc = dev_committed(d, dev_store_mark(d, false));
	if (rc)
		return rc;
	return tell_worker(d);
}

int dev_fence(struct device *d)
{
	int rc = d->open && d->ops->fence ? d->ops->fence(&d->bdev) : 0;

	if (rc != -EAGAIN) {
		d->lost_ns = 0;
		return 0;
	}
	d->lost_ns = d->lost_ns ? d->lost_ns : clock_ns();
	if (clock_ns() - d->lost_ns > FENCE_QUIET_NS) {
		bdev_fault(&d->bdev,
		           "a worker died and the storage still holds I/O of it, the "
		           "disk waits until that has ended: is the storage stuck?");
		dev_report(d);
	}
	guest_retry(d->guest);
	return -EAGAIN;
}

/* One suspect after the other: with whom does the worker crash? */
static bool must_wait_for_trial(const struct device *d)
{
	const struct device *other;

	LIST_FOREACH (other, &d->guest->devices, link)
		if (other != d && d->crashes >= RESPAWN_SUSPECT && device_on_trial(other))
			return true;
	return false;
}

/* Told what the last one was told; XenStore is not asked. */
static int act_retake(struct device *d)
{
	int rc;

	/* device_tick() gives it a turn. */
	if (dev_rests(d))
		return -EAGAIN;
	if (clock_ns() < d->retake_ns || must_wait_for_trial(d)) {
		guest_retry(d->guest);
		return -EAGAIN;
	}
	conf_drop(d);
	rc = judged(d, d->ops->recover(&d->bdev, &d->conf));
	if (rc)
		return unless_short(d, rc);
	d->resume = d->view.own != XenbusStateInitWait;
	return unless_short(d, tell_worker(d));
}

static int act_publish(struct device *d)
{
	if (!d->bdev.ailing)
		dev_well(d);
	d->retakes = 0;
	d->retake_ns = 0;
	renew_done(d);
	/* Where XenStore has forgotten it there is nobody to tell. */
	if (!d->resume && !d->view.dir)
		return 0;
	if (!d->resume)
		return dev_committed(
			d, dev_store_state(d, XenbusStateConnected, d->ops->publish));
	d->resume = false;
	log_info(d->tag, "taken up again");
	return 0;
}

/*
 * Where XenStore has forgotten the disk there is nobody to tell; and the toolstack's 5 is
 * its wish to be rid of it.
 */
static int act_republish(struct device *d)
{
	if (!d->ops->publish || !d->view.dir || d->view.own != XenbusStateConnected)
		return 0;
	return act_publish(d);
}

static int act_closing(struct device *d)
{
	return left(d, dev_store_state(d, XenbusStateClosing, NULL));
}

static int act_halt(struct device *d)
{
	storage_close(d);
	return act_closing(d);
}

static int act_stop(struct device *d)
{
	guest_disconnect(d->guest, d);
	return 0;
}

static int act_fail_stop(struct device *d)
{
	int rc;

	dev_report(d);
	rc = act_closing(d);
	return rc ? rc : act_stop(d);
}

static int act_close(struct device *d)
{
	storage_close(d);
	d->resume = false;
	return left(d, dev_store_state(d, XenbusStateClosed, NULL));
}

static int act_fail(struct device *d)
{
	int rc = 0;

	dev_report(d);
	d->view.init_spent = d->view.front == XenbusStateInitialising;
	storage_close(d);
	if (d->view.own != XenbusStateClosed)
		rc = act_closing(d);
	return rc ? rc : act_close(d);
}

static int act_park(struct device *d)
{
	int rc;

	storage_close(d);
	rc = dev_store_mark(d, true);
	if (rc)
		log_err(d->tag, "cannot be taken up again after this stop, XenStore: %s",
		        strerror(-rc));
	return 0;
}

static int act_leave(struct device *d)
{
	storage_close(d);
	return 0;
}

static int act_keep(struct device *d)
{
	d->kept = false;
	return act_leave(d);
}

/* The device is no more: nothing of it stays on the host. */
static void host_forget(struct device *d)
{
	storage_close(d);
	if (d->probed && d->ops->remove)
		d->ops->remove(&d->bdev);
	dev_forget_keys(d);
}

static void start_over(struct device *d)
{
	d->age = 0;
	d->view.offered = false;
	d->view.front_seen = d->view.front != XENBUS_MISSING;
}

static int act_reset(struct device *d)
{
	if (d->ops->remove)
		storage_close(d);
	else
		dev_forget_keys(d);
	start_over(d);
	return 0;
}

static int act_renew(struct device *d)
{
	host_forget(d);
	dev_stats_close(d);
	start_over(d);
	return 0;
}

static int act_forget(struct device *d)
{
	host_forget(d);
	dev_store_unwatch(d);
	dev_store_error_clear(d);
	return 0;
}

static int (*const action[])(struct device *d) = {
	[ACT_NONE] = act_none,
	[ACT_OFFER] = act_offer,
	[ACT_OPEN] = act_open,
	[ACT_ADOPT] = act_adopt,
	[ACT_SPAWN] = act_spawn,
	[ACT_CONNECT] = act_connect,
	[ACT_PUBLISH] = act_publish,
	[ACT_REPUBLISH] = act_republish,
	[ACT_CLOSING] = act_closing,
	[ACT_HALT] = act_halt,
	[ACT_STOP] = act_stop,
	[ACT_FAIL_STOP] = act_fail_stop,
	[ACT_CLOSE] = act_close,
	[ACT_FAIL] = act_fail,
	[ACT_PARK] = act_park,
	[ACT_LEAVE] = act_leave,
	[ACT_KEEP] = act_keep,
	[ACT_RESET] = act_reset,
	[ACT_RENEW] = act_renew,
	[ACT_FORGET] = act_forget,
	[ACT_RETAKE] = act_retake,
	[ACT_RECONFIGURE] = dev_reconfigure,
	[ACT_RECONFIGURED] = dev_reconfigured,
};
_Static_assert(ARRAY_SIZE(action) == ACT_NACTIONS, "an action is not implemented");

int dev_act(struct device *d, enum dev_action act)
{
	return action[act](d);
}
