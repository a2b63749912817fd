/* SPDX-License-Identifier: MIT */
/*
 * The frontend's end of a block ring: requests in, responses out, and whether the backend
 * keeps to the protocol. Works on pages of memory only, so that it can be tested alone.
 *
 * An id is never used twice: its low 16 bits are the slot, the rest a count that starts
 * high enough to fill all 64 bits. So an answer given twice is told from one to the
 * slot's next request, and a backend that does not keep all of the id is found out.
 */
#ifndef PVB_BLKFRONT_RING_H
#define PVB_BLKFRONT_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "blkfront_abi.h"
#include "compiler.h"
#include "xenabi.h"

/* Most pages of a ring, as a power of two: what Linux serves. */
#define BLKFRONT_ORDER_MAX    4U
#define BLKFRONT_PAGES_MAX    (1U << BLKFRONT_ORDER_MAX)
/* Requests that fit a ring of 1 << @order pages, in every layout. */
#define BLKFRONT_SLOTS(order) (32U << (order))
#define BLKFRONT_SLOTS_MAX    BLKFRONT_SLOTS(BLKFRONT_ORDER_MAX)

/**
 * struct blkfront_answer - A response that is in order
 * @slot:	Slot of the request it answers
 * @status:	BLKIF_RSP_OKAY, _ERROR or _EOPNOTSUPP
 */
struct blkfront_answer {
	unsigned int slot;
	int status;
};

/**
 * struct blkfront_ring - Private state of the ring
 * @front:	Its indices; the slots are addressed by @abi
 * @size:	Slots
 * @pushed:	Value of req_prod that the backend was given
 * @seq:	Upper part of the next id
 * @slot:	The request each slot holds, or held last
 * @placed:	How the request began that was written last at each index of the ring
 */
struct blkfront_ring {
	const struct blkfront_abi *abi;
	blkif_front_ring_t front;
	unsigned int size;
	RING_IDX pushed;
	uint64_t seq;
	struct blkfront_slot {
		uint64_t id;
		uint8_t op;
		bool busy;
	} * slot;
	uint8_t (*placed)[BLKFRONT_RSP_MAX];
};

/** blkfront_ring_init() - Make 1 << @order @pages an empty ring. Return: 0 or -ENOMEM. */
int must_check blkfront_ring_init(struct blkfront_ring *r, void *pages,
                                  unsigned int order, enum blkfront_protocol protocol);

/** blkfront_ring_free() - Zero-initialised is free */
void blkfront_ring_free(struct blkfront_ring *r);

/**
 * blkfront_ring_put() - Write a request; the backend sees it after blkfront_ring_push()
 * @slot:	One that is not busy
 * @req:	All but the id, which is chosen here
 */
void blkfront_ring_put(struct blkfront_ring *r, unsigned int slot,
                       const struct blkfront_wire *req);

/** blkfront_ring_push() - Publish. Return: the backend asks to be notified. */
bool blkfront_ring_push(struct blkfront_ring *r);

/**
 * blkfront_ring_take() - Take one response
 * @why:	What is wrong with it, naming id and slot
 *
 * The operation echoed must be the one asked for; of an indirect request that is the
 * inner one, as Linux's blkfront has it.
 *
 * Return: 1, 0 when there is none, or -EPROTO: the backend has broken the protocol and
 * the ring must not be used any more.
 */
int must_check blkfront_ring_take(struct blkfront_ring *r, struct blkfront_answer *out,
                                  char *why, size_t why_size);

/** blkfront_ring_arm() - Ask for an event. Return: no need to wait, responses are there.
 */
bool blkfront_ring_arm(struct blkfront_ring *r);

#endif
