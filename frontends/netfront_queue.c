/* SPDX-License-Identifier: MIT */
#include "netfront_queue.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "log.h"

/* ---- Begin and end ---------------------------------------------------------------- */

static int share(struct netfront_queue *q, unsigned int n, bool writable, uint32_t *refs,
                 uint8_t **out)
{
	void *p = NULL;
	int rc = front_chan_share(&q->chan[0], n, writable, refs, &p);

	if (rc)
		log_err(q->tag, "cannot grant %u pages: %s", n, strerror(-rc));
	*out = p;
	return rc;
}

int netfront_queue_share(struct netfront_queue *q, uint32_t backend, uint16_t first_id)
{
	int rc = front_chan_open(&q->chan[0], backend, q->tag);

	q->error = 0;
	if (!rc && q->split)
		rc = front_chan_open(&q->chan[1], backend, q->tag);
	rc = rc ? rc : share(q, 2, true, q->ring_ref, &q->ring);
	rc = rc ? rc : share(q, NETFRONT_RING, false, q->tx_ref, &q->tx_buf);
	rc = rc ? rc : share(q, NETFRONT_RING, true, q->rx_ref, &q->rx_buf);
	if (rc)
		return rc;
	netfront_tx_init(&q->tx, q->ring, first_id);
	netfront_rx_init(&q->rx, q->ring + XEN_PAGE);
	return 0;
}

void netfront_queue_post(struct netfront_queue *q, unsigned int rx_slots)
{
	for (unsigned int i = 0; i < rx_slots; i++)
		netfront_rx_post(&q->rx, q->rx_ref);
	netfront_rx_push(&q->rx);
}

void netfront_queue_unshare(struct netfront_queue *q)
{
	q->stats = netfront_queue_stats(q);
	q->tx.errors = 0;
	front_chan_unshare(&q->chan[0], q->ring, 2);
	front_chan_unshare(&q->chan[0], q->tx_buf, NETFRONT_RING);
	front_chan_unshare(&q->chan[0], q->rx_buf, NETFRONT_RING);
	q->ring = q->tx_buf = q->rx_buf = NULL;
	for (int i = 0; i < 2; i++) {
		front_chan_close(&q->chan[i]);
		q->chan[i] = (struct front_chan){ 0 };
	}
}

static struct front_chan *rx_chan(struct netfront_queue *q)
{
	return &q->chan[q->split];
}

uint32_t netfront_queue_rx_port(const struct netfront_queue *q)
{
	return q->chan[q->split].port;
}

struct netfront_stats netfront_queue_stats(const struct netfront_queue *q)
{
	struct netfront_stats s = q->stats;

	s.tx_errors += q->tx.errors;
	for (int i = 0; i < 2; i++) {
		s.notifies += q->chan[i].sent;
		s.events += q->chan[i].received;
	}
	return s;
}

static int queue_disable(struct netfront_queue *q, int error, const char *why)
{
	log_err(q->tag, "%s: disabled for further use", why);
	q->error = error;
	return error;
}

/* ---- Frames ----------------------------------------------------------------------- */

static int queue_reap(struct netfront_queue *q)
{
	char why[256];

	if (q->error || netfront_tx_reap(&q->tx, why, sizeof(why)) == 0)
		return q->error;
	return queue_disable(q, -EPROTO, why);
}

uint32_t netfront_room(struct netfront_queue *q)
{
	return queue_reap(q) ? 0 : netfront_tx_room(&q->tx);
}

static void send_slot(struct netfront_queue *q, const void *data,
                      const struct netfront_cut *at, uint32_t size, unsigned int flags)
{
	uint16_t id = netfront_tx_id(&q->tx);
	struct netif_tx_request req = { .gref = q->tx_ref[id],
		                        .offset = at->off,
		                        .flags = (uint16_t)flags,
		                        .id = (uint16_t)(id + q->tx.first_id),
		                        .size = (uint16_t)size };

	if (data)
		memcpy(q->tx_buf + (size_t)id * XEN_PAGE + at->off, data, at->len);
	netfront_tx_put(&q->tx, &req);
}

static unsigned int meta_flags(const struct netfront_meta *m)
{
	return (m->csum_blank ? NETTXF_csum_blank | NETTXF_data_validated : 0U) |
	       (m->validated ? NETTXF_data_validated : 0U) |
	       (m->gso_type ? NETTXF_extra_info : 0U);
}

/* The last of several extras of a type is the one that counts. */
static void send_extras(struct netfront_queue *q, const struct netfront_meta *m,
                        bool twice)
{
	struct netif_extra_info x = { .type = XEN_NETIF_EXTRA_TYPE_GSO,
		                      .flags = XEN_NETIF_EXTRA_FLAG_MORE,
		                      .u.gso = { .size = 8, .type = m->gso_type } };

	if (twice)
		netfront_tx_put_extra(&q->tx, &x);
	x.flags = 0;
	x.u.gso.size = m->gso_size;
	netfront_tx_put_extra(&q->tx, &x);
}

