/* SPDX-License-Identifier: MIT */
#include "net_rxq.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static seldom void rxq_captured(const struct net_rxq *q, const struct net_rx_frame *f,
                                const char *what, bool lost, bool loose, uint32_t index)
{
	struct iovec iov = { f->data, f->len };
	struct net_captured c = { .dir = CAPTURE_RX,
		                  .what = what,
		                  .queue = q->nr,
		                  .index = index,
		                  .slots = loose ? 0 : f->slots,
		                  .len = f->len,
		                  .lost = lost,
		                  .loose = loose,
		                  .csum_blank = f->meta.csum_blank,
		                  .validated = f->meta.validated,
		                  .gso_type = f->meta.gso_type,
		                  .gso_size = f->meta.gso_size };

	net_capture_add(q->capture, &c, &iov, 1);
}

static const struct net_loss refused[NET_RX_NCAUSES] = {
	[NET_RX_SIZE] = NET_LOSS(rx_refused_size),
	[NET_RX_GSO] = NET_LOSS(rx_refused_gso),
	[NET_RX_CSUM] = NET_LOSS(rx_refused_csum),
};

/* This guest is not given it. */
static seldom void rxq_lose(struct net_rxq *q, const struct net_rx_frame *f,
                            const struct net_loss *why)
{
	net_loss_add(q->stats, why);
	if (q->capture)
		rxq_captured(q, f, why->name, true, true, 0);
}

#define RX_HDR sizeof(struct virtio_net_hdr)

/* Where the next frame goes, behind @end bytes of the arena. */
static uint8_t *rxq_place(const struct net_rxq *q, size_t end)
{
	return q->arena + (end + RX_HDR + XEN_PAGE - 1) / XEN_PAGE * XEN_PAGE;
}

static uint8_t *rxq_behind(const struct net_rxq *q, const struct net_rx_frame *f)
{
	return rxq_place(q, (size_t)(f->data - q->arena) + f->len);
}

/* Return: bytes of a frame, its header not counted; 0 when there is none. */
static uint32_t rxq_read(struct net_rxq *q, struct virtio_net_hdr *h, uint8_t *data)
{
	/* As much as any frame has, with any headroom. */
	const size_t room = RX_HDR + NET_RX_ROOM - NET_HEADROOM_MAX;
	ssize_t n;

	do {
		n = read(q->tap, data - RX_HDR, room);
	} while (n < 0 && errno == EINTR);
	if (n <= (ssize_t)RX_HDR) {
		q->empty = true;
		q->dead |= n < 0 && errno == EBADFD;
		return 0;
	}
	memcpy(h, data - RX_HDR, RX_HDR);
	return (uint32_t)((size_t)n - RX_HDR);
}

static void rxq_hash(struct net_rxq *q, struct net_rx_frame *f)
{
	f->meta.hashed = net_hash_frame(&q->view.toeplitz, q->view.types, f->data, f->len,
	                                &f->meta.hash, &f->meta.hash_type);
	stats_add(&q->stats->rx_hashed, f->meta.hashed);
}

/* Put the frame that waits for slots where the arena begins. */
static void rxq_put_first(struct net_rxq *q, const struct net_rx_frame *f)
{
	uint8_t *to = rxq_place(q, 0) + f->meta.headroom;

	if (f->data != to)
		memmove(to, f->data, f->len);
	if (f != &q->frame[0])
		q->frame[0] = *f;
	q->frame[0].data = to;
}

/* What the guest wants has changed while it waited. */
static void rxq_relay(struct net_rxq *q)
{
	struct net_rx_frame *f = &q->frame[0];

	if (f->meta.headroom == q->accept.headroom)
		return;
	if (!net_accept_len(&q->accept, f->len)) {
		rxq_lose(q, f, &refused[NET_RX_SIZE]);
		q->nframe = 0;
		return;
	}
	f->meta.headroom = q->accept.headroom;
	f->slots = net_rx_slots(f->len, &f->meta);
	rxq_put_first(q, f);
}

