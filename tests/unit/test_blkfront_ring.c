/* SPDX-License-Identifier: MIT */
/* The frontend's ring against a backend that writes to the shared page itself. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "blkfront_ring.h"

static union {
	blkif_sring_t sring;
	uint8_t byte[XEN_PAGE << BLKFRONT_ORDER_MAX];
} page;

#define SLOTS BLKFRONT_SLOTS(0)

static struct blkfront_ring ring;
static char why[256];

static int begin(void **state)
{
	(void)state;
	memset(&page, 0xee, sizeof(page));
	why[0] = '\0';
	return blkfront_ring_init(&ring, &page, 0, BLKFRONT_X86_64);
}

static int end(void **state)
{
	(void)state;
	blkfront_ring_free(&ring);
	return 0;
}

static void put(unsigned int slot, uint8_t op)
{
	blkfront_ring_put(&ring, slot, &(struct blkfront_wire){ .op = op });
}

static int take(struct blkfront_answer *a)
{
	return blkfront_ring_take(&ring, a, why, sizeof(why));
}

/* Xen declares ring[1]; the slots fill the page. */
static union blkif_sring_entry *entry(unsigned int i)
{
	union blkif_sring_entry *first = page.sring.ring;

	return first + i % SLOTS;
}

static struct blkif_request *request(unsigned int i)
{
	return &entry(i)->req;
}

/* The backend's answer number @i, padding zeroed. */
static void answer(unsigned int i, uint64_t id, uint8_t op, int16_t status)
{
	union blkif_sring_entry *e = entry(i);

	memset(&e->rsp, 0, sizeof(e->rsp));
	e->rsp.id = id;
	e->rsp.operation = op;
	e->rsp.status = status;
	page.sring.rsp_prod = i + 1;
}

static void breach(const char *text)
{
	struct blkfront_answer a;

	assert_int_equal(take(&a), -EPROTO);
	if (!strstr(why, text))
		fail_msg("\"%s\" does not say \"%s\"", why, text);
}

static void starts_empty(void **state)
{
	struct blkfront_answer a;

	(void)state;
	assert_int_equal(page.sring.req_prod, 0);
	assert_int_equal(page.sring.rsp_prod, 0);
	assert_int_equal(page.sring.req_event, 1);
	assert_int_equal(page.sring.rsp_event, 1);
	assert_int_equal(take(&a), 0);
	assert_false(blkfront_ring_push(&ring));
}

static void unseen_before_the_push(void **state)
{
	(void)state;
	put(0, BLKIF_OP_READ);
	assert_int_equal(page.sring.req_prod, 0);
	assert_true(blkfront_ring_push(&ring));
	assert_int_equal(page.sring.req_prod, 1);
	assert_int_equal(request(0)->operation, BLKIF_OP_READ);
}

/* Only when the backend's req_event is among the requests pushed. */
static void notifies_when_asked(void **state)
{
	(void)state;
	put(0, BLKIF_OP_READ);
	assert_true(blkfront_ring_push(&ring));
	put(1, BLKIF_OP_READ);
	assert_false(blkfront_ring_push(&ring));
	page.sring.req_event = 4;
	put(2, BLKIF_OP_READ);
	assert_false(blkfront_ring_push(&ring));
	put(3, BLKIF_OP_READ);
	put(4, BLKIF_OP_READ);
	assert_true(blkfront_ring_push(&ring));
}

static void out_of_order_and_round_the_ring(void **state)
{
	unsigned int done = 0;

	(void)state;
	for (unsigned int round = 0; round < 100; round++) {
		uint64_t id[SLOTS];
		struct blkfront_answer a;

		for (unsigned int s = 0; s < SLOTS; s++) {
			put(s, s % 2 ? BLKIF_OP_WRITE : BLKIF_OP_READ);
			id[s] = request(done + s)->id;
		}
		blkfront_ring_push(&ring);
		for (unsigned int i = 0; i < SLOTS; i++) {
			unsigned int s = (i * 7 + round) % SLOTS;

			answer(done + i, id[s], s % 2 ? BLKIF_OP_WRITE : BLKIF_OP_READ,
			       (int16_t) - (s % 3));
			assert_int_equal(take(&a), 1);
			assert_int_equal(a.slot, s);
			assert_int_equal(a.status, -(int)(s % 3));
		}
		assert_int_equal(take(&a), 0);
		done += SLOTS;
	}
}

/*
 * Where i386 has the fields, and where the slots of large rings are: worked out by hand,
 * so that it is not the table that tests itself.
 */
