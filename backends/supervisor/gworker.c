/* SPDX-License-Identifier: MIT */
#include "gworker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "config.h"
#include "dev_rest.h"
#include "device.h"
#include "guest.h"
#include "log.h"
#include "loop.h"
#include "msg.h"
#include "renew.h"
#include "super.h"

/* Lines in 10 seconds about workers that end. */
#define GUEST_LINES   20
/* How often to look whether I/O of a dead worker has ended: often, then less. */
#define RETRY_MS      2
#define RETRY_LAZY_MS 50
#define RETRIES       100

static void on_log(void *arg);
static void on_end(void *arg);

bool guest_settled(const struct guest *g)
{
	return g->worker != WORKER_ADOPTED && g->worker != WORKER_STRANGER;
}

bool guest_worker_up(const struct guest *g)
{
	return g->worker == WORKER_UP;
}

static int worker_watch(struct guest *g)
{
	struct loop *l = g->super->loop;
	int rc = loop_add_fd(l, g->child.sock, guest_on_sock, g, &g->sock_src);

	rc = rc ? rc : loop_add_fd(l, g->child.log, on_log, g, &g->log_src);
	return rc ? rc : loop_add_fd(l, g->child.pidfd, on_end, g, &g->end_src);
}

static void worker_unwatch(struct guest *g)
{
	loop_del(&g->sock_src);
	loop_del(&g->log_src);
	loop_del(&g->end_src);
	loop_timer_stop(g->timer);
}

/* It owes an answer, and nothing is known of its end. */
static void worker_begins(struct guest *g, enum worker_state how)
{
	g->worker = how;
	g->started_ns = clock_ns();
	g->why[0] = 0;
	g->crashed[0] = 0;
	loop_timer_set(g->timer, GUEST_ANSWER_MS);
}

static int worker_start(struct guest *g)
{
	const struct config *conf = g->super->conf;
	int rc = child_start(conf->worker, g->domid, conf->run_dir, &g->child);

	if (rc)
		return rc;
	rc = worker_watch(g);
	if (rc) {
		struct child_end end;

		worker_unwatch(g);
		child_kill(&g->child);
		child_reap(&g->child, &end);
		return rc;
	}
	worker_begins(g, WORKER_STARTING);
	log_debug(g->tag, "worker is process %d", (int)g->child.pid);
	return 0;
}

/* Return: 0 with the worker asked what it has, or -errno. */
static int adopt(struct guest *g)
{
	struct msg_hello hello = { .version = MSG_VERSION, .domid = g->domid };
	autoclose int log = -1;
	int rc = child_find(g->super->conf->run_dir, g->domid, &g->child);

	if (rc)
		return rc;
	rc = child_pipe(&g->child, &log);
	rc = rc ? rc : worker_watch(g);
	rc = rc ? rc
	        : msg_send(g->child.sock, MSG_SUPER, MSG_ADOPT, 0, &hello, NULL, 0, &log,
	                   1);
	return rc;
}

void gworker_adopt(struct guest *g)
{
	int rc = adopt(g);

	if (rc == -ENOENT) {
		child_forget(g->super->conf->run_dir, g->domid);
		return;
	}
	if (g->child.pidfd < 0) {
		log_err(g->tag, "its worker cannot be asked for: %s", strerror(-rc));
		return;
	}
	/* What cannot be talked to ends, or is ended, as any worker. */
	worker_begins(g, WORKER_ADOPTED);
	log_info(g->tag, "worker %d was there before us", (int)g->child.pid);
}

int guest_want_worker(struct guest *g)
{
	/* One that is about to end is succeeded when it has ended. */
	if (g->worker != WORKER_NONE)
		return 0;
	if (!g->pause_ms)
		return worker_start(g);
	log_debug(g->tag, "the next worker is started in %u ms", g->pause_ms);
	loop_timer_set(g->timer, g->pause_ms);
	g->pause_ms = 0;
	g->worker = WORKER_PAUSED;
	return 0;
}