/*
 * Read frames for @have slots, and one more if it is larger than what is left. Return:
 * slots that all but that one take.
 */
static uint32_t rxq_fill(struct net_rxq *q, uint32_t have)
{
	static const struct net_loss filtered = NET_LOSS(rx_filtered);
	uint8_t *data = rxq_place(q, 0);
	uint32_t used = 0;
	uint64_t bytes = 0;

	q->wait = 0;
	if (q->nframe)
		rxq_relay(q);
	if (q->nframe) {
		used = q->frame[0].slots;
		if (used > have)
			return 0;
		data = rxq_behind(q, &q->frame[0]);
	}
	if (q->empty)
		return used;
	/* A bound also for frames that this guest is not given. */
	for (uint32_t reads = q->nframe; used < have && reads < NET_RX_BATCH; reads++) {
		struct net_rx_frame *f = &q->frame[q->nframe];
		struct virtio_net_hdr h;

		/* What waits, waits in the kernel's queue: nothing was copied of it. */
		q->wait = q->allow(q->arg);
		if (q->wait) {
			stats_add(&q->stats->rx_limited, 1);
			break;
		}
		f->data = data + q->accept.headroom;
		f->len = rxq_read(q, &h, f->data);
		if (!f->len)
			break;
		bytes += f->len;
		if (net_vnet_to_rx(&h, &q->accept, f->data, f->len, &f->meta) != V_OK) {
			rxq_lose(q, f, &refused[f->meta.cause]);
			continue;
		}
		if (q->mcast && !net_mcast_pass(q->mcast, f->data)) {
			rxq_lose(q, f, &filtered);
			continue;
		}
		q->went(q->arg, f->len);
		if (q->view.types)
			rxq_hash(q, f);
		f->slots = net_rx_slots(f->len, &f->meta);
		f->since = net_turn_ns(q->now);
		q->nframe++;
		if (f->slots > have - used)
			break;
		used += f->slots;
		data = rxq_behind(q, f);
	}
	net_bound_read(&q->bound, bytes, q->empty);
	return used;
}

/**
 * struct rx_answer - A slot that was taken
 * @id:		Of its request
 * @copy:	Its number in the batch
 */
struct rx_answer {
	uint16_t id;
	uint32_t copy;
};

static uint32_t rxq_copy(struct net_rxq *q, const struct net_rx_frame *f,
                         struct net_rx_slot *slot, struct rx_answer *a)
{
	uint32_t n = net_rx_plan(f->len, &f->meta, slot);

	assert(n == f->slots);
	for (uint32_t i = 0; i < n; i++) {
		struct netif_rx_request req;

		ring_take(&q->ring, &req, sizeof(req));
		a[i].id = req.id;
		if (slot[i].is_extra)
			continue;
		/* The analyzer takes what an atomic load has returned for undefined. */
		a[i].copy = gnt_batch_add( // NOLINT(clang-analyzer-core.CallAndMessage)
			q->batch, GNT_TO_GUEST, req.gref, slot[i].at,
			f->data + slot[i].off, slot[i].len);
	}
	return n;
}

/* @all: no copy of the turn has failed. Return: its data is in the guest. */
static bool rxq_answer(struct net_rxq *q, const struct net_rx_slot *slot,
                       const struct rx_answer *a, bool all)
{
	struct netif_rx_response rsp = { .id = a->id,
		                         .offset = slot->at,
		                         .flags = slot->flags,
		                         .status = (int16_t)slot->len };

	if (slot->is_extra) {
		net_journal_respond(q->journal, &q->ring, &slot->extra,
		                    sizeof(slot->extra));
		return true;
	}
	/* @copy is set for each slot that is no extra, which the analyzer does not see.
	 */
	if (!all && !gnt_batch_ok( // NOLINT(clang-analyzer-core.CallAndMessage)
			    q->batch, a->copy, 1))
		rsp.status = NETIF_RSP_ERROR;
	net_journal_respond(q->journal, &q->ring, &rsp, sizeof(rsp));
	return rsp.status != NETIF_RSP_ERROR;
}

