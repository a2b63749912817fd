/* SPDX-License-Identifier: MIT */
#include "blkfront_ring.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "front_ring.h"

#define SLOT_BITS 16U
#define SLOT_MASK ((1U << SLOT_BITS) - 1)

_Static_assert(BLKFRONT_SLOTS_MAX <= SLOT_MASK, "a slot's number fits its bits");
_Static_assert(__CONST_RING_SIZE(blkif, XEN_PAGE) == BLKFRONT_SLOTS(0), "ring size");
_Static_assert(__CONST_RING_SIZE(blkif, XEN_PAGE << BLKFRONT_ORDER_MAX) ==
                       BLKFRONT_SLOTS_MAX,
               "ring size");

/* All bits of an id in use, and room for 2^46 requests. */
#define FIRST_SEQ UINT64_C(0x5af1e5c3d200)

/** struct response - The fields of a response; they are at the same place in all layouts
 */
struct response {
	uint64_t id;
	uint8_t op;
	uint8_t pad1;
	int16_t status;
	uint8_t pad2[4];
};

_Static_assert(sizeof(struct response) == BLKFRONT_RSP_MAX, "padding named");
_Static_assert(offsetof(struct response, op) ==
                       offsetof(struct blkif_response, operation),
               "padding named");
_Static_assert(offsetof(struct response, status) ==
                       offsetof(struct blkif_response, status),
               "padding named");

static uint8_t *slot_at(const struct blkfront_ring *r, RING_IDX at)
{
	return (uint8_t *)r->front.sring + offsetof(blkif_sring_t, ring) +
	       (size_t)(at & (r->size - 1)) * r->abi->slot;
}

int blkfront_ring_init(struct blkfront_ring *r, void *pages, unsigned int order,
                       enum blkfront_protocol protocol)
{
	blkif_sring_t *sring = pages;

	assert(order <= BLKFRONT_ORDER_MAX);
	SHARED_RING_INIT(sring);
	*r = (struct blkfront_ring){
		.abi = blkfront_abi_of(protocol),
		.front = { .nr_ents = BLKFRONT_SLOTS(order), .sring = sring },
		.size = BLKFRONT_SLOTS(order),
		.seq = FIRST_SEQ,
		.slot = calloc(BLKFRONT_SLOTS(order), sizeof(*r->slot)),
		.placed = calloc(BLKFRONT_SLOTS(order), sizeof(*r->placed)),
	};
	if (r->slot && r->placed)
		return 0;
	blkfront_ring_free(r);
	return -ENOMEM;
}

void blkfront_ring_free(struct blkfront_ring *r)
{
	free(take_ptr(r->slot));
	free(take_ptr(r->placed));
}

void blkfront_ring_put(struct blkfront_ring *r, unsigned int slot,
                       const struct blkfront_wire *req)
{
	RING_IDX at = r->front.req_prod_pvt;
	struct blkfront_wire wire = *req;
	uint8_t private[BLKFRONT_SLOT_MAX];
	size_t len;

	assert(slot < r->size && !r->slot[slot].busy);
	assert(!RING_FULL(&r->front));
	wire.id = r->seq++ << SLOT_BITS | slot;
	r->slot[slot] = (struct blkfront_slot){ wire.id, wire.op, true };
	len = blkfront_abi_request(r->abi, &wire, private);
	memcpy(r->placed[at & (r->size - 1)], private, BLKFRONT_RSP_MAX);
	memcpy(slot_at(r, at), private, len);
	r->front.req_prod_pvt = at + 1;
}

bool blkfront_ring_push(struct blkfront_ring *r)
{
	return front_ring_push(r);
}

bool blkfront_ring_arm(struct blkfront_ring *r)
{
	unsigned int waiting;

	RING_FINAL_CHECK_FOR_RESPONSES(&r->front, waiting);
	return waiting != 0;
}

/*
 * Padding is zero, or what we ourselves had written there. Anything else is the backend's
 * memory (XSA-216).
 */
static bool padding_ok(const struct blkfront_ring *r, const struct response *rsp,
                       const uint8_t *placed)
{
	const uint8_t *got = (const uint8_t *)rsp;
	static const struct response zero;
	const size_t tail = r->abi->rsp - offsetof(struct response, pad2);
	const size_t at = offsetof(struct response, pad2);

	if (rsp->pad1 != 0 && rsp->pad1 != placed[offsetof(struct response, pad1)])
		return false;
	return memcmp(got + at, zero.pad2, tail) == 0 ||
	       memcmp(got + at, placed + at, tail) == 0;
}

/* What is wrong with a response, or NULL. */
static const char *response_fault(const struct blkfront_ring *r,
                                  const struct response *rsp, const uint8_t *placed)
{
	unsigned int slot = rsp->id & SLOT_MASK;

	if (slot >= r->size || r->slot[slot].id < rsp->id ||
	    rsp->id >> SLOT_BITS < FIRST_SEQ)
		return "answers an unknown id";
	if (r->slot[slot].id != rsp->id || !r->slot[slot].busy)
		return "answers an id for the second time";
	if (rsp->op != r->slot[slot].op)
		return "echoes another operation than was asked for";
	if (rsp->status != BLKIF_RSP_OKAY && rsp->status != BLKIF_RSP_ERROR &&
	    rsp->status != BLKIF_RSP_EOPNOTSUPP)
		return "has a status that does not exist";
	if (!padding_ok(r, rsp, placed))
		return "leaks the backend's memory in its padding";
	return NULL;
}

int blkfront_ring_take(struct blkfront_ring *r, struct blkfront_answer *out, char *why,
                       size_t why_size)
{
	RING_IDX at = r->front.rsp_cons;
	RING_IDX prod = __atomic_load_n(&r->front.sring->rsp_prod, __ATOMIC_ACQUIRE);
	struct response rsp = { 0 };
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
	memcpy(&rsp, slot_at(r, at), r->abi->rsp);
	/* The copy is what is judged, whatever becomes of the page. */
	__asm__ volatile("" ::: "memory");
	slot = rsp.id & SLOT_MASK;
	fault = response_fault(r, &rsp, r->placed[at & (r->size - 1)]);
	if (fault) {
		snprintf(why, why_size,
		         "response %u %s: id %#" PRIx64
		         " (slot %u, which holds id %#" PRIx64
		         ", operation %u), operation %u, status %d",
		         at, fault, rsp.id, slot, slot < r->size ? r->slot[slot].id : 0,
		         slot < r->size ? r->slot[slot].op : 0, rsp.op, rsp.status);
		return -EPROTO;
	}
	r->slot[slot].busy = false;
	r->front.rsp_cons = at + 1;
	*out = (struct blkfront_answer){ slot, rsp.status };
	return 1;
}
