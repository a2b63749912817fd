/* SPDX-License-Identifier: MIT */
#include "blkfront_ring.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The barriers that xen/io/ring.h asks its users for. */
#define xen_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define xen_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

_Static_assert(__CONST_RING_SIZE(blkif, XEN_PAGE) == BLKFRONT_RING_SIZE, "ring size");

/* All bits of an id in use, and room for 2^52 requests. */
#define FIRST_SEQ UINT64_C(0x5af1e5c3d20000)

/** struct response - A response with its padding named */
struct response {
	uint64_t id;
	uint8_t op;
	uint8_t pad1;
	int16_t status;
	uint8_t pad2[4];
};

_Static_assert(sizeof(struct response) == sizeof(struct blkif_response), "padding named");
_Static_assert(offsetof(struct response, status) ==
                       offsetof(struct blkif_response, status),
               "padding named");

void blkfront_ring_init(struct blkfront_ring *r, void *page)
{
	blkif_sring_t *sring = page;

	SHARED_RING_INIT(sring);
	*r = (struct blkfront_ring){
		.front = { .nr_ents = BLKFRONT_RING_SIZE, .sring = sring },
		.seq = FIRST_SEQ,
	};
}

void blkfront_ring_put(struct blkfront_ring *r, unsigned int slot,
                       const struct blkif_request *req)
{
	RING_IDX at = r->front.req_prod_pvt;
	struct blkif_request wire = *req;

	assert(slot < BLKFRONT_RING_SIZE && !r->slot[slot].busy);
	assert(!RING_FULL(&r->front));
	wire.id = r->seq++ << 8 | slot;
	r->slot[slot] = (struct blkfront_slot){ wire.id, wire.operation, true };
	r->placed[at % BLKFRONT_RING_SIZE] = wire.id;
	*RING_GET_REQUEST(&r->front, at) = wire;
	r->front.req_prod_pvt = at + 1;
}

bool blkfront_ring_push(struct blkfront_ring *r)
{
	bool notify;

	if (r->pushed == r->front.req_prod_pvt)
		return false;
	RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&r->front, notify);
	r->pushed = r->front.req_prod_pvt;
	return notify;
}

bool blkfront_ring_arm(struct blkfront_ring *r)
{
	unsigned int waiting;

	RING_FINAL_CHECK_FOR_RESPONSES(&r->front, waiting);
	return waiting != 0;
}

/*
 * Padding is zero, or what we ourselves had written there: bytes 9 and 12 to 15 of a
 * request are of its id. Anything else is the backend's memory (XSA-216).
 */
static bool padding_ok(const struct response *rsp, uint64_t placed)
{
	static const uint8_t zero[4];
	uint8_t own[8];

	memcpy(own, &placed, sizeof(own));
	return (rsp->pad1 == 0 || rsp->pad1 == own[1]) &&
	       (memcmp(rsp->pad2, zero, 4) == 0 || memcmp(rsp->pad2, own + 4, 4) == 0);
}

/* What is wrong with a response, or NULL. */
static const char *response_fault(const struct blkfront_ring *r,
                                  const struct response *rsp, uint64_t placed)
{
	unsigned int slot = rsp->id & 0xff;

	if (slot >= BLKFRONT_RING_SIZE || r->slot[slot].id < rsp->id ||
	    rsp->id >> 8 < FIRST_SEQ)
		return "answers an unknown id";
	if (r->slot[slot].id != rsp->id || !r->slot[slot].busy)
		return "answers an id for the second time";
	if (rsp->op != r->slot[slot].op)
		return "echoes another operation than was asked for";
	if (rsp->status != BLKIF_RSP_OKAY && rsp->status != BLKIF_RSP_ERROR &&
	    rsp->status != BLKIF_RSP_EOPNOTSUPP)
		return "has a status that does not exist";
	if (!padding_ok(rsp, placed))
		return "leaks the backend's memory in its padding";
	return NULL;
}

int blkfront_ring_take(struct blkfront_ring *r, struct blkfront_answer *out, char *why,
                       size_t why_size)
{
	RING_IDX at = r->front.rsp_cons;
	RING_IDX prod = __atomic_load_n(&r->front.sring->rsp_prod, __ATOMIC_ACQUIRE);
	struct response rsp;
	const char *fault;
	unsigned int slot;

	if (prod == at)
		return 0;
	if (prod - at > r->pushed - at) {
		snprintf(
			why, why_size,
			"more responses than requests: rsp_prod %u is beyond req_prod %u",
			prod, r->pushed);
		return -EPROTO;
	}
	memcpy(&rsp, RING_GET_RESPONSE(&r->front, at), sizeof(rsp));
	/* The copy is what is judged, whatever becomes of the page. */
	__asm__ volatile("" ::: "memory");
	slot = rsp.id & 0xff;
	fault = response_fault(r, &rsp, r->placed[at % BLKFRONT_RING_SIZE]);
	if (fault) {
		snprintf(why, why_size,
		         "response %u %s: id %#" PRIx64
		         " (slot %u, which holds id %#" PRIx64
		         ", operation %u), operation %u, status %d",
		         at, fault, rsp.id, slot,
		         slot < BLKFRONT_RING_SIZE ? r->slot[slot].id : 0,
		         slot < BLKFRONT_RING_SIZE ? r->slot[slot].op : 0, rsp.op,
		         rsp.status);
		return -EPROTO;
	}
	r->slot[slot].busy = false;
	r->front.rsp_cons = at + 1;
	*out = (struct blkfront_answer){ slot, rsp.status };
	return 1;
}
