/* SPDX-License-Identifier: MIT */
#include "net_ctrlq.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "chan.h"
#include "gnt.h"
#include "net_ctrl.h"
#include "net_keep.h"
#include "net_stats.h"

/* Requests of a turn; then they are answered, and the stop is looked at. */
#define CTRL_TURN 32U

/**
 * struct net_ctrlq - A control ring; after the start its thread's own
 * @taken_up:	Another worker served it before, and died or was stopped
 * @conf:	What is in effect
 * @stats:	Those of the first queue, of which no other thread has these counters
 * @copy:	What a grant holds; within a page
 */
struct net_ctrlq {
	struct net_vif *vif;
	void *page;
	struct ring_back ring;
	struct chan chan;
	struct gnt_batch *batch;
	struct net_hash_keep *keep;
	bool taken_up;
	struct net_hash_conf conf;
	struct net_stats *stats;
	struct log_limit limit;
	bool stopping;
	bool failed;
	uint8_t copy[NET_CTRL_COPY] __attribute__((aligned(NET_CTRL_COPY)));
};

_Static_assert(XEN_PAGE % NET_CTRL_COPY == 0, "within a page");

static void ctrl_fail(struct net_ctrlq *q, int err, const char *why)
{
	q->failed = true;
	net_vif_failed(q->vif, err, why);
}

/* ---- A request ------------------------------------------------------------------- */

static const uint8_t *ctrl_copy(struct net_ctrlq *q, uint32_t gref, uint32_t len)
{
	gnt_batch_add(q->batch, GNT_FROM_GUEST, gref, 0, q->copy, len);
	gnt_batch_run(q->batch);
	return gnt_batch_ok(q->batch, 0, 1) ? q->copy : NULL;
}

/* First where it outlives us. */
static void ctrl_take_effect(struct net_ctrlq *q, const struct net_hash_conf *c)
{
	uint32_t next = !q->keep->which;

	if (memcmp(c, &q->conf, sizeof(*c)) == 0)
		return;
	q->conf = *c;
	q->keep->conf[next] = *c;
	__atomic_store_n(&q->keep->which, next, __ATOMIC_RELEASE);
	net_rss_set(&q->vif->rss, c, q->vif->conf.nqueues);
}

static void ctrl_serve(struct net_ctrlq *q, const struct xen_netif_ctrl_request *req)
{
	struct xen_netif_ctrl_response rsp;
	struct net_hash_conf c = q->conf;
	uint32_t len = net_ctrl_ask(req, &c, &rsp);

	if (len)
		net_ctrl_copied(req, ctrl_copy(q, req->data[0], len),
		                q->vif->conf.nqueues, &c, &rsp);
	if (rsp.status == XEN_NETIF_CTRL_STATUS_SUCCESS)
		ctrl_take_effect(q, &c);
	else
		stats_add(&q->stats->ctrl_refused, 1);
	if (!net_ctrl_known(req->type))
		log_guest(&q->limit, q->vif->dev->tag,
		          "its control ring has a request of type %u, which does not "
		          "exist",
		          req->type);
	net_journal_answer(&q->keep->ring, &q->ring, &rsp);
}

static void ctrl_publish(struct net_ctrlq *q)
{
	if (!net_journal_publish(&q->keep->ring, &q->ring))
		return;
	evt_notify(q->chan.evt);
}

/* Return: there may be more to do at once. */
static bool ctrl_turn(struct net_ctrlq *q)
{
	uint32_t n;

	if (ring_requests(&q->ring, &n) != V_OK) {
		ctrl_fail(q, EPROTO,
		          "the control ring's index cannot be: more requests than the "
		          "ring has");
		return false;
	}
	n = n < CTRL_TURN ? n : CTRL_TURN;
	for (uint32_t i = 0; i < n; i++) {
		struct xen_netif_ctrl_request req;

		ring_take(&q->ring, &req, sizeof(req));
		ctrl_serve(q, &req);
	}
	stats_add(&q->stats->ctrl_requests, n);
	ctrl_publish(q);
	return n;
}

/* ---- The thread ------------------------------------------------------------------ */

