/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "blk_pmap.h"
#include "fake_guest.h"

static struct blk_pmap *map;
static uint32_t now;

/* What the engine was told of memory. */
static struct iovec told[STORE_PIECES + 1];

static void remember(struct store *s, unsigned int n, void *addr, size_t len)
{
	(void)s;
	assert_true(n >= BLK_PIECE_CHUNKS && n <= STORE_PIECES);
	/* A piece is forgotten before it is another. */
	assert_true(!addr || !told[n].iov_base);
	told[n] = (struct iovec){ addr, len };
}

static const struct store_ops told_ops = { .memory = remember };
static struct store engine = { .ops = &told_ops };

static int map_new(uint32_t max)
{
	memset(told, 0, sizeof(told));
	return blk_pmap_new(NULL, max, &map);
}

static int setup(void **state)
{
	(void)state;
	guest_up();
	for (uint32_t i = 0; i < GUEST_PAGES; i++)
		memcpy(guest_page(i), &i, sizeof(i));
	now = 0;
	return map_new(BLK_PMAP_MAX);
}

static int teardown(void **state)
{
	(void)state;
	blk_pmap_free(map);
	assert_int_equal(guest.mapped, 0);
	guest_down();
	return 0;
}

static void *find(uint32_t gref, uint32_t at)
{
	const struct blk_pmap_slot *s;

	if ((int32_t)(at - map->now) > 0)
		blk_pmap_now(map, at);
	s = blk_pmap_find(map, gref);
	if (s && s->piece != BLK_PIECE_NONE) {
		char *start = told[s->piece].iov_base, *page = s->page;

		assert_true(start && page >= start &&
		            page + XEN_PAGE <= start + told[s->piece].iov_len);
	}
	return s ? s->page : NULL;
}

/* A request uses the page. Return: whether it is mapped. */
static bool use(uint32_t page)
{
	return find(GUEST_REF + page, ++now) != NULL;
}

/* Between requests, as blk_ring does it. */
static uint32_t fill(void)
{
	uint32_t unmapped;

	return blk_pmap_due(map) ? blk_pmap_fill(map, &engine, now + 1, &unmapped) : 0;
}

static void found(uint32_t page)
{
	void *p = find(GUEST_REF + page, now);
	uint32_t i;

	assert_non_null(p);
	memcpy(&i, p, sizeof(i));
	assert_int_equal(i, page);
}

static void many_pages_one_call(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 64; i++)
		assert_false(use(i * 7));
	assert_int_equal(fill(), 64);
	assert_int_equal(guest.map_calls, 1);
	for (uint32_t i = 0; i < 64; i++)
		found(i * 7);
	assert_int_equal(fill(), 0);
	for (uint32_t i = 0; i < 1000; i++) {
		use(i % 64 * 7);
		assert_int_equal(fill(), 0);
	}
	assert_int_equal(guest.map_calls, 1);
}

/* One page now and then is copied; when it comes back it is worth a call. */
static void few_pages_wait(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < BLK_PMAP_WANT - 1; i++) {
		use(i);
		assert_int_equal(fill(), 0);
	}
	for (uint32_t i = 0; i < BLK_PMAP_AGAIN; i++) {
		assert_int_equal(fill(), 0);
		use(3);
	}
	assert_int_equal(fill(), BLK_PMAP_WANT - 1);
	assert_int_equal(guest.map_calls, 1);
	found(3);
}

static void bad_grant_is_tried_once(void **state)
{
	(void)state;
	guest.bad[5] = true;
	for (uint32_t i = 0; i < BLK_PMAP_WANT; i++)
		use(i);
	assert_int_equal(fill(), BLK_PMAP_WANT - 1);
	assert_int_equal(guest.map_calls, 1 + BLK_PMAP_WANT);
	for (uint32_t i = 0; i < BLK_PMAP_WANT; i++)
		if (i == 5)
			assert_false(use(i));
		else
			found(i);
	for (int i = 0; i < 10000; i++) {
		assert_false(use(5));
		fill();
	}
	assert_int_equal(guest.map_calls, 1 + BLK_PMAP_WANT);
}

static void use_all(uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n; i++) {
		use(i);
		fill();
	}
}

/* Trap: what does not fit is copied, it is not an error and nothing is thrown out. */
static void budget_is_kept(void **state)
{
	(void)state;
	blk_pmap_free(map);
	assert_int_equal(map_new(100), 0);
	for (uint32_t round = 0; round < 20; round++)
		use_all(0, 200);
	assert_int_equal(guest.mapped, 100);
	for (uint32_t i = 0; i < 100; i++)
		found(i);
	assert_false(use(100));
}