static void every_layout_and_order(void **state)
{
	static const struct {
		enum blkfront_protocol protocol;
		size_t slot, id;
	} row[] = { { BLKFRONT_X86_64, 112, 8 }, { BLKFRONT_X86_32, 108, 4 } };

	(void)state;
	for (unsigned int i = 0; i < 2 * (BLKFRONT_ORDER_MAX + 1); i++) {
		unsigned int order = i / 2, size = 32U << order;
		struct blkfront_answer a;

		blkfront_ring_free(&ring);
		memset(&page, 0xee, sizeof(page));
		assert_int_equal(
			blkfront_ring_init(&ring, &page, order, row[i % 2].protocol), 0);
		for (unsigned int s = 0; s < size; s++)
			put(s, BLKIF_OP_READ);
		assert_true(blkfront_ring_push(&ring));
		for (unsigned int s = 0; s < size; s++) {
			uint8_t *at = page.byte + 64 + s * row[i % 2].slot;
			uint64_t id;

			memcpy(&id, at + row[i % 2].id, sizeof(id));
			assert_true(id == ring.slot[s].id);
			memset(at, 0, 12);
			memcpy(at, &id, sizeof(id));
			page.sring.rsp_prod = s + 1;
			assert_int_equal(take(&a), 1);
			assert_int_equal(a.slot, s);
		}
		/* Nothing is written behind the pages of the ring. */
		for (size_t at = (size_t)XEN_PAGE << order; at < sizeof(page.byte); at++)
			assert_int_equal(page.byte[at], 0xee);
	}
}

/* Of a response of i386 only byte 9 is nobody's: it has 12 bytes. */
static void padding_of_i386(void **state)
{
	uint8_t *at = page.byte + 64;
	struct blkfront_answer a;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		blkfront_ring_free(&ring);
		assert_int_equal(blkfront_ring_init(&ring, &page, 0, BLKFRONT_X86_32), 0);
		put(0, BLKIF_OP_READ);
		blkfront_ring_push(&ring);
		memset(at, 0, 12);
		memset(at + 12, 0x99, 4);
		memcpy(at, &ring.slot[0].id, 8);
		at[9] = i ? 0x99 : 0;
		page.sring.rsp_prod = 1;
		if (i)
			breach("leaks the backend's memory");
		else
			assert_int_equal(take(&a), 1);
	}
}

/* Indices are free-running: nothing happens at 2^32. */
static void indices_wrap(void **state)
{
	(void)state;
	ring.front.req_prod_pvt = ring.front.rsp_cons = ring.pushed = UINT32_MAX - 1;
	page.sring.req_prod = page.sring.rsp_prod = UINT32_MAX - 1;
	page.sring.req_event = UINT32_MAX;
	for (unsigned int i = 0; i < 4; i++)
		put(i, BLKIF_OP_READ);
	assert_true(blkfront_ring_push(&ring));
	assert_int_equal(page.sring.req_prod, 2);
	for (unsigned int i = 0; i < 4; i++) {
		struct blkfront_answer a;

		answer(UINT32_MAX - 1 + i, ring.slot[i].id, BLKIF_OP_READ, 0);
		assert_int_equal(take(&a), 1);
		assert_int_equal(a.slot, i);
	}
}

static void arms_before_sleep(void **state)
{
	struct blkfront_answer a;

	(void)state;
	put(0, BLKIF_OP_READ);
	put(1, BLKIF_OP_READ);
	blkfront_ring_push(&ring);
	assert_false(blkfront_ring_arm(&ring));
	assert_int_equal(page.sring.rsp_event, 1);
	answer(0, ring.slot[0].id, BLKIF_OP_READ, 0);
	assert_true(blkfront_ring_arm(&ring));
	assert_int_equal(take(&a), 1);
	assert_false(blkfront_ring_arm(&ring));
	assert_int_equal(page.sring.rsp_event, 2);
}

static void ids_are_never_used_twice(void **state)
{
	uint64_t last = 0;

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		struct blkfront_answer a;

		put(5, BLKIF_OP_READ);
		blkfront_ring_push(&ring);
		assert_true(ring.slot[5].id > last);
		last = ring.slot[5].id;
		answer(i, last, BLKIF_OP_READ, 0);
		assert_int_equal(take(&a), 1);
	}
}

/* ---- What a backend must not do ---------------------------------------------------- */

static void one_in_flight(uint8_t op)
{
	put(3, op);
	blkfront_ring_push(&ring);
}

static void more_responses_than_requests(void **state)
{
	(void)state;
	one_in_flight(BLKIF_OP_READ);
	answer(0, ring.slot[3].id, BLKIF_OP_READ, 0);
	page.sring.rsp_prod = 2;
	breach("rsp_prod 2 is beyond req_prod 1");
}

