/* SPDX-License-Identifier: MIT */
#include "nic.h"

#include "net_stats.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static void *share(struct nic *n, uint32_t count, uint32_t *refs, int writable)
{
	void *p = xengntshr_share_pages(n->w->shr, 0, (int)count, refs, writable);

	assert_non_null(p);
	memset(p, 0xa5, (size_t)count * XEN_PAGE);
	return p;
}

void nic_share(struct nic *n, struct worker *w, uint32_t flags)
{
	uint32_t tx_ref, rx_ref;
	int sv[2];

	memset(n, 0, sizeof(*n));
	n->w = w;
	n->handle = ++w->next_handle;
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv),
		0);
	n->tap = sv[0];
	n->worker_tap[0] = sv[1];
	n->journal = memfd_create("journal", MFD_CLOEXEC);
	assert_true(n->journal >= 0);
	n->port = guest_port(w, &n->xce);
	n->tx = share(n, 1, &tx_ref, 1);
	n->rx = share(n, 1, &rx_ref, 1);
	SHARED_RING_INIT(n->tx);
	SHARED_RING_INIT(n->rx);
	n->pages = share(n, NIC_PAGES, n->refs, 1);
	n->readonly = share(n, 1, &n->readonly_ref, 0);
	n->conf = (struct net_conf){ .flags = flags,
		                     .nqueues = 1,
		                     .queue = { { tx_ref, rx_ref, n->port, 0 } } };
}

void nic_add_queue(struct nic *n, const struct nic *other)
{
	uint32_t i = n->conf.nqueues++;

	assert_true(i < NET_QUEUES_MAX);
	n->conf.queue[i] = other->conf.queue[0];
	n->worker_tap[i] = other->worker_tap[0];
}

int nic_connect(struct nic *n, const char **text)
{
	struct msg_connect c = { .kind = "vif" };
	int fds[1 + NET_QUEUES_MAX + NET_FDS + NET_STEER_FDS] = { stats_create(
		&net_stats_table) };
	uint32_t nfds = 1;

	assert_true(fds[0] >= 0);
	for (uint32_t i = 0; i < NET_QUEUES_MAX && n->worker_tap[i]; i++)
		fds[nfds++] = n->worker_tap[i];
	fds[nfds++] = n->journal;
	for (int i = 0; i < NET_STEER_FDS && n->steer[i]; i++)
		fds[nfds++] = n->steer[i];
	snprintf(c.tag, sizeof(c.tag), "guest %u vif-%u", n->w->domid, n->handle);
	assert_int_equal(msg_send(n->w->sock, MSG_SUPER, MSG_CONNECT, n->handle, &c,
	                          &n->conf, sizeof(n->conf), fds, nfds),
	                 0);
	close(fds[0]);
	return worker_connected(n->w, n->handle, text);
}

static void nic_connects(struct nic *n)
{
	const char *text;

	if (nic_connect(n, &text))
		fail_msg("CONNECTED says: %s", text);
}

void nic_up(struct nic *n, struct worker *w, uint32_t flags)
{
	nic_share(n, w, flags);
	nic_connects(n);
}

void nic_update(struct nic *n)
{
	struct msg m;

	assert_int_equal(msg_send(n->w->sock, MSG_SUPER, MSG_UPDATE, n->handle, NULL,
	                          &n->conf.live, sizeof(n->conf.live), NULL, 0),
	                 0);
	worker_recv(n->w, MSG_UPDATED, &m);
	assert_int_equal(m.dev, n->handle);
}

void nic_disconnect(struct nic *n)
{
	worker_disconnect(n->w, n->handle);
}

void nic_unshare(struct nic *n)
{
	xengntshr_unshare(n->w->shr, n->tx, 1);
	xengntshr_unshare(n->w->shr, n->rx, 1);
	xengntshr_unshare(n->w->shr, n->pages, NIC_PAGES);
	xengntshr_unshare(n->w->shr, n->readonly, 1);
	xenevtchn_close(n->xce);
	close(n->tap);
	close(n->worker_tap[0]);
	close(n->journal);
}

void nic_down(struct nic *n)
{
	nic_disconnect(n);
	nic_unshare(n);
}

int nic_setup(void **state)
{
	const struct nic_rig *rig = *state;

	worker_up(rig->w);
	nic_share(rig->n, rig->w, NIC_ALL);
	if (rig->before)
		rig->before(rig->n);
	nic_connects(rig->n);
	return 0;
}

int nic_teardown(void **state)
{
	const struct nic_rig *rig = *state;

	nic_down(rig->n);
	worker_down(rig->w);
	return 0;
}

