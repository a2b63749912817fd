/* SPDX-License-Identifier: MIT */
/*
 * Backend's side of a shared ring (xen/io/ring.h), for any slot size.
 *
 * The page belongs to the guest as much as to us: it may change under every load. So
 * indices are read once and judged, slots are copied once into private memory, word by
 * word with atomic loads that the compiler can neither drop nor repeat (XSA-155,
 * XSA-478), and our own indices live here, never in the page. Nothing else in a backend
 * touches a shared page.
 */
#ifndef PVB_RING_H
#define PVB_RING_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "compiler.h"
#include "xenabi.h"

/* Start of every shared ring; the slots follow. */
struct ring_page {
	uint32_t req_prod, req_event;
	uint32_t rsp_prod, rsp_event;
	uint8_t pad[48];
	uint32_t slots[];
};

_Static_assert(offsetof(struct ring_page, req_prod) ==
                       offsetof(struct blkif_sring, req_prod),
               "ring header");
_Static_assert(offsetof(struct ring_page, req_event) ==
                       offsetof(struct blkif_sring, req_event),
               "ring header");
_Static_assert(offsetof(struct ring_page, rsp_prod) ==
                       offsetof(struct blkif_sring, rsp_prod),
               "ring header");
_Static_assert(offsetof(struct ring_page, rsp_event) ==
                       offsetof(struct blkif_sring, rsp_event),
               "ring header");
_Static_assert(offsetof(struct ring_page, slots) == offsetof(struct blkif_sring, ring),
               "ring header");

/**
 * struct ring_back - What we know of a ring, in private memory
 * @page:	Shared page(s)
 * @slots:	The first slot in it
 * @size:	Slots, a power of two
 * @slot:	Size of a slot, bytes
 * @req_cons:	Requests taken; indices run freely and wrap at 2^32
 * @rsp_prod:	Responses written; never ahead of @req_cons
 * @rsp_pub:	Responses the guest has been shown
 */
struct ring_back {
	struct ring_page *page;
	char *slots;
	uint32_t size;
	uint32_t slot;
	uint32_t req_cons;
	uint32_t rsp_prod;
	uint32_t rsp_pub;
};

/** ring_init() - Attach to a fresh ring of @bytes with slots of @slot bytes, at index 0
 */
static inline void ring_init(struct ring_back *r, void *page, size_t bytes, size_t slot)
{
	size_t fit = (bytes - sizeof(struct ring_page)) / slot;

	assert(fit > 0 && slot % sizeof(uint32_t) == 0);
	*r = (struct ring_back){
		.page = page,
		.slots = (char *)page + sizeof(struct ring_page),
		.size = 1U << (31 - __builtin_clz((uint32_t)fit)),
		.slot = (uint32_t)slot,
	};
}

/**
 * ring_resume() - Attach where an orderly stop left the ring, with nothing in flight
 *
 * Return: V_OK, or V_FATAL when the page holds indices that cannot be.
 */
static inline enum verdict ring_resume(struct ring_back *r)
{
	uint32_t rsp = __atomic_load_n(&r->page->rsp_prod, __ATOMIC_RELAXED);
	uint32_t req = __atomic_load_n(&r->page->req_prod, __ATOMIC_RELAXED);

	if (req - rsp > r->size)
		return V_FATAL;
	r->req_cons = r->rsp_prod = r->rsp_pub = rsp;
	return V_OK;
}

/** ring_shown() - The guest's idea of the responses it was shown; not judged */
static inline uint32_t ring_shown(const struct ring_back *r)
{
	return __atomic_load_n(&r->page->rsp_prod, __ATOMIC_RELAXED);
}

/** ring_continue() - Go on after @cons requests were taken and @prod responses shown */
static inline void ring_continue(struct ring_back *r, uint32_t cons, uint32_t prod)
{
	r->req_cons = cons;
	r->rsp_prod = r->rsp_pub = prod;
}

/**
 * ring_requests() - How many requests wait to be taken
 *
 * An exactly full ring is legal (XSA-38). More than full, or an index that went
 * backwards, is not (XSA-39): the guest can have as many requests as there are slots
 * without an unpublished response.
 *
 * Return: V_OK and @n, or V_FATAL.
 */
static inline enum verdict ring_requests(const struct ring_back *r, uint32_t *n)
{
	/* Pairs with the frontend's barrier before it moves req_prod: slots are written.
	 */
	uint32_t prod = __atomic_load_n(&r->page->req_prod, __ATOMIC_ACQUIRE);
	uint32_t room = r->size - (r->req_cons - r->rsp_pub);

	*n = prod - r->req_cons;
	return *n > room ? V_FATAL : V_OK;
}

/** ring_waiting() - Whether the guest moved its index; a hint for polling, not judged */
static inline bool ring_waiting(const struct ring_back *r)
{
	return __atomic_load_n(&r->page->req_prod, __ATOMIC_RELAXED) != r->req_cons;
}

/** ring_slot_of() - Where request or response @idx is; @slot: its size, a constant */
static inline void *ring_slot_of(const struct ring_back *r, uint32_t idx, size_t slot)
{
	return r->slots + (idx & (r->size - 1)) * slot;
}

