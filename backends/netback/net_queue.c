/* SPDX-License-Identifier: MIT */
#include "net_queue.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/if_tun.h>

#include "chan.h"
#include "clock.h"
#include "net_keep.h"
#include "net_rxq.h"
#include "net_stall.h"
#include "net_txq.h"

/* A frontend that does not say when it has posted slots is looked at so often. */
#define NET_LOOK_NS 30000000
/* How long a limit is obeyed without a look whether it is another one now. */
#define NET_RATE_NS 50000000
/* Turns before the descriptors are looked at, whatever the rings have. */
#define NET_TURNS   16

enum {
	ON_STOP,
	ON_TX,
	ON_RX,
	ON_TAP,
	NWATCH
};

/**
 * struct net_queue - A pair of rings; after the start its thread's own
 * @taken_up:	Another worker served it before, and died
 * @before:	What had been counted when it was opened
 * @limit:	ns until a frame may go that the rate holds back; 0: none is
 * @received:	Responses on the receive ring, when it was last looked at @stall
 * @now:	When this turn began, when it was first asked; or 0
 * @stopping:	Nothing more is taken
 * @failed:	Nor is it now: the thread waits for the stop
 */
struct net_queue {
	struct net_vif *vif;
	char tag[56];
	int tap;
	void *tx_page, *rx_page;
	struct chan tx_chan, rx_chan;
	struct net_journal *journal;
	struct net_stats *stats;
	struct net_stats before;
	uint64_t limit;
	uint64_t now;
	struct net_stall stall;
	struct net_heed heed;
	uint32_t received;
	bool taken_up;
	bool stopping;
	bool failed;
	struct net_txq tx;
	struct net_rxq rx;
};

static void queue_fail(struct net_queue *q, int err, const char *why)
{
	q->failed = true;
	net_vif_failed(q->vif, err, why);
}

/* When the queue stops, what was taken goes at once. */
static uint64_t queue_at_once(void *arg, uint32_t len)
{
	(void)arg;
	(void)len;
	return 0;
}

/* ---- A turn ----------------------------------------------------------------------- */

static void queue_notify(struct net_queue *q, const struct chan *c)
{
	stats_add(&q->stats->notifies, 1);
	evt_notify(c->evt);
}

/* Return: whether anything was. */
static bool queue_publish(struct net_queue *q)
{
	bool tx = q->tx.ring.rsp_prod != q->tx.ring.rsp_pub;
	bool rx = q->rx.ring.rsp_prod != q->rx.ring.rsp_pub;
	bool tell_tx = net_journal_publish(q->tx.journal, &q->tx.ring);
	bool tell_rx = net_journal_publish(q->rx.journal, &q->rx.ring);

	stats_add(&q->stats->batches, (uint64_t)tx + rx);
	if (tell_tx || (tell_rx && !q->rx_chan.evt))
		queue_notify(q, &q->tx_chan);
	if (tell_rx && q->rx_chan.evt)
		queue_notify(q, &q->rx_chan);
	return tx || rx;
}

/*
 * @first: the descriptors were looked at just now. A TAP that was empty then, or in the
 * turn before this one, is not read again unless the guest has kept us busy meanwhile.
 * Return: there may be more to do at once.
 */
static bool queue_turn(struct net_queue *q, bool first)
{
	const char *why = NULL;
	bool more;

	q->now = 0;
	q->tx.capture = q->rx.capture = net_capture_get(&q->vif->capture);
	if (net_txq_turn(&q->tx, &q->limit, &why) != V_OK)
		queue_fail(q, EPROTO, why);
	q->rx.empty &= first || !net_txq_took(&q->tx);
	if (!q->failed && net_rxq_turn(&q->rx, &why) != V_OK)
		queue_fail(q, EPROTO, why);
	more = queue_publish(q);
	if (more) {
		uint64_t now = clock_ns();

		net_txq_shown(&q->tx, now);
		net_rxq_shown(&q->rx, now);
	}
	net_txq_write(&q->tx);
	if ((q->tx.dead || q->rx.dead) && !q->failed)
		queue_fail(q, EIO, "its TAP is gone: attach the network card anew");
	return more && !q->failed;
}

/* ---- Sleep ------------------------------------------------------------------------ */

static void wait_at_most(int64_t *limit, int64_t ns)
{
	if (ns >= 0 && (*limit < 0 || ns < *limit))
		*limit = ns;
}