void netfront_fill(struct netfront_queue *q, const void *frame, uint32_t len)
{
	for (uint32_t i = 0; i < NETFRONT_RING; i++)
		memcpy(q->tx_buf + (size_t)i * XEN_PAGE, frame,
		       len < XEN_PAGE ? len : XEN_PAGE);
}

void netfront_lay(struct netfront_layout *l, uint32_t len, uint32_t first)
{
	uint32_t part = first && first < len ? first : len < XEN_PAGE ? len : XEN_PAGE;

	l->n = 0;
	l->twice = false;
	do {
		l->cut[l->n++] = (struct netfront_cut){ 0, (uint16_t)part };
		len -= part;
		part = len < XEN_PAGE ? len : XEN_PAGE;
	} while (len);
}

int netfront_send(struct netfront_queue *q, const struct netfront_meta *m,
                  const void *frame, uint32_t len, const struct netfront_layout *layout)
{
	struct netfront_layout plain;
	const uint8_t *p = frame;
	uint32_t extras = m->gso_type ? 1U : 0U;

	assert(len && len <= UINT16_MAX);
	if (!layout) {
		netfront_lay(&plain, len, 0);
		layout = &plain;
	}
	extras += extras && layout->twice;
	if (queue_reap(q))
		return q->error;
	if (netfront_tx_room(&q->tx) < layout->n + extras)
		return -EAGAIN;
	for (uint32_t i = 0; i < layout->n; i++) {
		const struct netfront_cut *at = &layout->cut[i];
		unsigned int more = i + 1 < layout->n ? NETTXF_more_data : 0;

		send_slot(q, p, at, i ? at->len : len, more | (i ? 0 : meta_flags(m)));
		if (!i && extras)
			send_extras(q, m, extras > 1);
		p += p ? at->len : 0;
	}
	assert(!p || p == (const uint8_t *)frame + len);
	q->stats.tx_frames++;
	return 0;
}

int netfront_group(struct netfront_queue *q, const uint8_t mac[6], bool listen)
{
	const struct netfront_cut none = { 0 };
	struct netif_extra_info x = { .type = listen ? XEN_NETIF_EXTRA_TYPE_MCAST_ADD
		                                     : XEN_NETIF_EXTRA_TYPE_MCAST_DEL };

	if (queue_reap(q))
		return q->error;
	if (netfront_tx_room(&q->tx) < 2)
		return -EAGAIN;
	memcpy(x.u.mcast.addr, mac, sizeof(x.u.mcast.addr));
	send_slot(q, mac, &none, 0, NETTXF_extra_info);
	netfront_tx_put_extra(&q->tx, &x);
	return 0;
}

/* Copy the frame out, give its slots back. */
static bool frame_take(struct netfront_queue *q, const struct netfront_frame *f,
                       uint8_t *out)
{
	bool good = !f->bad && f->len <= NETFRONT_FRAME_MAX;

	for (uint32_t i = 0; i < f->nparts && good; i++) {
		const struct netfront_part *p = &f->part[i];

		memcpy(out, q->rx_buf + (size_t)p->id * XEN_PAGE + p->off, p->len);
		out += p->len;
	}
	for (uint32_t i = 0; i < f->slots; i++)
		netfront_rx_post(&q->rx, q->rx_ref);
	if (good)
		q->stats.rx_frames++;
	else
		q->stats.rx_errors++;
	return good;
}

int netfront_recv(struct netfront_queue *q, struct netfront_meta *m, void *frame)
{
	struct netfront_frame f;
	char why[256];
	int rc;

	if (q->error)
		return q->error;
	while ((rc = netfront_rx_take(&q->rx, &f, why, sizeof(why))) == 1)
		if (frame_take(q, &f, frame)) {
			*m = f.meta;
			return (int)f.len;
		}
	return rc ? queue_disable(q, rc, why) : 0;
}

/* ---- Events ----------------------------------------------------------------------- */

static void chan_notify(struct netfront_queue *q, struct front_chan *c)
{
	int rc = front_chan_notify(c);

	if (rc)
		queue_disable(q, rc, strerror(-rc));
}

void netfront_kick(struct netfront_queue *q)
{
	bool tx, rx;

	if (q->error)
		return;
	tx = netfront_tx_push(&q->tx);
	rx = netfront_rx_push(&q->rx) && q->rx_notify;
	if (tx || (rx && !q->split))
		chan_notify(q, &q->chan[0]);
	if (rx && q->split && !q->error)
		chan_notify(q, rx_chan(q));
}

bool netfront_queue_watch(struct netfront_queue *q, struct pollfd *fd)
{
	for (int i = 0; i < NETFRONT_QUEUE_FDS; i++)
		fd[i] = (struct pollfd){ .fd = i && !q->split
			                               ? -1
			                               : front_chan_fd(&q->chan[i]),
			                 .events = POLLIN };
	return netfront_rx_arm(&q->rx) || netfront_tx_arm(&q->tx);
}

int netfront_queue_events(struct netfront_queue *q, const struct pollfd *fd)
{
	int rc = 0;

	for (int i = 0; i < NETFRONT_QUEUE_FDS && !rc; i++)
		if (fd[i].revents)
			rc = front_chan_event(&q->chan[i]);
	return rc ? queue_disable(q, rc, "its event channel fails") : 0;
}
