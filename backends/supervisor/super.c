/* SPDX-License-Identifier: MIT */
#include "super.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "config.h"
#include "dev_kept.h"
#include "device.h"
#include "domain.h"
#include "guest.h"
#include "job.h"
#include "log.h"
#include "loop.h"
#include "notify.h"
#include "num.h"
#include "xsconn.h"

/* Devices looked at before the loop sees to everything else. */
#define TURN_DEVICES 16
#define TICK_MS      1000
#define AGAIN_MS     100
/* Requests that take longer than this are given up at a stop. */
#define STOP_MS      60000

/* ---- Turns ------------------------------------------------------------------------ */

void super_wake(struct super *s)
{
	loop_timer_set(s->turn, 0);
}

void super_queue(struct super *s, struct device *d)
{
	if (d->dirty)
		return;
	d->dirty = true;
	TAILQ_INSERT_TAIL(&s->dirty, d, dirty_link);
	super_wake(s);
}

void super_queue_guest(struct super *s, struct guest *g)
{
	struct device *d;

	LIST_FOREACH (d, &g->devices, link)
		super_queue(s, d);
}

void super_queue_all(struct super *s)
{
	struct guest *g;

	LIST_FOREACH (g, &s->guests, link)
		super_queue_guest(s, g);
}

void super_again(struct super *s)
{
	loop_timer_set(s->again, AGAIN_MS);
}

void super_log_level(struct super *s, enum log_level level)
{
	struct guest *g;

	log_set_level(level);
	LIST_FOREACH (g, &s->guests, link)
		guest_log_level(g);
}

static void on_again(void *arg)
{
	super_queue_all(arg);
}

void super_storage_freed(struct super *s)
{
	struct guest *g;
	struct device *d;

	LIST_FOREACH (g, &s->guests, link)
		LIST_FOREACH (d, &g->devices, link)
			if (d->state == DEV_INITWAIT)
				super_queue(s, d);
}

/* ---- The turn -------------------------------------------------------------------- */

static void forget_guests(struct super *s)
{
	struct guest *g, *next;

	for (g = LIST_FIRST(&s->guests); g; g = next) {
		next = LIST_NEXT(g, link);
		guest_put(g);
	}
}

static bool at_rest(const struct super *s)
{
	const struct guest *g;
	const struct device *d;

	LIST_FOREACH (g, &s->guests, link) {
		if (g->worker != WORKER_NONE)
			return false;
		LIST_FOREACH (d, &g->devices, link)
			if (d->state != DEV_PARKED)
				return false;
	}
	return true;
}

static void on_turn(void *arg)
{
	struct super *s = arg;

	conn_drain(s);
	for (int n = 0; n < TURN_DEVICES && !s->broken; n++) {
		struct device *d = TAILQ_FIRST(&s->dirty);

		if (!d)
			break;
		TAILQ_REMOVE(&s->dirty, d, dirty_link);
		d->dirty = false;
		device_step(d);
		conn_drain(s);
	}
	if (s->broken)
		conn_lost(s);
	forget_guests(s);
	if (s->stopping && at_rest(s))
		loop_stop(s->loop);
	else if (!TAILQ_EMPTY(&s->dirty))
		super_wake(s);
}

void super_check_guests(struct super *s)
{
	struct guest *g;

	LIST_FOREACH (g, &s->guests, link)
		if (guest_check(g))
			super_queue_guest(s, g);
}

/*
 * libxenstore's descriptor does not become readable when its connection ends; asking it
 * for an event, which costs no round trip, tells. And a store that came back empty does
 * not know the guests whose end it should tell.
 */
static void on_tick(void *arg)
{
	struct super *s = arg;
	struct guest *g;
	struct device *d;

	conn_drain(s);
	super_check_guests(s);
	LIST_FOREACH (g, &s->guests, link)
		LIST_FOREACH (d, &g->devices, link)
			device_tick(d);
	jobs_tick(s->jobs);
	loop_timer_set(s->tick, TICK_MS);
}

/* Guests whose workers are there: they need not have a directory any more. */
static void find_workers(struct super *s)
{
	DIR *dir = opendir(s->conf->run_dir);
	const struct dirent *e;
	char name[64];
	uint32_t domid;

	while (dir && (e = readdir(dir))) {
		size_t len = strlen(e->d_name);

		if (len < 13 || len >= sizeof(name) ||
		    strncmp(e->d_name, "worker-", 7) != 0 ||
		    strcmp(e->d_name + len - 5, ".sock") != 0)
			continue;
		memcpy(name, e->d_name + 7, len - 12);
		name[len - 12] = 0;
		/* Looks for its worker. */
		if (num_u32(name, NUM_DOMID_MAX, &domid) == 0 && !guest_get(s, domid))
			log_err(NULL, "out of memory for guest %u", domid);
	}
	if (dir)
		closedir(dir);
}

/* ---- Beginning and end ----------------------------------------------------------- */

static void on_deadline(void *arg)
{
	struct super *s = arg;
	struct guest *g;

	LIST_FOREACH (g, &s->guests, link)
		guest_kill(g, "its requests did not end in time for this stop");
	s->exit_status = EXIT_FAILURE;
}

void super_stop(struct super *s)
{
	if (s->stopping)
		return;
	log_info(NULL, "stopping");
	notify("STOPPING=1");
	s->stopping = true;
	loop_timer_set(s->deadline, STOP_MS);
	super_queue_all(s);
	super_wake(s);
}

static int add_timers(struct super *s)
{
	int rc = loop_add_timer(s->loop, on_turn, s, &s->turn);

	rc = rc ? rc : loop_add_timer(s->loop, on_tick, s, &s->tick);
	rc = rc ? rc : loop_add_timer(s->loop, on_again, s, &s->again);
	rc = rc ? rc : jobs_open(s, &s->jobs);
	return rc ? rc : loop_add_timer(s->loop, on_deadline, s, &s->deadline);
}

int super_open(struct super *s, const struct config *conf, struct loop *loop)
{
	int rc;

	*s = (struct super){ .conf = conf, .loop = loop, .started_ns = clock_ns() };
	LIST_INIT(&s->guests);
	TAILQ_INIT(&s->dirty);
	rc = domains_open(&s->domains);
	if (rc)
		log_info(
			NULL,
			"the hypervisor cannot be asked about domains (%s): their end is "
			"seen in XenStore",
			strerror(-rc));
	rc = add_timers(s);
	if (!rc) {
		find_workers(s);
		dev_kept_find(s);
	}
	rc = rc ? rc : conn_open(s);
	if (rc)
		super_close(s);
	else
		loop_timer_set(s->tick, TICK_MS);
	return rc;
}

void super_close(struct super *s)
{
	struct guest *g;
	struct device *d;

	LIST_FOREACH (g, &s->guests, link)
		while ((d = LIST_FIRST(&g->devices)))
			device_free(d);
	forget_guests(s);
	jobs_close(s->jobs);
	conn_close(s);
	domains_close(s->domains);
	s->domains = NULL;
	loop_del(&s->turn);
	loop_del(&s->tick);
	loop_del(&s->again);
	loop_del(&s->deadline);
}