static void queue_drop(struct net_queue *q, bool unplug, uint64_t now)
{
	if (!net_rxq_drop(&q->rx)) {
		net_stall_idle(&q->stall, now);
		return;
	}
	net_stall_dropped(&q->stall, unplug, now);
	if (unplug)
		net_vif_stalled(q->vif, q, true);
}

/* A guest that posts too few slots. Return: ns to sleep at most, -1 for no limit. */
static int64_t queue_stall(struct net_queue *q)
{
	bool starved = net_rxq_starved(&q->rx),
	     moved = q->rx.ring.rsp_prod != q->received;
	enum net_stall_do what;
	uint64_t now;

	q->received = q->rx.ring.rsp_prod;
	if (!starved && !q->stall.since)
		return -1;
	now = clock_ns();
	/* It has taken something: what is missing now is missing from now on. */
	if (moved && net_stall_look(&q->stall, false, now) == NET_STALL_ON)
		net_vif_stalled(q->vif, q, false);
	what = net_stall_look(&q->stall, starved, now);
	if (what == NET_STALL_ON)
		net_vif_stalled(q->vif, q, false);
	else if (what != NET_STALL_NOTHING)
		queue_drop(q, what == NET_STALL_OFF, now);
	return net_stall_wait(&q->stall, now);
}

/* Ask for events before sleeping. Return: ns to sleep at most, -1 for no limit. */
static int64_t queue_listen(struct net_queue *q)
{
	bool tx = !q->limit && !net_txq_held(&q->tx);
	int64_t limit = -1;

	wait_at_most(&limit, queue_stall(q));
	wait_at_most(&limit, chan_listen(&q->tx_chan));
	if (q->rx_chan.evt)
		wait_at_most(&limit, chan_listen(&q->rx_chan));
	if (q->limit)
		wait_at_most(&limit,
		             q->limit < NET_RATE_NS ? (int64_t)q->limit : NET_RATE_NS);
	if (q->rx.wait)
		wait_at_most(&limit, q->rx.wait < NET_RATE_NS ? (int64_t)q->rx.wait
		                                              : NET_RATE_NS);
	if (tx && ring_arm(&q->tx.ring))
		return 0;
	if (!net_rxq_starved(&q->rx))
		return limit;
	if (ring_arm_for(&q->rx.ring, q->rx.have))
		return 0;
	if (!(q->vif->conf.flags & NET_RX_NOTIFY))
		wait_at_most(&limit, NET_LOOK_NS);
	return limit;
}