void guest_kill(struct guest *g, const char *why)
{
	if (g->worker == WORKER_NONE || g->worker == WORKER_PAUSED ||
	    g->worker == WORKER_KILLED)
		return;
	if (log_allowed(&g->limit, GUEST_LINES, g->tag))
		log_err(g->tag, "worker %d is killed: %s", (int)g->child.pid, why);
	snprintf(g->why, sizeof(g->why), "killed, %s", why);
	child_kill(&g->child);
	loop_del(&g->sock_src);
	loop_timer_stop(g->timer);
	/* Who is leaving has nothing that could end with it. */
	if (g->worker != WORKER_LEAVING)
		g->worker = WORKER_KILLED;
}

static bool worker_is_wanted(const struct guest *g)
{
	const struct device *d;

	LIST_FOREACH (d, &g->devices, link)
		if (device_needs_worker(d))
			return true;
	return false;
}

static bool may_be_served(const struct device *d)
{
	return device_needs_worker(d) && !d->view.resting;
}

static bool is_served(const struct device *d)
{
	struct device *mine = (struct device *)(uintptr_t)d;

	/* One that waits to be taken up was busy when the last worker ended. */
	return d->worker_link != LINK_NONE && d->ops->serving &&
	       d->ops->serving(&mine->bdev);
}

static bool was_at_it(const struct device *d)
{
	return thread_is_of(d->guest->crashed, d->tag);
}

/*
 * The worker has crashed: which device is it that it cannot live with? The one whose
 * thread it says it was. If it could not say that: one that is on trial, else of those
 * that were being served, else of any, whoever it has crashed with most often: a trial
 * may be over before a busy machine has come to serve anything.
 */
static void count_crash(struct guest *g)
{
	static bool (*const blame[])(const struct device *d) = {
		was_at_it, device_on_trial, is_served, may_be_served
	};
	bool found = false;
	struct device *d;

	for (size_t i = 0; i < ARRAY_SIZE(blame) && !found; i++) {
		unsigned int most = 0;

		LIST_FOREACH (d, &g->devices, link)
			if (blame[i](d) && d->crashes > most)
				most = d->crashes;
		LIST_FOREACH (d, &g->devices, link)
			if (blame[i](d) && d->crashes == most) {
				d->crashes++;
				found = true;
				log_debug(d->tag, "held against it: %u in a row",
				          d->crashes);
			}
	}
}

/* What the worker held ended with it, or waits for the next one. */
static void worker_tell_end(struct guest *g, const char *how)
{
	struct device *d;
	char text[256];

	LIST_FOREACH (d, &g->devices, link) {
		bool had = d->worker_link != LINK_NONE;

		if (!device_needs_worker(d))
			continue;
		if (had && d->ops->recover)
			dev_rest(d, how);
		d->lost |= had || d->renewing;
		d->worker_link = LINK_NONE;
		d->updating = false;
		d->bdev.ailing = 0;
		snprintf(text, sizeof(text),
		         "the guest's worker ended (%s): the guest has to connect anew",
		         how);
		device_worker_event(d, d->ops->recover ? EV_WORKER_LOST : EV_WORKER_DIED,
		                    text);
	}
}

static bool served_for_long(const struct device *d)
{
	return d->worker_link != LINK_NONE && d->worker_link != LINK_CONNECTING &&
	       clock_ns() - d->served_ns >= RESPAWN_YOUNG_CRASH_MS * 1000000ULL;
}

/* It has died, not left: when is the next one to be started, and is a disk to blame? */
static void judge_end(struct guest *g, bool crashed)
{
	uint64_t lived_ms = (clock_ns() - g->started_ns) / 1000000;
	struct device *d;

	g->pause_ms = respawn_pause(&g->respawn, lived_ms, crashed);
	LIST_FOREACH (d, &g->devices, link)
		if (served_for_long(d))
			d->crashes = 0;
	if (crashed)
		count_crash(g);
}