/* Trap: the least recently used makes room, in its time, never for each request. */
static void unused_pages_make_room(void **state)
{
	uint32_t calls;

	(void)state;
	blk_pmap_free(map);
	assert_int_equal(map_new(2 * BLK_PMAP_CHUNK), 0);
	for (uint32_t i = 0; i < 4; i++)
		use_all(0, 2 * BLK_PMAP_CHUNK);
	assert_int_equal(guest.mapped, 2 * BLK_PMAP_CHUNK);
	calls = guest.map_calls;
	/* The first half stays in use, the second does not. */
	while (!use(500)) {
		use_all(0, BLK_PMAP_CHUNK / 2);
		assert_true(now < 2 * BLK_PMAP_AGE);
		fill();
	}
	assert_true(now >= BLK_PMAP_AGE);
	assert_true(guest.mapped <= 2 * BLK_PMAP_CHUNK);
	found(0);
	found(500);
	assert_true(guest.map_calls - calls <= 3);
	/* What was forgotten is copied, and mapped again when it comes back. */
	assert_false(use(BLK_PMAP_CHUNK - 1));
}

/* A request that takes for ever keeps its pages, whatever comes meanwhile. */
static void pages_in_use_stay(void **state)
{
	uint32_t unmapped, oldest;

	(void)state;
	blk_pmap_free(map);
	assert_int_equal(map_new(BLK_PMAP_WANT), 0);
	use_all(0, BLK_PMAP_WANT);
	assert_true(use(0));
	oldest = now;
	now += 10 * BLK_PMAP_AGE;
	for (uint32_t i = 0; i < 2000; i++) {
		use(100 + i % 500);
		if (!blk_pmap_due(map))
			continue;
		blk_pmap_fill(map, &engine, oldest, &unmapped);
		assert_int_equal(unmapped, 0);
	}
	found(0);
	/* It has ended. */
	now += 10 * BLK_PMAP_AGE;
	for (uint32_t i = 0; i < BLK_PMAP_TRY; i++)
		use(100);
	blk_pmap_fill(map, &engine, now + 1, &unmapped);
	assert_int_equal(unmapped, BLK_PMAP_WANT);
}

/* Failures count too: else a guest could have us try for ever. */
static void bad_grants_use_up_the_budget(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < BLK_PMAP_AGE; i++) {
		assert_null(find(0x80000000 + i, ++now));
		fill();
	}
	assert_true(guest.map_calls <= BLK_PMAP_MAX + BLK_PMAP_MAX / BLK_PMAP_WANT);
	assert_false(use(1));
	assert_int_equal(fill(), 0);
	/* They are forgotten like those that are not used. */
	for (uint32_t i = 0; i < 2 * BLK_PMAP_AGE && !use(1); i++)
		fill();
	assert_true(use(1));
}

/* Nobody looks beyond a free slot: there is none between where one would be and is. */
static void all_are_found(void)
{
	uint32_t pages = 0;

	for (uint32_t i = 0; i < BLK_PMAP_SLOTS; i++) {
		const struct blk_pmap_slot *s = &map->slot[i];

		if (s->state == PMAP_FREE)
			continue;
		for (uint32_t k = blk_pmap_home(s->gref); k != i;
		     k = (k + 1) % BLK_PMAP_SLOTS)
			assert_int_not_equal(map->slot[k].state, PMAP_FREE);
		pages += s->page != NULL;
	}
	assert_int_equal(pages, guest.mapped);
}

/* Pages come and go for long: the table finds what is there and nothing else. */
static void table_survives_forgetting(void **state)
{
	uint32_t x = 7, hits = 0, mapped = 0;

	(void)state;
	blk_pmap_free(map);
	assert_int_equal(map_new(700), 0);
	for (uint32_t i = 0; i < 1000000; i++) {
		uint32_t page;
		uint32_t *p;

		x = x * 1664525 + 1013904223;
		page = (i / 40000 * 170 + (x >> 16) % 150) % GUEST_PAGES;
		p = find(GUEST_REF + page, ++now);
		if (p)
			assert_int_equal(*p, page);
		hits += p != NULL;
		/* Grants that cannot be mapped are kept in mind, and make collisions. */
		if (i % 8 == 0)
			find(0x80000000 + (i / 20000 * 100 + x % 100) * 7919, now);
		mapped += fill();
		assert_true(guest.mapped <= 700);
		if (i % 1000 == 0)
			all_are_found();
	}
	assert_true(hits > 500000);
	/* It was of no use if nothing was forgotten. */
	assert_true(mapped > 1000);
}

static void grant_references_have_no_bad_values(void **state)
{
	static const uint32_t refs[] = { 0, 1, UINT32_MAX, 0x80000000 };

	(void)state;
	for (size_t i = 0; i < 40 * ARRAY_SIZE(refs); i++) {
		assert_null(find(refs[i % ARRAY_SIZE(refs)], ++now));
		assert_int_equal(fill(), 0);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(many_pages_one_call),
		TEST(few_pages_wait),
		TEST(bad_grant_is_tried_once),
		TEST(budget_is_kept),
		TEST(unused_pages_make_room),
		TEST(pages_in_use_stay),
		TEST(table_survives_forgetting),
		TEST(bad_grants_use_up_the_budget),
		TEST(grant_references_have_no_bad_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
