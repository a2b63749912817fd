/* SPDX-License-Identifier: MIT */
#include "guest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "dev_held.h"
#include "dev_kept.h"
#include "dev_point.h"
#include "dev_stats.h"
#include "dev_update.h"
#include "device.h"
#include "domain.h"
#include "gworker.h"
#include "loop.h"
#include "msg.h"
#include "renew.h"
#include "super.h"

/* Messages taken from one worker before the next one gets its turn. */
#define MSG_BATCH 16

/* ---- The guest -------------------------------------------------------------------- */

struct guest *guest_get(struct super *s, uint32_t domid)
{
	struct guest *g;

	LIST_FOREACH (g, &s->guests, link)
		if (g->domid == domid)
			return g;
	g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	g->super = s;
	g->domid = domid;
	g->child = CHILD_NONE;
	snprintf(g->tag, sizeof(g->tag), "guest %u", domid);
	g->relay.tag = g->tag;
	LIST_INIT(&g->devices);
	if (gworker_init(g)) {
		free(g);
		return NULL;
	}
	gworker_adopt(g);
	LIST_INSERT_HEAD(&s->guests, g, link);
	guest_check(g);
	return g;
}

void guest_put(struct guest *g)
{
	if (!LIST_EMPTY(&g->devices) || g->worker != WORKER_NONE)
		return;
	loop_del(&g->timer);
	loop_del(&g->retry);
	LIST_REMOVE(g, link);
	free(g);
}

bool guest_check(struct guest *g)
{
	enum domain_life life = domain_life(g->super->domains, g->domid);
	bool was = g->dead;

	g->known |= life == DOMAIN_ALIVE;
	g->dead = g->known && life == DOMAIN_DEAD;
	if (g->dead && !was)
		log_info(g->tag, "the guest is gone");
	return g->dead != was;
}

/* ---- What supervisor and worker say to each other ---------------------------------- */

int guest_connect(struct guest *g, struct device *d)
{
	struct msg_connect m = { 0 };
	int fds[MSG_FDS_MAX], rc = dev_stats_open(d);

	rc = rc ? rc : dev_kept_put(d);
	if (rc)
		return rc;
	dev_point("telling");
	fds[0] = d->stats;
	memcpy(fds + 1, d->conf.fds, d->conf.nfds * sizeof(fds[0]));
	d->handle = ++g->last_handle;
	snprintf(m.kind, sizeof(m.kind), "%s", d->ops->kind);
	snprintf(m.tag, sizeof(m.tag), "%s", d->tag);
	m.devid = d->bdev.devid;
	rc = msg_send(g->child.sock, MSG_SUPER, MSG_CONNECT, d->handle, &m, d->conf.blob,
	              d->conf.len, fds, d->conf.nfds + 1);
	/* The worker's alone: while we have it, too, its end cannot be seen. */
	for (unsigned int i = 0; i < d->conf.nfds; i++)
		if (d->conf.once & 1U << i)
			close(take_fd(&d->conf.fds[i]));
	if (rc)
		return rc;
	dev_point("told the worker");
	d->lost = d->updating = d->bdev.ailing = false;
	d->worker_link = LINK_CONNECTING;
	loop_timer_set(g->timer, GUEST_ANSWER_MS);
	return 0;
}

int guest_update(struct guest *g, struct device *d, const struct bdev_update *u)
{
	int rc = msg_send(g->child.sock, MSG_SUPER, MSG_UPDATE, d->handle, NULL, u->blob,
	                  u->len, NULL, 0);

	d->updating = !rc;
	return rc;
}

int guest_capture(struct guest *g, struct device *d, uint32_t snaplen, const int fds[2])
{
	struct msg_capture m = { snaplen };

	return msg_send(g->child.sock, MSG_SUPER, MSG_CAPTURE, d->handle, &m, NULL, 0,
	                fds, 2);
}

void guest_disconnect(struct guest *g, struct device *d)
{
	int rc;

	if (d->worker_link == LINK_NONE ||
	    (g->worker != WORKER_UP && g->worker != WORKER_ADOPTED))
		return;
	rc = msg_send(g->child.sock, MSG_SUPER, MSG_DISCONNECT, d->handle, NULL, NULL, 0,
	              NULL, 0);
	d->worker_link = LINK_DISCONNECTING;
	loop_timer_set(g->timer, GUEST_DRAIN_MS);
	/* Of one that has closed its socket the end is near. */
	if (rc == -EAGAIN)
		guest_kill(g, "it does not read its messages");
}

void guest_log_level(struct guest *g)
{
	struct msg_log_level m = { log_get_level() };

	if (g->worker == WORKER_UP &&
	    msg_send(g->child.sock, MSG_SUPER, MSG_LOG_LEVEL, 0, &m, NULL, 0, NULL, 0))
		log_warn(g->tag, "worker %d keeps its log level", (int)g->child.pid);
}

static struct device *device_of(const struct guest *g, uint32_t handle)
{
	struct device *d;

	LIST_FOREACH (d, &g->devices, link)
		if (d->worker_link != LINK_NONE && d->handle == handle)
			return d;
	return NULL;
}

/* It is ready to be told of devices. */
static void worker_up(struct guest *g)
{
	g->worker = WORKER_UP;
	loop_timer_stop(g->timer);
	super_queue_guest(g->super, g);
}

