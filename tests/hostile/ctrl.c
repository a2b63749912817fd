/* SPDX-License-Identifier: MIT */
#include "ctrl.h"

#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void *share(struct worker *w, uint32_t *ref)
{
	void *p = xengntshr_share_pages(w->shr, 0, 1, ref, 1);

	assert_non_null(p);
	memset(p, 0, XEN_PAGE);
	return p;
}

void ctrl_add(struct ctrl *c, struct nic *card)
{
	void *p;

	memset(c, 0, sizeof(*c));
	c->w = card->w;
	c->ring = share(c->w, &c->ring_ref);
	SHARED_RING_INIT(c->ring);
	c->page = share(c->w, &c->page_ref);
	c->port = guest_port(c->w, &c->xce);
	card->conf.ctrl_ref = c->ring_ref;
	card->conf.ctrl_port = c->port;
	card->conf.flags |= NET_STEERED;
	card->steer[NET_STEER_MAP] = memfd_create("map", MFD_CLOEXEC);
	card->steer[NET_STEER_PROG] = memfd_create("program", MFD_CLOEXEC);
	assert_int_equal(ftruncate(card->steer[NET_STEER_MAP], CTRL_MAP_BYTES), 0);
	p = mmap(NULL, CTRL_MAP_BYTES, PROT_READ, MAP_SHARED, card->steer[NET_STEER_MAP],
	         0);
	assert_true(p != MAP_FAILED);
	c->memory = p;
}

void ctrl_drop(struct ctrl *c, struct nic *card)
{
	xengntshr_unshare(c->w->shr, c->ring, 1);
	xengntshr_unshare(c->w->shr, c->page, 1);
	xenevtchn_close(c->xce);
	munmap((void *)(uintptr_t)c->memory, CTRL_MAP_BYTES);
	close(card->steer[NET_STEER_MAP]);
	close(card->steer[NET_STEER_PROG]);
}

union xen_netif_ctrl_sring_entry *ctrl_slot(struct ctrl *c, uint32_t i)
{
	union xen_netif_ctrl_sring_entry *slots =
		(void *)((char *)c->ring + offsetof(struct xen_netif_ctrl_sring, ring));

	return &slots[i % CTRL_RING];
}

void ctrl_put(struct ctrl *c, uint16_t type, uint32_t a, uint32_t b, uint32_t d)
{
	ctrl_slot(c, c->pushed)->req = (struct xen_netif_ctrl_request){
		.id = (uint16_t)(0x8000 + c->pushed), .type = type, .data = { a, b, d }
	};
	c->pushed++;
}

void ctrl_push(struct ctrl *c)
{
	__atomic_store_n(&c->ring->req_prod, c->pushed, __ATOMIC_RELEASE);
	xenevtchn_notify(c->xce, c->port);
}

void ctrl_answered(struct ctrl *c)
{
	uint64_t end = now_ms() + RIG_WAIT_MS;

	for (;;) {
		struct pollfd p = { .fd = xenevtchn_fd(c->xce), .events = POLLIN };
		uint32_t prod = __atomic_load_n(&c->ring->rsp_prod, __ATOMIC_ACQUIRE);

		assert_true(prod - c->seen <= c->pushed - c->seen);
		if (prod == c->pushed)
			return;
		__atomic_store_n(&c->ring->rsp_event, prod + 1, __ATOMIC_SEQ_CST);
		if (__atomic_load_n(&c->ring->rsp_prod, __ATOMIC_ACQUIRE) != prod)
			continue;
		if (now_ms() > end || poll(&p, 1, RIG_WAIT_MS) != 1)
			fail_msg("%u of %u requests are answered; log:\n%s", prod,
			         c->pushed, worker_log(c->w));
		assert_int_equal(xenevtchn_pending(c->xce), c->port);
		xenevtchn_unmask(c->xce, c->port);
	}
}

uint32_t ctrl_ask(struct ctrl *c, uint16_t type, uint32_t a, uint32_t b, uint32_t d)
{
	struct xen_netif_ctrl_response rsp;
	uint16_t id = (uint16_t)(0x8000 + c->pushed);

	ctrl_put(c, type, a, b, d);
	ctrl_push(c);
	ctrl_answered(c);
	rsp = ctrl_slot(c, c->seen++)->rsp;
	assert_int_equal(rsp.id, id);
	assert_int_equal(rsp.type, type);
	return rsp.status;
}
