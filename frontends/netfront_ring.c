/* SPDX-License-Identifier: MIT */
#include "netfront_ring.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "front_ring.h"

_Static_assert(__CONST_RING_SIZE(netif_tx, XEN_PAGE) == NETFRONT_RING, "ring size");
_Static_assert(__CONST_RING_SIZE(netif_rx, XEN_PAGE) == NETFRONT_RING, "ring size");

/* ---- Transmit --------------------------------------------------------------------- */

void netfront_tx_init(struct netfront_tx *r, void *page, uint16_t first_id)
{
	netif_tx_sring_t *sring = page;

	SHARED_RING_INIT(sring);
	*r = (struct netfront_tx){
		.front = { .nr_ents = NETFRONT_RING, .sring = sring },
		.first_id = first_id,
	};
	while (r->nfree < NETFRONT_RING) {
		r->free[r->nfree] = (uint16_t)(NETFRONT_RING - 1 - r->nfree);
		r->nfree++;
	}
}

uint32_t netfront_tx_room(const struct netfront_tx *r)
{
	return RING_FREE_REQUESTS(&r->front);
}

uint16_t netfront_tx_id(struct netfront_tx *r)
{
	uint16_t id;

	assert(r->nfree);
	id = r->free[--r->nfree];
	r->busy[id] = true;
	return id;
}

void netfront_tx_put(struct netfront_tx *r, const struct netif_tx_request *req)
{
	assert(!RING_FULL(&r->front));
	*RING_GET_REQUEST(&r->front, r->front.req_prod_pvt) = *req;
	r->front.req_prod_pvt++;
}

void netfront_tx_put_extra(struct netfront_tx *r, const struct netif_extra_info *extra)
{
	struct netif_tx_request slot = { 0 };

	memcpy(&slot, extra, sizeof(*extra));
	netfront_tx_put(r, &slot);
	r->extras++;
}

bool netfront_tx_push(struct netfront_tx *r)
{
	return front_ring_push(r);
}

static const char *tx_fault(struct netfront_tx *r, const struct netif_tx_response *rsp)
{
	if (rsp->status == NETIF_RSP_NULL)
		return r->extras ? NULL : "answers an extra that was not put";
	if (rsp->id >= NETFRONT_RING)
		return "answers an unknown id";
	if (!r->busy[rsp->id])
		return "answers an id for the second time";
	if (rsp->status != NETIF_RSP_OKAY && rsp->status != NETIF_RSP_ERROR &&
	    rsp->status != NETIF_RSP_DROPPED)
		return "has a status that does not exist";
	return NULL;
}

static void tx_answered(struct netfront_tx *r, const struct netif_tx_response *rsp)
{
	if (rsp->status == NETIF_RSP_NULL) {
		r->extras--;
		return;
	}
	r->busy[rsp->id] = false;
	r->free[r->nfree++] = rsp->id;
	r->errors += rsp->status != NETIF_RSP_OKAY;
}

int netfront_tx_reap(struct netfront_tx *r, char *why, size_t why_size)
{
	RING_IDX prod = __atomic_load_n(&r->front.sring->rsp_prod, __ATOMIC_ACQUIRE);

	if (prod - r->front.rsp_cons > r->pushed - r->front.rsp_cons) {
		snprintf(why, why_size,
		         "more responses than requests on the transmit ring: rsp_prod %u "
		         "is beyond req_prod %u",
		         prod, r->pushed);
		return -EPROTO;
	}
	for (; r->front.rsp_cons != prod; r->front.rsp_cons++) {
		struct netif_tx_response rsp;
		const char *fault;

		memcpy(&rsp, RING_GET_RESPONSE(&r->front, r->front.rsp_cons),
		       sizeof(rsp));
		/* The copy is what is judged, whatever becomes of the page. */
		__asm__ volatile("" ::: "memory");
		rsp.id = (uint16_t)(rsp.id - r->first_id);
		fault = tx_fault(r, &rsp);
		if (fault) {
			snprintf(why, why_size,
			         "transmit response %u %s: id %u, status %d",
			         r->front.rsp_cons, fault, rsp.id, rsp.status);
			return -EPROTO;
		}
		tx_answered(r, &rsp);
	}
	return 0;
}

bool netfront_tx_arm(struct netfront_tx *r)
{
	netif_tx_sring_t *sring = r->front.sring;
	RING_IDX cons = r->front.rsp_cons;

	if (r->pushed == cons)
		return false;
	sring->rsp_event = cons + ((r->pushed - cons) >> 1) + 1;
	xen_mb();
	return __atomic_load_n(&sring->rsp_prod, __ATOMIC_ACQUIRE) != cons;
}

/* ---- Receive ---------------------------------------------------------------------- */

void netfront_rx_init(struct netfront_rx *r, void *page)
{
	netif_rx_sring_t *sring = page;

	SHARED_RING_INIT(sring);
	*r = (struct netfront_rx){
		.front = { .nr_ents = NETFRONT_RING, .sring = sring },
	};
}

void netfront_rx_post(struct netfront_rx *r, const uint32_t *ref)
{
	RING_IDX at = r->front.req_prod_pvt++;
	uint16_t id = at % NETFRONT_RING;

	*RING_GET_REQUEST(&r->front, at) =
		(struct netif_rx_request){ .id = id, .gref = ref[id] };
}

bool netfront_rx_push(struct netfront_rx *r)
{
	return front_ring_push(r);
}