static bool on_hello(struct guest *g, struct device *d, const struct msg *m)
{
	bool other = m->u.hello.version != MSG_VERSION;

	(void)d;
	if ((g->worker != WORKER_STARTING && g->worker != WORKER_ADOPTED) ||
	    m->u.hello.domid != g->domid)
		return false;
	if (other && g->worker == WORKER_ADOPTED) {
		log_err(g->tag,
		        "worker %d is of version %u, this pvbackd is of %u: it serves on "
		        "and is left alone. To change its devices, or to end it, run the "
		        "pvbackd that has started it",
		        (int)g->child.pid, m->u.hello.version, MSG_VERSION);
		loop_del(&g->sock_src);
		close(take_fd(&g->child.sock));
		loop_timer_stop(g->timer);
		g->worker = WORKER_STRANGER;
		return true;
	}
	if (other) {
		guest_kill(
			g,
			"it is of another version than pvbackd: install both together");
		return true;
	}
	if (g->worker == WORKER_STARTING)
		worker_up(g);
	return true;
}

static bool on_held(struct guest *g, struct device *d, const struct msg *m)
{
	(void)d;
	if (g->worker != WORKER_ADOPTED || !m->nfds)
		return false;
	if (m->dev > g->last_handle)
		g->last_handle = m->dev;
	return dev_held(g, m) == 0;
}

static bool on_all_held(struct guest *g, struct device *d, const struct msg *m)
{
	(void)d;
	(void)m;
	if (g->worker != WORKER_ADOPTED)
		return false;
	worker_up(g);
	return true;
}

static bool on_connected(struct guest *g, struct device *d, const struct msg *m)
{
	(void)g;
	if (d->worker_link != LINK_CONNECTING)
		return false;
	d->worker_link = m->u.result.err ? LINK_NONE : LINK_UP;
	d->served_ns = clock_ns();
	device_worker_event(d,
	                    !m->u.result.err    ? EV_WORKER_READY
	                    : device_retries(d) ? EV_WORKER_LOST
	                                        : EV_WORKER_REFUSED,
	                    m->u.result.text);
	return true;
}

static bool on_disconnected(struct guest *g, struct device *d, const struct msg *m)
{
	(void)g;
	(void)m;
	if (d->worker_link != LINK_DISCONNECTING)
		return false;
	d->worker_link = LINK_NONE;
	if (d->held)
		dev_held_over(d);
	else if (d->renewing)
		renew_drained(d);
	else
		device_worker_event(d, EV_WORKER_DONE, NULL);
	return true;
}

static bool on_failed(struct guest *g, struct device *d, const struct msg *m)
{
	(void)g;
	/* It may cross our DISCONNECT; then it says nothing new. */
	if (d->worker_link == LINK_DISCONNECTING)
		return true;
	if (d->worker_link != LINK_UP)
		return false;
	d->worker_link = LINK_FAILED;
	device_worker_event(d, EV_WORKER_FAILED, m->u.result.text);
	return true;
}

static bool on_updated(struct guest *g, struct device *d, const struct msg *m)
{
	(void)g;
	(void)m;
	if (!d->updating)
		return false;
	d->updating = false;
	/* Not over a FAILED, nor when it is to go. */
	if (d->worker_link == LINK_UP && d->worker_ev == EV_NONE)
		device_worker_event(d, EV_WORKER_UPDATED, NULL);
	return true;
}

static bool on_status(struct guest *g, struct device *d, const struct msg *m)
{
	(void)g;
	if (d->worker_link != LINK_CONNECTING)
		dev_ailing(d, m->u.result.err, m->u.result.text);
	return true;
}

static bool on_crashed(struct guest *g, struct device *d, const struct msg *m)
{
	/* It may say anything. */
	LIST_FOREACH (d, &g->devices, link)
		if (thread_is_of(m->u.crashed.thread, d->tag))
			memcpy(g->crashed, m->u.crashed.thread, sizeof(g->crashed));
	return true;
}

/* What a worker may say; false is a breach of the protocol. */
static const struct {
	bool (*fn)(struct guest *g, struct device *d, const struct msg *m);
	bool of_device;
} handler[MSG_NTYPES] = {
	[MSG_HELLO] = { on_hello, false },
	[MSG_HELD] = { on_held, false },
	[MSG_ALL_HELD] = { on_all_held, false },
	[MSG_CONNECTED] = { on_connected, true },
	[MSG_DISCONNECTED] = { on_disconnected, true },
	[MSG_FAILED] = { on_failed, true },
	[MSG_UPDATED] = { on_updated, true },
	[MSG_STATUS] = { on_status, true },
	[MSG_CRASHED] = { on_crashed, false },
};

static void on_msg(struct guest *g, const struct msg *m)
{
	struct device *d = device_of(g, m->dev);
	char why[64];

	if (handler[m->type].fn && (d || !handler[m->type].of_device) &&
	    handler[m->type].fn(g, d, m))
		return;
	snprintf(why, sizeof(why), "it said %s out of turn", msg_name(m->type));
	guest_kill(g, why);
}

void guest_on_sock(void *arg)
{
	struct guest *g = arg;
	struct msg m;
	int rc = 1;

	for (int i = 0; i < MSG_BATCH && g->sock_src; i++) {
		rc = msg_recv(g->child.sock, MSG_WORKER, &m);
		if (rc <= 0)
			break;
		on_msg(g, &m);
		msg_close_fds(&m);
	}
	if (rc == 0) {
		/* Its exit, which should follow, says why. */
		loop_del(&g->sock_src);
		loop_timer_set(g->timer, GUEST_ANSWER_MS);
	} else if (rc < 0 && rc != -EAGAIN)
		guest_kill(g,
		           rc == -EPROTO ? "it sent what is no message" : strerror(-rc));
}
