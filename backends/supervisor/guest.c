/* SPDX-License-Identifier: MIT */
#include "guest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "dev_stats.h"
#include "device.h"
#include "domain.h"
#include "loop.h"
#include "msg.h"
#include "super.h"

/* A worker has so long to say HELLO, to answer a CONNECT, and to go. */
#define ANSWER_MS   10000
/* So long a DISCONNECT may take before it is worth a line: storage may be slow. */
#define DRAIN_MS    30000
/* Messages taken from one worker before the next one gets its turn. */
#define MSG_BATCH   16
/* Lines in 10 seconds about workers that end. */
#define GUEST_LINES 20

/* ---- The guest -------------------------------------------------------------------- */

static void on_timer(void *arg);
static void on_sock(void *arg);
static void on_log(void *arg);
static void on_end(void *arg);

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
	if (loop_add_timer(s->loop, on_timer, g, &g->timer)) {
		free(g);
		return NULL;
	}
	LIST_INSERT_HEAD(&s->guests, g, link);
	guest_check(g);
	return g;
}

void guest_put(struct guest *g)
{
	if (!LIST_EMPTY(&g->devices) || g->worker != WORKER_NONE)
		return;
	loop_del(&g->timer);
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

/* ---- The worker's process -----------------------------------------------------------
 */

bool guest_worker_up(const struct guest *g)
{
	return g->worker == WORKER_UP;
}

static int worker_watch(struct guest *g)
{
	struct loop *l = g->super->loop;
	int rc = loop_add_fd(l, g->child.sock, on_sock, g, &g->sock_src);

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

static int worker_start(struct guest *g)
{
	int rc = child_start(g->super->conf->worker, g->domid, &g->child);

	if (rc) {
		log_err(g->tag, "%s cannot be started: %s", g->super->conf->worker,
		        strerror(-rc));
		return rc;
	}
	rc = worker_watch(g);
	if (rc) {
		char how[64];

		worker_unwatch(g);
		child_kill(&g->child);
		child_reap(&g->child, how, sizeof(how));
		return rc;
	}
	g->worker = WORKER_STARTING;
	g->why[0] = 0;
	loop_timer_set(g->timer, ANSWER_MS);
	log_debug(g->tag, "worker is process %d", (int)g->child.pid);
	return 0;
}

int guest_want_worker(struct guest *g)
{
	/* One that is about to end is succeeded when it has ended. */
	return g->worker == WORKER_NONE ? worker_start(g) : 0;
}

void guest_kill(struct guest *g, const char *why)
{
	if (g->worker == WORKER_NONE || g->worker == WORKER_KILLED)
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

/* What the worker held ended with it. */
static void worker_tell_end(struct guest *g, const char *how)
{
	struct device *d;
	char text[256];

	snprintf(text, sizeof(text),
	         "the guest's worker ended (%s): the guest has to connect anew", how);
	LIST_FOREACH (d, &g->devices, link)
		if (device_needs_worker(d)) {
			d->worker_link = LINK_NONE;
			device_worker_event(d, EV_WORKER_DIED, text);
		}
}

static bool worker_is_wanted(const struct guest *g)
{
	const struct device *d;

	LIST_FOREACH (d, &g->devices, link)
		if (device_needs_worker(d))
			return true;
	return false;
}

static void on_end(void *arg)
{
	struct guest *g = arg;
	bool leaving = g->worker == WORKER_LEAVING, good;
	pid_t pid = g->child.pid;
	char how[64];

	/* Its last words first. */
	while (g->log_src && relay_read(&g->relay, g->child.log) > 0)
		;
	worker_unwatch(g);
	good = child_reap(&g->child, how, sizeof(how));
	g->worker = WORKER_NONE;
	if (leaving && good)
		log_debug(g->tag, "worker %d has ended", (int)pid);
	else if (log_allowed(&g->limit, GUEST_LINES, g->tag))
		log_err(g->tag, "worker %d has ended: %s", (int)pid, how);
	/* A device that came while the last worker was leaving has waited for the next.
	 */
	if (!leaving || (worker_is_wanted(g) && worker_start(g)))
		worker_tell_end(g, g->why[0] ? g->why : how);
	super_wake(g->super);
}

void guest_idle(struct guest *g)
{
	if ((g->worker != WORKER_STARTING && g->worker != WORKER_UP) ||
	    worker_is_wanted(g))
		return;
	/* End of file tells it to go. */
	loop_del(&g->sock_src);
	close(take_fd(&g->child.sock));
	g->worker = WORKER_LEAVING;
	loop_timer_set(g->timer, ANSWER_MS);
}

static void on_log(void *arg)
{
	struct guest *g = arg;

	if (relay_read(&g->relay, g->child.log) < 0)
		loop_del(&g->log_src);
}

/* ---- What supervisor and worker say to each other -------------------------------------
 */

int guest_connect(struct guest *g, struct device *d)
{
	struct msg_connect m = { 0 };
	int fds[MSG_FDS_MAX], rc = dev_stats_open(d);

	if (rc)
		return rc;
	fds[0] = d->stats;
	memcpy(fds + 1, d->conf.fds, d->conf.nfds * sizeof(fds[0]));
	d->handle = ++g->last_handle;
	snprintf(m.kind, sizeof(m.kind), "%s", d->ops->kind);
	snprintf(m.tag, sizeof(m.tag), "%s", d->tag);
	rc = msg_send(g->child.sock, MSG_SUPER, MSG_CONNECT, d->handle, &m, d->conf.blob,
	              d->conf.len, fds, d->conf.nfds + 1);
	if (rc)
		return rc;
	d->worker_link = LINK_CONNECTING;
	loop_timer_set(g->timer, ANSWER_MS);
	return 0;
}

void guest_disconnect(struct guest *g, struct device *d)
{
	int rc;

	if (d->worker_link == LINK_NONE || g->worker != WORKER_UP)
		return;
	rc = msg_send(g->child.sock, MSG_SUPER, MSG_DISCONNECT, d->handle, NULL, NULL, 0,
	              NULL, 0);
	d->worker_link = LINK_DISCONNECTING;
	loop_timer_set(g->timer, DRAIN_MS);
	if (rc)
		guest_kill(g, rc == -EAGAIN ? "it does not read its messages"
		                            : "its socket is closed");
}

static struct device *device_of(const struct guest *g, uint32_t handle)
{
	struct device *d;

	LIST_FOREACH (d, &g->devices, link)
		if (d->worker_link != LINK_NONE && d->handle == handle)
			return d;
	return NULL;
}

static bool on_hello(struct guest *g, struct device *d, const struct msg *m)
{
	(void)d;
	if (g->worker != WORKER_STARTING || m->u.hello.domid != g->domid)
		return false;
	if (m->u.hello.version != MSG_VERSION) {
		guest_kill(
			g,
			"it is of another version than pvbackd: install both together");
		return true;
	}
	g->worker = WORKER_UP;
	loop_timer_stop(g->timer);
	super_queue_guest(g->super, g);
	return true;
}

static bool on_connected(struct guest *g, struct device *d, const struct msg *m)
{
	(void)g;
	if (d->worker_link != LINK_CONNECTING)
		return false;
	d->worker_link = m->u.result.err ? LINK_NONE : LINK_UP;
	device_worker_event(d, m->u.result.err ? EV_WORKER_REFUSED : EV_WORKER_READY,
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

/* What a worker may say; false is a breach of the protocol. */
static const struct {
	bool (*fn)(struct guest *g, struct device *d, const struct msg *m);
	bool of_device;
} handler[MSG_NTYPES] = {
	[MSG_HELLO] = { on_hello, false },
	[MSG_CONNECTED] = { on_connected, true },
	[MSG_DISCONNECTED] = { on_disconnected, true },
	[MSG_FAILED] = { on_failed, true },
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

static void on_sock(void *arg)
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
		loop_timer_set(g->timer, ANSWER_MS);
	} else if (rc < 0 && rc != -EAGAIN)
		guest_kill(g,
		           rc == -EPROTO ? "it sent what is no message" : strerror(-rc));
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

	if (g->worker == WORKER_STARTING)
		guest_kill(g, "it does not say HELLO");
	else if (g->worker == WORKER_LEAVING)
		guest_kill(g, "it does not end, though nothing is left for it to do");
	else if (!g->sock_src)
		guest_kill(g, "it has closed its socket and does not end");
	else if (awaits(g, LINK_CONNECTING))
		guest_kill(g, "it does not answer CONNECT");
	else if (awaits(g, LINK_DISCONNECTING)) {
		log_warn(g->tag,
		         "worker %d still waits for requests to end: is the storage "
		         "stuck?",
		         (int)g->child.pid);
		loop_timer_set(g->timer, DRAIN_MS);
	}
}