static const char *rx_gso(struct netfront_meta *m, const struct netif_extra_info *x)
{
	if (m->gso_type || m->hashed || !x->u.gso.size ||
	    (x->u.gso.type != XEN_NETIF_GSO_TYPE_TCPV4 &&
	     x->u.gso.type != XEN_NETIF_GSO_TYPE_TCPV6))
		return "is an extra that is no segmentation";
	m->gso_type = x->u.gso.type;
	m->gso_size = x->u.gso.size;
	return NULL;
}

static const char *rx_hash(struct netfront_meta *m, const struct netif_extra_info *x)
{
	if (m->hashed || x->u.hash.type > _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP ||
	    x->u.hash.algorithm != XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ)
		return "is an extra that is no hash";
	m->hashed = true;
	m->hash_type = x->u.hash.type;
	memcpy(&m->hash, x->u.hash.value, sizeof(m->hash));
	return NULL;
}

void netfront_rx_headroom(struct netfront_rx *r, uint16_t bytes)
{
	r->was = r->headroom;
	r->headroom = bytes;
	r->either = true;
}

void netfront_rx_settled(struct netfront_rx *r)
{
	r->since = __atomic_load_n(&r->front.sring->rsp_prod, __ATOMIC_ACQUIRE);
	r->either = false;
}

static const char *rx_xdp(struct netfront_frame *f, const struct netif_extra_info *x)
{
	struct netif_extra_xdp xdp;

	memcpy(&xdp, x, sizeof(xdp));
	if (f->headroom || !xdp.headroom)
		return "is an extra that is no headroom";
	f->headroom = xdp.headroom;
	return NULL;
}

static const char *rx_extra(struct netfront_frame *f, const struct netif_extra_info *x)
{
	switch (x->type) {
	case XEN_NETIF_EXTRA_TYPE_GSO:
		return rx_gso(&f->meta, x);
	case XEN_NETIF_EXTRA_TYPE_HASH:
		return rx_hash(&f->meta, x);
	case XEN_NETIF_EXTRA_TYPE_XDP:
		return rx_xdp(f, x);
	default:
		return "is an extra of a type that no frontend takes";
	}
}

/* One response, an extra or a part of the frame; @more: another slot is to come. */
static const char *rx_slot(struct netfront_rx *r, struct netfront_frame *f, bool *extra,
                           bool *more)
{
	RING_IDX at = r->front.rsp_cons + f->slots;
	struct netif_rx_response rsp;
	struct netif_extra_info x;

	memcpy(&rsp, RING_GET_RESPONSE(&r->front, at), sizeof(rsp));
	__asm__ volatile("" ::: "memory");
	f->slots++;
	if (*extra) {
		memcpy(&x, &rsp, sizeof(x));
		*extra = x.flags & XEN_NETIF_EXTRA_FLAG_MORE;
		return rx_extra(f, &x);
	}
	if (rsp.id != at % NETFRONT_RING)
		return "does not stand where its request stood";
	if (rsp.status > 0 && (uint32_t)rsp.offset + (uint32_t)rsp.status > XEN_PAGE)
		return "has more data than a page";
	if (f->nparts == XEN_NETIF_NR_SLOTS_MIN)
		return "is of a frame of too many slots";
	if (!f->nparts) {
		f->meta.csum_blank = rsp.flags & NETRXF_csum_blank;
		f->meta.validated = rsp.flags & NETRXF_data_validated;
		*extra = rsp.flags & NETRXF_extra_info;
	}
	f->bad |= rsp.status <= 0;
	f->part[f->nparts++] =
		(struct netfront_part){ rsp.id, rsp.offset,
		                        rsp.status > 0 ? (uint16_t)rsp.status : 0 };
	f->len += f->part[f->nparts - 1].len;
	*more = rsp.flags & NETRXF_more_data;
	return NULL;
}

/* What holds for the frame as a whole. */
static const char *rx_whole(const struct netfront_rx *r, const struct netfront_frame *f)
{
	bool late = !r->either && (int32_t)(r->front.rsp_cons - r->since) >= 0;

	if (f->headroom != r->headroom && (late || f->headroom != r->was))
		return "ends a frame whose headroom is another one than what was asked "
		       "for";
	if (f->headroom && !f->bad && f->part[0].off != f->headroom)
		return "ends a frame that does not begin behind its headroom";
	if (f->meta.csum_blank && !f->meta.validated)
		return "ends a frame whose checksum is blank and not vouched for";
	if (f->meta.gso_type && !f->meta.csum_blank)
		return "ends a frame to be segmented with a checksum that is not blank";
	return NULL;
}

int netfront_rx_take(struct netfront_rx *r, struct netfront_frame *f, char *why,
                     size_t why_size)
{
	RING_IDX prod = __atomic_load_n(&r->front.sring->rsp_prod, __ATOMIC_ACQUIRE);
	uint32_t n = prod - r->front.rsp_cons;
	const char *fault = NULL;
	bool extra = false, more = true;

	if (!n)
		return 0;
	*f = (struct netfront_frame){ 0 };
	if (n > r->pushed - r->front.rsp_cons)
		fault = "is beyond the requests";
	while (!fault && (more || extra)) {
		if (f->slots == n)
			fault = "ends what is published, in the middle of a frame";
		else
			fault = rx_slot(r, f, &extra, &more);
	}
	fault = fault ? fault : rx_whole(r, f);
	if (fault) {
		snprintf(why, why_size, "receive response %u %s",
		         r->front.rsp_cons + f->slots, fault);
		return -EPROTO;
	}
	r->front.rsp_cons += f->slots;
	return 1;
}

bool netfront_rx_arm(struct netfront_rx *r)
{
	unsigned int waiting;

	RING_FINAL_CHECK_FOR_RESPONSES(&r->front, waiting);
	return waiting != 0;
}
