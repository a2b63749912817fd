/* SPDX-License-Identifier: MIT */
/* The guest's end of the XenStore ring: xen/io/xs_wire.h. */
#include <stdatomic.h>
#include <string.h>

#include "guest.h"

#include <xen/io/xs_wire.h>

_Static_assert(XENSTORE_RING_SIZE == 1024, "indices are masked");

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Bytes up to the end of the ring that are free for requests */
static size_t request_room(const struct xenstore_domain_interface *page)
{
	uint32_t used = page->req_prod - page->req_cons;
	uint32_t at = MASK_XENSTORE_IDX(page->req_prod);

	if (used > XENSTORE_RING_SIZE)
		guest_die("xenstored has broken the ring");
	return min_size(XENSTORE_RING_SIZE - used, XENSTORE_RING_SIZE - at);
}

static bool move_out(struct ring *ring)
{
	struct xenstore_domain_interface *page = ring->page;
	bool moved = false;
	size_t n;

	while ((n = min_size(request_room(page), ring->out.len)) > 0) {
		atomic_thread_fence(memory_order_seq_cst); /* room was seen: now write */
		memcpy(page->req + MASK_XENSTORE_IDX(page->req_prod), ring->out.data, n);
		atomic_thread_fence(memory_order_seq_cst);
		page->req_prod += (uint32_t)n;
		buf_drop(&ring->out, n);
		moved = true;
	}
	return moved;
}

static bool move_in(struct ring *ring)
{
	struct xenstore_domain_interface *page = ring->page;
	bool moved = false;
	uint32_t avail, at;
	size_t n;

	while ((avail = page->rsp_prod - page->rsp_cons) > 0) {
		if (avail > XENSTORE_RING_SIZE)
			guest_die("xenstored has broken the ring");
		at = MASK_XENSTORE_IDX(page->rsp_cons);
		n = min_size(avail, XENSTORE_RING_SIZE - at);
		atomic_thread_fence(memory_order_seq_cst); /* index was seen: now read */
		buf_add(&ring->in, page->rsp + at, n);
		atomic_thread_fence(memory_order_seq_cst);
		page->rsp_cons += (uint32_t)n;
		moved = true;
	}
	return moved;
}

void ring_send(struct ring *ring, const void *data, size_t len)
{
	buf_add(&ring->out, data, len);
}

void ring_move(struct ring *ring)
{
	bool out = move_out(ring), in = move_in(ring);

	atomic_thread_fence(memory_order_seq_cst);
	if (out || in)
		xenevtchn_notify(ring->xce, ring->port);
}