const char *nic_failed(struct nic *n)
{
	static struct msg m;

	worker_recv(n->w, MSG_FAILED, &m);
	assert_int_equal(m.dev, n->handle);
	return m.u.result.text;
}

/* ---- Transmit --------------------------------------------------------------------- */

/* The slot of the transmit ring that is put next; counted. */
static struct netif_tx_request *nic_tx(struct nic *n)
{
	union netif_tx_sring_entry *slots =
		(void *)((char *)n->tx + offsetof(struct netif_tx_sring, ring));

	return &slots[n->tx_pushed++ % NIC_RING].req;
}

struct netif_tx_request *nic_put(struct nic *n, uint32_t page, uint32_t off,
                                 uint32_t size, unsigned int flags)
{
	struct netif_tx_request *q = nic_tx(n);

	*q = (struct netif_tx_request){ .gref = n->refs[page],
		                        .offset = (uint16_t)off,
		                        .flags = (uint16_t)flags,
		                        .id = (uint16_t)(0x300 + n->tx_pushed),
		                        .size = (uint16_t)size };
	return q;
}

struct netif_extra_info *nic_put_extra(struct nic *n, uint8_t type, uint8_t flags)
{
	struct netif_extra_info *x = (void *)nic_tx(n);

	memset(x, 0, sizeof(struct netif_tx_request));
	x->type = type;
	x->flags = flags;
	return x;
}

/* As xen/io/ring.h: an event only if it is asked for. */
static void publish(struct nic *n, RING_IDX *prod, const RING_IDX *event, uint32_t to)
{
	uint32_t old = *prod;

	__atomic_store_n(prod, to, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (to - __atomic_load_n(event, __ATOMIC_RELAXED) < to - old)
		xenevtchn_notify(n->xce, n->port);
}

void nic_push(struct nic *n)
{
	publish(n, &n->tx->req_prod, &n->tx->req_event, n->tx_pushed);
}

struct netif_tx_response *nic_tx_rsp(struct nic *n, uint32_t i)
{
	union netif_tx_sring_entry *slots =
		(void *)((char *)n->tx + offsetof(struct netif_tx_sring, ring));

	return &slots[(n->tx_seen + i) % NIC_RING].rsp;
}

/* Sleep until the index is there; the worker notifies if it is asked to. */
static void await(struct nic *n, const RING_IDX *prod, RING_IDX *event, uint32_t want)
{
	uint64_t end = now_ms() + RIG_WAIT_MS;

	for (;;) {
		struct pollfd p = { .fd = xenevtchn_fd(n->xce), .events = POLLIN };
		uint32_t is = __atomic_load_n(prod, __ATOMIC_ACQUIRE);

		if ((int32_t)(is - want) >= 0)
			return;
		__atomic_store_n(event, is + 1, __ATOMIC_SEQ_CST);
		if (__atomic_load_n(prod, __ATOMIC_ACQUIRE) != is)
			continue;
		if (now_ms() > end || poll(&p, 1, RIG_WAIT_MS) != 1) {
			char *log = worker_log(n->w);

			fail_msg("the ring is at %u and was to come to %u; log:\n%s", is,
			         want, log);
		}
		assert_int_equal(xenevtchn_pending(n->xce), n->port);
		xenevtchn_unmask(n->xce, n->port);
	}
}

struct netif_tx_response *nic_answered(struct nic *n, uint32_t want)
{
	struct netif_tx_response *first;

	await(n, &n->tx->rsp_prod, &n->tx->rsp_event, n->tx_seen + want);
	/* No more than that either. */
	assert_true(n->tx->rsp_prod - n->tx_seen <= n->tx_pushed - n->tx_seen);
	first = nic_tx_rsp(n, 0);
	n->tx_seen += want;
	return first;
}

uint32_t nic_arrives(struct nic *n, struct virtio_net_hdr *h, uint8_t *frame)
{
	struct iovec iov[] = { { h, sizeof(*h) }, { frame, 70000 } };
	struct pollfd p = { .fd = n->tap, .events = POLLIN };
	ssize_t len;

	if (poll(&p, 1, RIG_WAIT_MS) != 1) {
		char *log = worker_log(n->w);

		fail_msg("no frame comes; log:\n%s", log);
	}
	len = readv(n->tap, iov, 2);
	assert_true(len > (ssize_t)sizeof(*h));
	return (uint32_t)len - (uint32_t)sizeof(*h);
}

bool nic_silent(struct nic *n)
{
	struct pollfd p = { .fd = n->tap, .events = POLLIN };

	return poll(&p, 1, 0) == 0;
}

/* ---- Receive ---------------------------------------------------------------------- */

static union netif_rx_sring_entry *rx_slot(struct nic *n, uint32_t idx)
{
	union netif_rx_sring_entry *slots =
		(void *)((char *)n->rx + offsetof(struct netif_rx_sring, ring));

	return &slots[idx % NIC_RING];
}

void nic_post(struct nic *n, uint32_t slots)
{
	for (uint32_t i = 0; i < slots; i++, n->rx_posted++)
		rx_slot(n, n->rx_posted)->req = (struct netif_rx_request){
			.id = (uint16_t)(n->rx_posted),
			.gref = n->refs[n->rx_posted % NIC_PAGES]
		};
	publish(n, &n->rx->req_prod, &n->rx->req_event, n->rx_posted);
}

void nic_turn(struct nic *n)
{
	static uint8_t frame[70000];
	struct virtio_net_hdr h = { 0 };

	nic_put(n, 0, 0, 60, 0);
	nic_push(n);
	nic_answered(n, 1);
	nic_arrives(n, &h, frame);
}

const struct virtio_net_hdr nic_gso = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
	                                .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
	                                .gso_size = 1448,
	                                .hdr_len = 54,
	                                .csum_start = 34,
	                                .csum_offset = 16 };

