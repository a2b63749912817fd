/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "ring.h"

#define SLOT sizeof(union blkif_sring_entry)

static union {
	uint8_t bytes[XEN_PAGE];
	struct ring_page ring;
} page;

static void attach(struct ring_back *r, uint32_t at)
{
	memset(&page, 0, sizeof(page));
	page.ring.req_prod = page.ring.rsp_prod = at;
	page.ring.req_event = page.ring.rsp_event = at + 1;
	ring_init(r, &page, XEN_PAGE, SLOT);
	assert_int_equal(ring_resume(r), V_OK);
}

static void size_is_the_protocols(void **state)
{
	struct ring_back r;

	(void)state;
	for (uint32_t order = 0; order <= 4; order++) {
		ring_init(&r, &page, XEN_PAGE << order, SLOT);
		assert_int_equal(r.size, 32U << order);
	}
}

/* Difference between req_prod and what was taken, with 5 taken and not answered. */
static void indices_are_judged(void **state)
{
	static const uint32_t starts[] = { 0, 7, 0x7ffffff0, 0x80000000, UINT32_MAX - 2 };
	static const struct {
		int64_t ahead;
		enum verdict v;
	} rows[] = {
		{ 0, V_OK },
		{ 1, V_OK },
		{ 27, V_OK }, /* exactly full */
		{ 28, V_FATAL },
		{ 32, V_FATAL },
		{ 33, V_FATAL },
		{ -1, V_FATAL }, /* backwards, within what was taken */
		{ -5, V_FATAL },
		{ -6, V_FATAL },
		{ 0x7fffffff, V_FATAL },
		{ 0x80000000, V_FATAL },
	};

	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(starts); s++) {
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			struct ring_back r;
			uint32_t n;

			attach(&r, starts[s]);
			r.req_cons += 5;
			page.ring.req_prod = (uint32_t)(r.req_cons + rows[i].ahead);
			assert_int_equal(ring_requests(&r, &n), rows[i].v);
			if (rows[i].v == V_OK)
				assert_int_equal(n, rows[i].ahead);
		}
	}
}

static void full_ring_of_an_idle_device_is_served(void **state)
{
	struct ring_back r;
	uint32_t n;

	(void)state;
	attach(&r, UINT32_MAX - 10);
	page.ring.req_prod += 32;
	assert_int_equal(ring_requests(&r, &n), V_OK);
	assert_int_equal(n, 32);
	page.ring.req_prod += 1;
	assert_int_equal(ring_requests(&r, &n), V_FATAL);
}

static void resume_refuses_impossible_indices(void **state)
{
	static const struct {
		uint32_t rsp, req;
		enum verdict v;
	} rows[] = {
		{ 0, 0, V_OK },    { 5, 37, V_OK },          { 5, 38, V_FATAL },
		{ 5, 4, V_FATAL }, { UINT32_MAX, 31, V_OK }, { UINT32_MAX, 32, V_FATAL },
	};
	struct ring_back r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		memset(&page, 0, sizeof(page));
		ring_init(&r, &page, XEN_PAGE, SLOT);
		page.ring.rsp_prod = rows[i].rsp;
		page.ring.req_prod = rows[i].req;
		assert_int_equal(ring_resume(&r), rows[i].v);
		if (rows[i].v == V_OK) {
			assert_int_equal(r.req_cons, rows[i].rsp);
			assert_int_equal(r.rsp_prod, rows[i].rsp);
			assert_int_equal(r.rsp_pub, rows[i].rsp);
		}
	}
}

static void request_is_copied_from_its_slot(void **state)
{
	struct ring_back r;
	uint8_t got[SLOT];

	(void)state;
	attach(&r, 30);
	for (uint32_t i = 0; i < 32; i++)
		memset((uint8_t *)page.ring.slots + i * SLOT, (int)i, SLOT);
	for (uint32_t i = 30; i < 30 + 32; i++) {
		uint8_t want[SLOT];

		memset(want, (int)(i % 32), sizeof(want));
		ring_take(&r, got, sizeof(got));
		assert_memory_equal(got, want, sizeof(want));
	}
	assert_int_equal(r.req_cons, 62);
}

/* xen/io/ring.h: an event is due when rsp_event is in (old, new]. */
static void guest_is_notified_when_it_asked(void **state)
{
	static const struct {
		uint32_t event;         /* relative to the start */
		uint32_t first, second; /* responses in two publications */
		bool notify_first, notify_second;
	} rows[] = {
		{ 1, 1, 1, true, false },  { 1, 5, 1, true, false },
		{ 2, 1, 1, false, true },  { 3, 2, 4, false, true },
		{ 6, 2, 4, false, true },  { 7, 2, 4, false, false },
		{ 0, 2, 4, false, false }, { 0x80000000, 2, 4, false, false },
	};
	uint64_t rsp[2] = { 1, 2 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t start = UINT32_MAX - 2;
		struct ring_back r;

		attach(&r, start);
		r.req_cons += 32;
		page.ring.rsp_event = start + rows[i].event;
		for (uint32_t k = 0; k < rows[i].first; k++)
			ring_respond(&r, rsp, sizeof(rsp));
		assert_int_equal(page.ring.rsp_prod, start);
		assert_int_equal(ring_publish(&r), rows[i].notify_first);
		assert_int_equal(page.ring.rsp_prod, start + rows[i].first);
		for (uint32_t k = 0; k < rows[i].second; k++)
			ring_respond(&r, rsp, sizeof(rsp));
		assert_int_equal(ring_publish(&r), rows[i].notify_second);
		assert_false(ring_publish(&r));
	}
}