static void on_end(void *arg)
{
	struct guest *g = arg;
	bool leaving = g->worker == WORKER_LEAVING, renewing = g->renewing;
	pid_t pid = g->child.pid;
	struct child_end end;

	/* Its last words first. */
	while (g->log_src && relay_read(&g->relay, g->child.log) > 0)
		;
	if (g->sock_src)
		guest_on_sock(g);
	worker_unwatch(g);
	child_reap(&g->child, &end);
	g->worker = WORKER_NONE;
	g->renewing = false;
	child_forget(g->super->conf->run_dir, g->domid);
	if (leaving && end.good)
		log_debug(g->tag, "worker %d has ended", (int)pid);
	else if (!renewing && log_allowed(&g->limit, GUEST_LINES, g->tag))
		log_err(g->tag, "worker %d has ended: %s%s%s", (int)pid, end.how,
		        g->crashed[0] ? ", in thread " : "", g->crashed);
	if (!leaving && !renewing)
		judge_end(g, end.crashed || g->why[0]);
	g->retries = 0;
	/* One that was left alone, or died before it said what it had. */
	super_queue_guest(g->super, g);
	/* A device that came while the last worker was leaving has waited for the next.
	 */
	if (renewing || !leaving || (worker_is_wanted(g) && worker_start(g)))
		worker_tell_end(g, g->why[0] ? g->why : end.how);
	super_wake(g->super);
}

void guest_idle(struct guest *g)
{
	if (worker_is_wanted(g))
		return;
	if (g->worker == WORKER_PAUSED) {
		loop_timer_stop(g->timer);
		g->worker = WORKER_NONE;
	}
	if (g->worker == WORKER_STARTING || g->worker == WORKER_UP)
		guest_leave(g);
}

void guest_leave(struct guest *g)
{
	/* End of file tells it to go. */
	loop_del(&g->sock_src);
	close(take_fd(&g->child.sock));
	g->worker = WORKER_LEAVING;
	loop_timer_set(g->timer, GUEST_ANSWER_MS);
}

static void on_log(void *arg)
{
	struct guest *g = arg;

	if (relay_read(&g->relay, g->child.log) < 0)
		loop_del(&g->log_src);
}

static bool awaits(const struct guest *g, enum dev_link state)
{
	const struct device *d;

	LIST_FOREACH (d, &g->devices, link)
		if (d->worker_link == state)
			return true;
	return false;
}

static void on_timer(void *arg)
{
	struct guest *g = arg;

	if (g->worker == WORKER_PAUSED) {
		g->worker = WORKER_NONE;
		if (worker_start(g))
			worker_tell_end(g, "the next cannot be started");
	} else if (g->worker == WORKER_ADOPTED)
		guest_kill(g, "it does not say what it has");
	else if (g->worker == WORKER_STARTING)
		guest_kill(g, "it does not say HELLO");
	else if (g->worker == WORKER_LEAVING)
		guest_kill(g, "it does not end, though nothing is left for it to do");
	else if (!g->sock_src)
		guest_kill(g, "it has closed its socket and does not end");
	else if (awaits(g, LINK_CONNECTING))
		guest_kill(g, "it does not answer CONNECT");
	else if (g->renewing)
		renew_overdue(g);
	else if (awaits(g, LINK_DISCONNECTING)) {
		log_warn(g->tag,
		         "worker %d still waits for requests to end: is the storage "
		         "stuck?",
		         (int)g->child.pid);
		loop_timer_set(g->timer, GUEST_DRAIN_MS);
	}
}

static void on_retry(void *arg)
{
	struct guest *g = arg;

	super_queue_guest(g->super, g);
}

void guest_retry(struct guest *g)
{
	loop_timer_set(g->retry, g->retries++ < RETRIES ? RETRY_MS : RETRY_LAZY_MS);
}

int gworker_init(struct guest *g)
{
	int rc = loop_add_timer(g->super->loop, on_timer, g, &g->timer);

	rc = rc ? rc : loop_add_timer(g->super->loop, on_retry, g, &g->retry);
	if (rc)
		loop_del(&g->timer);
	return rc;
}