static inline void *ring_slot(const struct ring_back *r, uint32_t idx)
{
	return ring_slot_of(r, idx, r->slot);
}

/*
 * Parts of a slot; the private side may be anywhere. Volatile: the compiler neither drops
 * nor repeats an access. A guest may make or see half a change, as it could anyway.
 */
typedef uint32_t ring_word __attribute__((aligned(1), may_alias));
typedef uint64_t ring_pair __attribute__((aligned(1), may_alias));
typedef uint64_t ring_quad __attribute__((vector_size(16), aligned(1), may_alias));

/*
 * Single words of a slot that ring_slot_of() has found, for loops that have no use for
 * memory; the same rules.
 */
static inline uint32_t ring_load32(const void *slot, size_t off)
{
	return *(const volatile ring_word *)((const char *)slot + off);
}

static inline uint64_t ring_load64(const void *slot, size_t off)
{
	return *(const volatile ring_pair *)((const char *)slot + off);
}

static inline void ring_store32(void *slot, size_t off, uint32_t v)
{
	*(volatile ring_word *)((char *)slot + off) = v;
}

static inline void ring_store64(void *slot, size_t off, uint64_t v)
{
	*(volatile ring_pair *)((char *)slot + off) = v;
}

/* Copy @len bytes, of which one side is in the ring. */
static inline __attribute__((always_inline)) void
ring_move(volatile void *to, const volatile void *from, size_t len)
{
	volatile char *t = to;
	const volatile char *f = from;

	for (; len >= sizeof(ring_quad); len -= sizeof(ring_quad)) {
		*(volatile ring_quad *)t = *(const volatile ring_quad *)f;
		t += sizeof(ring_quad);
		f += sizeof(ring_quad);
	}
	if (len & sizeof(ring_pair)) {
		*(volatile ring_pair *)t = *(const volatile ring_pair *)f;
		t += sizeof(ring_pair);
		f += sizeof(ring_pair);
	}
	if (len & sizeof(ring_word))
		*(volatile ring_word *)t = *(const volatile ring_word *)f;
}

/**
 * ring_read() - Copy @len bytes at @off of the next request to private memory
 *
 * For requests that say themselves how long they are: read on where the last call ended,
 * no byte twice, then ring_taken().
 */
static inline void ring_read(const struct ring_back *r, size_t off, void *private,
                             size_t len)
{
	assert((off | len) % sizeof(uint32_t) == 0 && off + len <= r->slot);
	ring_move(private, (char *)ring_slot(r, r->req_cons) + off, len);
}

/** ring_taken() - The next request has been read and is not read again */
static inline void ring_taken(struct ring_back *r)
{
	r->req_cons++;
}

/** ring_take() - Copy the next request, @len bytes, to private memory, and count it */
static inline void ring_take(struct ring_back *r, void *private, size_t len)
{
	ring_read(r, 0, private, len);
	ring_taken(r);
}

/**
 * ring_respond() - Write a response of @len bytes; seen by the guest after ring_publish()
 * @rsp:	No implicit padding, every byte is ours to show (XSA-216)
 */
static inline void ring_respond(struct ring_back *r, const void *rsp, size_t len)
{
	assert(r->rsp_prod != r->req_cons);
	assert(len % sizeof(uint32_t) == 0 && len <= r->slot);
	ring_move(ring_slot(r, r->rsp_prod), rsp, len);
	r->rsp_prod++;
}

/** ring_publish() - Show the responses written. Return: whether to notify the guest. */
static inline bool ring_publish(struct ring_back *r)
{
	uint32_t old = r->rsp_pub;
	uint32_t event;

	if (r->rsp_prod == old)
		return false;
	r->rsp_pub = r->rsp_prod;
	/* Pairs with the frontend's barrier after it reads rsp_prod. */
	__atomic_store_n(&r->page->rsp_prod, r->rsp_prod, __ATOMIC_RELEASE);
	/* Pairs with the frontend's between writing rsp_event and looking once more. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	event = __atomic_load_n(&r->page->rsp_event, __ATOMIC_RELAXED);
	return r->rsp_prod - event < r->rsp_prod - old;
}

/**
 * ring_arm_for() - Ask for an event when there are more than @n requests to take
 * @n:	As many are there and of no use yet; 0 before going to sleep without any
 *
 * Return: true when more have slipped in and the caller must not sleep.
 */
static inline bool ring_arm_for(struct ring_back *r, uint32_t n)
{
	__atomic_store_n(&r->page->req_event, r->req_cons + n + 1, __ATOMIC_RELAXED);
	/* Pairs with the frontend's between moving req_prod and reading req_event. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&r->page->req_prod, __ATOMIC_RELAXED) != r->req_cons + n;
}

/** ring_arm() - Ask for an event with the next request; as ring_arm_for() none */
static inline bool ring_arm(struct ring_back *r)
{
	return ring_arm_for(r, 0);
}

/**
 * ring_disarm() - Awake: no events for requests that will be seen anyway
 *
 * Until the next ring_arm(); an event that the guest is about to send may still come.
 */
static inline void ring_disarm(struct ring_back *r)
{
	/* A frontend sends one when it moves req_prod to or past req_event. */
	__atomic_store_n(&r->page->req_event, r->req_cons, __ATOMIC_RELAXED);
}

#endif