/* @index: of its first slot. */
static void rxq_count(struct net_rxq *q, const struct net_rx_frame *f, bool whole,
                      uint32_t index)
{
	if (q->capture)
		rxq_captured(q, f, whole ? "rx_frames" : "rx_grants", !whole, false,
		             index);
	if (whole) {
		stats_add(&q->stats->rx_frames, 1);
		stats_add(&q->stats->rx_bytes, f->len);
		return;
	}
	stats_add(&q->stats->rx_grants, 1);
	log_guest(&q->limit, q->tag, "frame lost: a slot's grant cannot be copied to");
}

/* One grant copy for all @n frames. */
static void rxq_give(struct net_rxq *q, uint32_t n)
{
	struct net_rx_slot slot[NET_RX_RING];
	struct rx_answer answer[NET_RX_RING];
	uint32_t slots = 0, copies, first = q->ring.req_cons;
	bool all;

	/* The first may have waited for slots; the others were read in this turn. */
	q->given = n;
	q->first_since = q->frame[0].since;

	for (uint32_t i = 0; i < n; i++)
		slots += rxq_copy(q, &q->frame[i], slot + slots, answer + slots);
	stats_add(&q->stats->requests, slots);
	stats_add(&q->stats->answers, slots);
	stats_add(&q->stats->copy_calls, 1);
	copies = gnt_batch_len(q->batch);
	stats_add(&q->stats->copy_segs, copies);
	gnt_batch_run(q->batch);
	all = gnt_batch_ok(q->batch, 0, copies);
	slots = 0;
	for (uint32_t i = 0; i < n; i++) {
		bool whole = true;

		for (uint32_t k = 0; k < q->frame[i].slots; k++, slots++)
			whole &= rxq_answer(q, &slot[slots], &answer[slots], all);
		rxq_count(q, &q->frame[i], whole, first + slots - q->frame[i].slots);
	}
}

/* The frame that found too few slots begins the next batch. */
static void rxq_keep(struct net_rxq *q, uint32_t n)
{
	const struct net_rx_frame *last = &q->frame[n];

	if (n && n < q->nframe)
		rxq_put_first(q, last);
	q->nframe -= n;
}

enum verdict net_rxq_turn(struct net_rxq *q, const char **why)
{
	uint32_t have, used, n = 0;

	if (ring_requests(&q->ring, &have) != V_OK) {
		*why = "the ring's index cannot be: more slots than the ring has";
		return V_FATAL;
	}
	stats_add(&q->stats->rx_full, net_bound_look(&q->bound));
	net_rss_look(q->rss, &q->view);
	used = rxq_fill(q, have);
	for (uint32_t left = used; left; n++)
		left -= q->frame[n].slots;
	if (n)
		rxq_give(q, n);
	rxq_keep(q, n);
	q->have = have - used;
	if (q->nframe)
		stats_add(&q->stats->rx_starved, 1);
	return V_OK;
}

void net_rxq_shown(struct net_rxq *q, uint64_t now)
{
	if (!q->given)
		return;
	hist_add(q->hist, now - q->first_since);
	if (q->given > 1)
		hist_add_many(q->hist, now - *q->now, q->given - 1);
	q->given = 0;
}

bool net_rxq_drop(struct net_rxq *q)
{
	/* What is shorter than the TAP's header gets an error, with the frame gone. */
	uint8_t some[64];
	uint32_t n = q->nframe;

	stats_add(&q->stats->rx_full, net_bound_look(&q->bound));
	q->nframe = 0;
	while (n < NET_STALE_MAX && read(q->tap, some, sizeof(some)) > 0)
		n++;
	net_bound_read(&q->bound, 0, n < NET_STALE_MAX);
	stats_add(&q->stats->rx_expired, n);
	return n;
}