static void queue_watch(const struct net_queue *q, struct pollfd *fd)
{
	short tap = 0;

	for (int i = 0; i < NWATCH; i++)
		fd[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	fd[ON_STOP].fd = q->vif->stop;
	if (q->failed)
		return;
	fd[ON_TX].fd = evt_fd(q->tx_chan.evt);
	if (q->rx_chan.evt)
		fd[ON_RX].fd = evt_fd(q->rx_chan.evt);
	tap |= net_rxq_starved(&q->rx) || q->rx.wait ? 0 : POLLIN;
	tap |= net_txq_held(&q->tx) ? POLLOUT : 0;
	fd[ON_TAP] = (struct pollfd){ .fd = tap ? q->tap : -1, .events = tap };
}

static void queue_event(struct net_queue *q, struct chan *c, uint32_t came)
{
	stats_add(&q->stats->events, 1);
	if (chan_take(c, came, false))
		queue_fail(q, EIO, "the event channel is gone");
}

/* Requests that ever came on a ring; an event without any is for nothing. */
static uint32_t queue_came(const struct ring_back *r)
{
	uint32_t n;

	return ring_requests(r, &n) == V_OK ? r->req_cons + n : r->req_cons;
}

static void queue_wait(struct net_queue *q, bool at_once)
{
	int64_t limit = at_once || q->failed ? 0 : queue_listen(q);
	struct pollfd fd[NWATCH];
	short tap;
	uint32_t tx, rx;
	struct timespec ts;
	int n;

	if (q->failed)
		limit = -1;
	ts = (struct timespec){ limit / 1000000000, limit % 1000000000 };
	queue_watch(q, fd);
	stats_add(&q->stats->sleeps, limit != 0);
	n = ppoll(fd, NWATCH, limit < 0 ? NULL : &ts, NULL);
	tap = fd[ON_TAP].fd < 0 ? 0 : fd[ON_TAP].events;
	q->rx.empty = n >= 0 && tap & POLLIN && !(fd[ON_TAP].revents & ~POLLOUT);
	if (n <= 0)
		return;
	q->stopping = fd[ON_STOP].revents;
	tx = queue_came(&q->tx.ring);
	rx = queue_came(&q->rx.ring);
	if (fd[ON_TX].revents)
		queue_event(q, &q->tx_chan, q->rx_chan.evt ? tx : tx + rx);
	if (fd[ON_RX].revents && !q->failed)
		queue_event(q, &q->rx_chan, rx);
}

/* ---- The thread ------------------------------------------------------------------- */

static void queue_report(const struct net_queue *q)
{
	const struct net_stats *st = q->stats, *old = &q->before;
	char text[ARRAY_SIZE(net_counter_names) * (STATS_NAME + 22)];
	int n = 0;

#define X(name)                                                              \
	n += snprintf(text + n, sizeof(text) - (size_t)n, " " #name "=%llu", \
	              (unsigned long long)(st->name - old->name));
	NET_STATS(X)
#undef X
	log_info(q->tag, "served%s", text);
}

void net_queue_carrier(const struct net_queue *q, int on)
{
	/* A kernel that does not know it has the link up all the time. */
	if (ioctl(q->tap, TUNSETCARRIER, &on))
		log_debug(q->tag, "TUNSETCARRIER: %m");
}

/* Groups that are not known cannot be looked for. */
static void queue_wakes(struct net_queue *q)
{
	const struct net_vif *v = q->vif;
	bool mcast;

	net_heed_wake(&q->heed, &v->lives);
	mcast = atomic_load(&v->lives.mcast) && v->keep->known;
	q->rx.accept.headroom = (uint16_t)atomic_load(&v->lives.headroom);
	q->rx.mcast = mcast ? &v->keep->mcast : NULL;
}

void net_queue_await(const struct net_queue *q)
{
	net_lives_await(&q->vif->lives, &q->heed);
}

void *net_queue_run(void *arg)
{
	struct net_queue *q = arg;
	struct net_vif *v = q->vif;

	if (!net_vif_begins(v))
		return NULL;
	while (!q->stopping) {
		bool more = !q->failed;

		net_journal_busy(q->journal, true);
		queue_wakes(q);
		ring_disarm(&q->tx.ring);
		for (int i = 0; i < NET_TURNS && more; i++)
			more = queue_turn(q, i == 0);
		net_journal_busy(q->journal, false);
		net_heed_sleep(&q->heed);
		queue_wait(q, more);
	}
	/* What was taken is answered; a frame that still waits for the TAP is lost. */
	q->tx.allow = queue_at_once;
	while (!q->failed && !net_txq_idle(&q->tx)) {
		q->tx.written = q->tx.nout;
		queue_turn(q, true);
	}
	queue_report(q);
	net_queue_close(q);
	net_vif_ended(v);
	return NULL;
}

/* ---- Begin and end ---------------------------------------------------------------- */

void net_queue_close(struct net_queue *q)
{
	struct gnt *g;

	if (!q)
		return;
	g = q->vif->dev->gnt;
	evt_close(q->tx_chan.evt);
	evt_close(q->rx_chan.evt);
	if (q->tx_page)
		gnt_unmap(g, q->tx_page, 1);
	if (q->rx_page)
		gnt_unmap(g, q->rx_page, 1);
	gnt_batch_free(q->tx.batch);
	if (q->tx.arena)
		munmap(q->tx.arena, NET_TX_ARENA);
	if (q->rx.arena)
		munmap(q->rx.arena, NET_RX_ARENA);
	if (q->tap >= 0)
		close(q->tap);
	free(q);
}

static int queue_map(struct net_queue *q, struct ring_back *r, uint32_t ref, void **page,
                     size_t slot, char *text, size_t size)
{
	int rc = gnt_map(q->vif->dev->gnt, &ref, 1, true, page);

	if (rc) {
		snprintf(text, size, "cannot map a ring, grant %u: %s", ref,
		         strerror(-rc));
		return rc;
	}
	ring_init(r, *page, XEN_PAGE, slot);
	return 0;
}

static int queue_rings(struct net_queue *q, const struct net_queue_conf *c, char *text,
                       size_t size)
{
	uint32_t domid = q->vif->dev->domid;
	int rc = queue_map(q, &q->tx.ring, c->tx_ref, &q->tx_page,
	                   sizeof(union netif_tx_sring_entry), text, size);

	rc = rc ? rc
	        : queue_map(q, &q->rx.ring, c->rx_ref, &q->rx_page,
	                    sizeof(union netif_rx_sring_entry), text, size);
	rc = rc ? rc
	        : net_journal_attach(q->journal, &q->tx.ring, &q->rx.ring,
	                             q->vif->conf.flags & NET_RESUME, text, size);
	rc = rc ? rc : chan_open(&q->tx_chan, domid, c->tx_port, text, size);
	if (!rc && c->rx_port)
		rc = chan_open(&q->rx_chan, domid, c->rx_port, text, size);
	return rc;
}

static int queue_arena(uint8_t **out, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	               -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	*out = p;
	return 0;
}

/* A turn copies for one ring, then for the other: they share the batch. */
static int queue_memory(struct net_queue *q)
{
	int rc = gnt_batch_new(q->vif->dev->gnt, NET_TX_RING, &q->tx.batch);

	q->rx.batch = q->tx.batch;
	rc = rc ? rc : queue_arena(&q->tx.arena, NET_TX_ARENA);
	return rc ? rc : queue_arena(&q->rx.arena, NET_RX_ARENA);
}

_Static_assert(NET_TX_RING == NET_RX_RING, "one batch for both");

static void queue_init(struct net_queue *q, struct net_vif *v, uint32_t i)
{
	const uint32_t flags = v->conf.flags;

	q->vif = v;
	q->tap = -1;
	if (v->conf.nqueues > 1)
		snprintf(q->tag, sizeof(q->tag), "%s queue %u", v->dev->tag, i);
	else
		snprintf(q->tag, sizeof(q->tag), "%s", v->dev->tag);
	q->tx.tag = q->rx.tag = q->tag;
	q->journal = net_vif_journal(v, i);
	q->taken_up = q->journal->started;
	q->tx.journal = &q->journal->tx;
	q->rx.journal = &q->journal->rx;
	q->stats = (struct net_stats *)stats_counters(v->dev->stats, i);
	/* What was taken and not answered is taken again. */
	q->stats->requests = q->stats->answers;
	q->before = *q->stats;
	q->tx.stats = q->rx.stats = q->stats;
	q->tx.nr = q->rx.nr = i;
	q->tx.now = q->rx.now = &q->now;
	q->tx.hist = stats_hist(v->dev->stats, i, NET_HIST_transmit);
	q->rx.hist = stats_hist(v->dev->stats, i, NET_HIST_receive);
	q->stall.drain = v->conf.drain_ms * 1000000ULL;
	q->stall.after = v->conf.stall_ms * 1000000ULL;
	q->tx.mcast = &v->keep->mcast;
	if (v->conf.spoof.mode != NET_SPOOF_OFF)
		q->tx.spoof = &v->conf.spoof;
	q->tx.allow = net_pass_allow;
	q->rx.allow = net_pass_may_read;
	q->rx.went = net_pass_was_read;
	q->tx.arg = q->rx.arg = &v->pass;
	q->rx.rss = &v->rss;
	if (v->bound)
		net_bound_begin(&q->rx.bound, &v->bound->queue[i]);
	q->rx.accept = (struct net_accept){ .sg = flags & NET_SG,
		                            .csum4 = flags & NET_CSUM4,
		                            .csum6 = flags & NET_CSUM6,
		                            .gso4 = flags & NET_GSO4,
		                            .gso6 = flags & NET_GSO6 };
}

/* The last worker may have died just before it would have. */
static void queue_kick(struct net_queue *q)
{
	queue_notify(q, &q->tx_chan);
	if (q->rx_chan.evt)
		queue_notify(q, &q->rx_chan);
}

int net_queue_open(struct net_vif *v, uint32_t i, int *tap, char *text, size_t text_size)
{
	struct net_queue *q = calloc(1, sizeof(*q));
	int rc;

	if (!q) {
		snprintf(text, text_size, "out of memory for a queue");
		return -ENOMEM;
	}
	queue_init(q, v, i);
	rc = queue_rings(q, &v->conf.queue[i], text, text_size);
	if (!rc) {
		rc = queue_memory(q);
		if (rc)
			snprintf(text, text_size, "no memory for a queue: %s",
			         strerror(-rc));
	}
	if (rc) {
		net_queue_close(q);
		return rc;
	}
	q->tap = q->tx.tap = q->rx.tap = take_fd(tap);
	/* What was for the last connection, and what came before there were all queues:
	 * what comes now may be given another one. */
	if (!q->taken_up)
		net_rxq_drop(&q->rx);
	if (q->taken_up || v->conf.flags & NET_RESUME)
		queue_kick(q);
	v->queue[i] = q;
	return 0;
}