/* A request that was not pushed yet cannot have been answered. */
static void response_before_the_push(void **state)
{
	(void)state;
	put(3, BLKIF_OP_READ);
	answer(0, ring.slot[3].id, BLKIF_OP_READ, 0);
	breach("rsp_prod 1 is beyond req_prod 0");
}

static void responses_run_backwards(void **state)
{
	struct blkfront_answer a;

	(void)state;
	one_in_flight(BLKIF_OP_READ);
	answer(0, ring.slot[3].id, BLKIF_OP_READ, 0);
	assert_int_equal(take(&a), 1);
	page.sring.rsp_prod = 0;
	breach("more responses than requests");
}

static void unknown_ids(void **state)
{
	const uint64_t mine = (one_in_flight(BLKIF_OP_READ), ring.slot[3].id);
	const uint64_t row[] = { 0,
		                 3,
		                 mine & UINT32_MAX,
		                 mine + (1 << 16),
		                 mine + 1,
		                 (mine & ~UINT64_C(0xffff)) | 32,
		                 mine | 0xffff,
		                 UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		answer(0, row[i], BLKIF_OP_READ, 0);
		breach("answers an unknown id");
	}
}

static void the_same_id_twice(void **state)
{
	struct blkfront_answer a;
	uint64_t first;

	(void)state;
	one_in_flight(BLKIF_OP_READ);
	put(4, BLKIF_OP_READ);
	blkfront_ring_push(&ring);
	first = ring.slot[3].id;
	answer(0, first, BLKIF_OP_READ, 0);
	assert_int_equal(take(&a), 1);
	answer(1, first, BLKIF_OP_READ, 0);
	breach("for the second time");
	/* Not even when its slot is in use again. */
	put(3, BLKIF_OP_READ);
	blkfront_ring_push(&ring);
	answer(1, first, BLKIF_OP_READ, 0);
	breach("for the second time");
	assert_non_null(strstr(why, "(slot 3,"));
}

static void another_operation(void **state)
{
	(void)state;
	one_in_flight(BLKIF_OP_WRITE);
	answer(0, ring.slot[3].id, BLKIF_OP_READ, 0);
	breach("echoes another operation");
	assert_non_null(strstr(why, "operation 1), operation 0"));
}

static void statuses_that_do_not_exist(void **state)
{
	static const int16_t row[] = { 1, -3, 255, INT16_MIN };

	(void)state;
	one_in_flight(BLKIF_OP_READ);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		answer(0, ring.slot[3].id, BLKIF_OP_READ, row[i]);
		breach("has a status that does not exist");
	}
}

/* Bytes 9 and 12 to 15 of a response belong to nobody. */
static void padding_leaks(void **state)
{
	static const size_t pad[] = { 9, 12, 13, 14, 15 };

	(void)state;
	one_in_flight(BLKIF_OP_READ);
	for (size_t i = 0; i < ARRAY_SIZE(pad); i++) {
		uint8_t *byte = (uint8_t *)&entry(0)->rsp;

		answer(0, ring.slot[3].id, BLKIF_OP_READ, 0);
		byte[pad[i]] = 0x99;
		breach("leaks the backend's memory");
	}
}

/* A backend that writes the three fields in place leaves our own request in between. */
static void own_bytes_are_no_leak(void **state)
{
	struct blkif_response *rsp = &entry(0)->rsp;
	struct blkfront_answer a;
	const uint8_t *byte = (const uint8_t *)rsp;

	(void)state;
	one_in_flight(BLKIF_OP_READ);
	rsp->id = ring.slot[3].id;
	rsp->operation = BLKIF_OP_READ;
	rsp->status = BLKIF_RSP_OKAY;
	page.sring.rsp_prod = 1;
	assert_int_not_equal(byte[12] | byte[13] | byte[14], 0);
	assert_int_equal(take(&a), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(starts_empty),
		T(unseen_before_the_push),
		T(notifies_when_asked),
		T(out_of_order_and_round_the_ring),
		T(every_layout_and_order),
		T(padding_of_i386),
		T(indices_wrap),
		T(arms_before_sleep),
		T(ids_are_never_used_twice),
		T(more_responses_than_requests),
		T(response_before_the_push),
		T(responses_run_backwards),
		T(unknown_ids),
		T(the_same_id_twice),
		T(another_operation),
		T(statuses_that_do_not_exist),
		T(padding_leaks),
		T(own_bytes_are_no_leak),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