void nic_fill(uint8_t *frame, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		frame[i] = (uint8_t)(i * 13 + i / 256);
}

void nic_inject(struct nic *n, const struct virtio_net_hdr *h, const void *frame,
                uint32_t len)
{
	struct virtio_net_hdr hdr = h ? *h : (struct virtio_net_hdr){ 0 };
	struct iovec iov[] = { { &hdr, sizeof(hdr) }, { (void *)(uintptr_t)frame, len } };

	assert_int_equal(writev(n->tap, iov, 2), sizeof(hdr) + len);
}

uint32_t nic_received(struct nic *n, uint32_t at_least)
{
	await(n, &n->rx->rsp_prod, &n->rx->rsp_event, n->rx_seen + at_least);
	return n->rx->rsp_prod - n->rx_seen;
}

struct netif_rx_response *nic_rx_rsp(struct nic *n, uint32_t idx)
{
	return &rx_slot(n, idx)->rsp;
}

uint8_t *nic_rx_page(struct nic *n, uint32_t idx)
{
	return n->pages + (size_t)(idx % NIC_PAGES) * XEN_PAGE;
}

void nic_holds(struct nic *n, uint32_t idx, const uint8_t *frame, uint32_t len,
               uint32_t headroom, bool extra)
{
	for (uint32_t off = 0, at = headroom, i = 0; off < len; at = 0, i++) {
		uint32_t part = len - off < XEN_PAGE - at ? len - off : XEN_PAGE - at;
		const struct netif_rx_response *r = nic_rx_rsp(n, idx + i);
		const uint8_t *page = nic_rx_page(n, idx + i);

		if (extra && i == 1)
			continue;
		assert_int_equal(r->id, idx + i);
		assert_int_equal(r->offset, at);
		assert_int_equal(r->status, part);
		assert_int_equal(!!(r->flags & NETRXF_more_data), off + part < len);
		assert_memory_equal(page + at, frame + off, part);
		for (uint32_t k = 0; k < at; k++)
			assert_int_equal(page[k], 0xa5);
		off += part;
	}
}

void nic_works(struct nic *n)
{
	static uint8_t frame[70000];
	struct virtio_net_hdr h = { 0 };
	struct netif_tx_request *q = nic_put(n, 3, 100, 1000, 0);
	struct netif_tx_response *a;
	struct netif_rx_response *r;
	uint16_t id = q->id;

	for (uint32_t i = 0; i < 1000; i++)
		n->pages[3 * XEN_PAGE + 100 + i] = (uint8_t)(i + n->tx_pushed);
	nic_push(n);
	a = nic_answered(n, 1);
	assert_int_equal(a->id, id);
	assert_int_equal(a->status, NETIF_RSP_OKAY);
	assert_int_equal(nic_arrives(n, &h, frame), 1000);
	assert_memory_equal(frame, n->pages + 3UL * XEN_PAGE + 100, 1000);
	if (n->rx_posted == n->rx_seen)
		nic_post(n, 1);
	for (uint32_t i = 0; i < 500; i++)
		frame[i] = (uint8_t)(i * 3 + n->rx_posted);
	nic_inject(n, NULL, frame, 500);
	assert_int_equal(nic_received(n, 1), 1);
	r = nic_rx_rsp(n, n->rx_seen);
	assert_int_equal(r->id, (uint16_t)n->rx_seen);
	assert_int_equal(r->status, 500);
	assert_int_equal(r->flags, 0);
	assert_memory_equal(nic_rx_page(n, n->rx_seen), frame, 500);
	n->rx_seen++;
}