static void ctrl_wait(struct net_ctrlq *q, bool at_once)
{
	struct pollfd fd[] = { { .fd = q->vif->stop, .events = POLLIN },
		               { .fd = -1, .events = POLLIN } };
	int64_t limit = -1;
	uint32_t came, n;
	struct timespec ts;

	if (!q->failed) {
		fd[1].fd = evt_fd(q->chan.evt);
		limit = at_once ? 0 : chan_listen(&q->chan);
		if (!at_once && ring_arm(&q->ring))
			limit = 0;
	}
	ts = (struct timespec){ limit / 1000000000, limit % 1000000000 };
	if (ppoll(fd, 2, limit < 0 ? NULL : &ts, NULL) <= 0)
		return;
	q->stopping = fd[0].revents;
	if (!fd[1].revents)
		return;
	came = q->ring.req_cons;
	if (ring_requests(&q->ring, &n) == V_OK)
		came += n;
	if (chan_take(&q->chan, came, false))
		ctrl_fail(q, EIO, "the control ring's event channel is gone");
}

void *net_ctrlq_run(void *arg)
{
	struct net_ctrlq *q = arg;
	struct net_vif *v = q->vif;

	if (!net_vif_begins(v))
		return NULL;
	while (!q->stopping)
		ctrl_wait(q, !q->failed && ctrl_turn(q));
	net_ctrlq_close(q);
	net_vif_ended(v);
	return NULL;
}

/* ---- Begin and end --------------------------------------------------------------- */

void net_ctrlq_close(struct net_ctrlq *q)
{
	if (!q)
		return;
	evt_close(q->chan.evt);
	if (q->page)
		gnt_unmap(q->vif->dev->gnt, q->page, 1);
	gnt_batch_free(q->batch);
	free(q);
}

/* The journal of the ring, from the beginning or on; and what is in effect. */
static int ctrl_attach(struct net_ctrlq *q, char *text, size_t size)
{
	const struct net_conf *c = &q->vif->conf;
	struct net_hash_keep *k = q->keep;
	int rc;

	q->taken_up = k->started || c->flags & NET_RESUME;
	if (k->started)
		rc = net_journal_go_on(&k->ring, &q->ring, text, size);
	else
		rc = net_journal_begin(&k->ring, &q->ring, c->flags & NET_RESUME, text,
		                       size);
	if (rc)
		return rc;
	__atomic_store_n(&k->started, 1, __ATOMIC_RELEASE);
	q->conf = k->conf[k->which & 1];
	if (net_hash_conf_ok(&q->conf, c->nqueues))
		return 0;
	snprintf(text, size, "the journal holds a hash that cannot be");
	return -EPROTO;
}

static int ctrl_ring(struct net_ctrlq *q, char *text, size_t size)
{
	const struct wdev *d = q->vif->dev;
	const struct net_conf *c = &q->vif->conf;
	int rc = gnt_map(d->gnt, &c->ctrl_ref, 1, true, &q->page);

	if (rc) {
		snprintf(text, size, "cannot map the control ring, grant %u: %s",
		         c->ctrl_ref, strerror(-rc));
		return rc;
	}
	ring_init(&q->ring, q->page, XEN_PAGE, sizeof(union xen_netif_ctrl_sring_entry));
	rc = ctrl_attach(q, text, size);
	rc = rc ? rc : chan_open(&q->chan, d->domid, c->ctrl_port, text, size);
	if (rc)
		return rc;
	rc = gnt_batch_new(d->gnt, 1, &q->batch);
	if (rc)
		snprintf(text, size, "no memory for the control ring: %s", strerror(-rc));
	return rc;
}

int net_ctrlq_open(struct net_vif *v, char *text, size_t text_size)
{
	struct net_ctrlq *q = aligned_alloc(NET_CTRL_COPY, sizeof(*q));
	int rc;

	if (!q) {
		snprintf(text, text_size, "out of memory for the control ring");
		return -ENOMEM;
	}
	memset(q, 0, sizeof(*q));
	q->vif = v;
	q->keep = &v->keep->hash;
	q->stats = (struct net_stats *)stats_counters(v->dev->stats, 0);
	rc = ctrl_ring(q, text, text_size);
	if (rc) {
		net_ctrlq_close(q);
		return rc;
	}
	net_rss_set(&v->rss, &q->conf, v->conf.nqueues);
	/* The last worker may have died just before it would have. */
	if (q->taken_up)
		evt_notify(q->chan.evt);
	v->ctrl = q;
	return 0;
}