static void response_writes_its_bytes_and_no_other(void **state)
{
	uint8_t rsp[16], want[SLOT];
	struct ring_back r;

	(void)state;
	attach(&r, 31);
	r.req_cons += 1;
	memset(page.ring.slots, 0xa5, 32 * SLOT);
	memset(rsp, 0x3c, sizeof(rsp));
	ring_respond(&r, rsp, sizeof(rsp));
	memset(want, 0xa5, sizeof(want));
	memset(want, 0x3c, sizeof(rsp));
	assert_memory_equal((uint8_t *)page.ring.slots + 31 * SLOT, want, SLOT);
	memset(want, 0xa5, sizeof(want));
	assert_memory_equal(page.ring.slots, want, SLOT);
}

static void sleep_only_when_nothing_waits(void **state)
{
	struct ring_back r;

	(void)state;
	attach(&r, 9);
	assert_false(ring_arm(&r));
	assert_int_equal(page.ring.req_event, 10);
	page.ring.req_prod = 10;
	assert_true(ring_arm(&r));
}

/* The frontend's side of xen/io/ring.h: does moving req_prod so send an event? */
static bool push_notifies(uint32_t old, uint32_t new)
{
	return new - page.ring.req_event < new - old;
}

static void awake_means_no_events(void **state)
{
	struct ring_back r;

	(void)state;
	attach(&r, UINT32_MAX - 3);
	ring_arm(&r);
	assert_true(push_notifies(r.req_cons, r.req_cons + 1));
	assert_true(push_notifies(r.req_cons, r.req_cons + 32));
	ring_disarm(&r);
	for (uint32_t had = 0; had < 32; had++)
		for (uint32_t more = had + 1; more <= 32; more++)
			assert_false(push_notifies(r.req_cons + had, r.req_cons + more));
}

/*
 * A guest that rewrites all indices and slots all the time (XSA-86). The page lies
 * between two that cannot be touched, so that an access outside it ends the test.
 */
struct flipper {
	struct ring_page *ring;
	atomic_bool stop;
};

static void *flip(void *arg)
{
	struct flipper *f = arg;
	uint32_t x = 2463534242;

	while (!atomic_load_explicit(&f->stop, memory_order_relaxed)) {
		uint32_t *word = (uint32_t *)f->ring;

		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		/* Mostly near what the backend holds to be true, so that it goes on. */
		__atomic_store_n(&word[x % 4], x % 3 ? (x >> 8) % 64 : x,
		                 __ATOMIC_RELAXED);
		__atomic_store_n(&word[16 + x % 800], x, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void hostile_indices_reach_nothing(void **state)
{
	char *area =
		mmap(NULL, 3UL * XEN_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct flipper f = { .ring = (struct ring_page *)(void *)(area + XEN_PAGE) };
	uint64_t taken = 0, fatal = 0, rsp[2] = { 0, 0 };
	pthread_t thread;

	(void)state;
	assert_true(area != MAP_FAILED);
	assert_int_equal(mprotect(f.ring, XEN_PAGE, PROT_READ | PROT_WRITE), 0);
	assert_int_equal(pthread_create(&thread, NULL, flip, &f), 0);
	/* On a busy machine the guest's thread may need its time to begin. */
	for (int i = 0; i < 1000000 || !taken || !fatal; i++) {
		struct ring_back r;
		uint8_t req[SLOT];
		uint32_t n;

		ring_init(&r, f.ring, XEN_PAGE, SLOT);
		if (ring_requests(&r, &n) == V_FATAL) {
			fatal++;
			continue;
		}
		assert_true(n <= r.size);
		for (uint32_t k = 0; k < n; k++)
			ring_take(&r, req, sizeof(req));
		for (uint32_t k = 0; k < n; k++)
			ring_respond(&r, rsp, sizeof(rsp));
		ring_publish(&r);
		ring_arm(&r);
		taken += n;
	}
	atomic_store(&f.stop, true);
	pthread_join(thread, NULL);
	munmap(area, 3UL * XEN_PAGE);
	assert_true(taken > 0 && fatal > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(size_is_the_protocols),
		cmocka_unit_test(indices_are_judged),
		cmocka_unit_test(full_ring_of_an_idle_device_is_served),
		cmocka_unit_test(resume_refuses_impossible_indices),
		cmocka_unit_test(request_is_copied_from_its_slot),
		cmocka_unit_test(guest_is_notified_when_it_asked),
		cmocka_unit_test(response_writes_its_bytes_and_no_other),
		cmocka_unit_test(sleep_only_when_nothing_waits),
		cmocka_unit_test(awake_means_no_events),
		cmocka_unit_test(hostile_indices_reach_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
