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

static int setup(void **state)
{
	(void)state;
	guest_up();
	for (uint32_t i = 0; i < GUEST_PAGES; i++)
		memcpy(guest_page(i), &i, sizeof(i));
	return blk_pmap_new(NULL, &map);
}

static int teardown(void **state)
{
	(void)state;
	blk_pmap_free(map);
	assert_int_equal(guest.mapped, 0);
	guest_down();
	return 0;
}

static void want(uint32_t page)
{
	blk_pmap_want(map, GUEST_REF + page);
}

static void found(uint32_t page)
{
	void *p = blk_pmap_find(map, GUEST_REF + page);
	uint32_t i;

	assert_non_null(p);
	memcpy(&i, p, sizeof(i));
	assert_int_equal(i, page);
}

static void many_pages_one_call(void **state)
{
	(void)state;
	for (int twice = 0; twice < 2; twice++)
		for (uint32_t i = 0; i < 64; i++)
			want(i * 7);
	assert_int_equal(blk_pmap_fill(map), 64);
	assert_int_equal(guest.map_calls, 1);
	for (uint32_t i = 0; i < 64; i++)
		found(i * 7);
	assert_null(blk_pmap_find(map, GUEST_REF + 1));
	/* Known by now. */
	for (uint32_t i = 0; i < 64; i++)
		want(i * 7);
	assert_int_equal(blk_pmap_fill(map), 0);
	assert_int_equal(guest.map_calls, 1);
}

static void bad_grant_is_tried_once(void **state)
{
	(void)state;
	guest.bad[5] = true;
	for (uint32_t i = 0; i < 10; i++)
		want(i);
	assert_int_equal(blk_pmap_fill(map), 9);
	assert_int_equal(guest.map_calls, 1 + 10);
	for (uint32_t i = 0; i < 10; i++)
		if (i == 5)
			assert_null(blk_pmap_find(map, GUEST_REF + i));
		else
			found(i);
	for (int i = 0; i < 100; i++) {
		want(5);
		blk_pmap_fill(map);
	}
	assert_int_equal(guest.map_calls, 1 + 10);
}

static void budget_is_kept(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < GUEST_PAGES; i++) {
		want(i);
		blk_pmap_fill(map);
	}
	assert_int_equal(guest.mapped, BLK_PMAP_MAX);
	for (uint32_t i = 0; i < BLK_PMAP_MAX; i++)
		found(i);
	assert_null(blk_pmap_find(map, GUEST_REF + BLK_PMAP_MAX));
}

/* Failures count too: else a guest could have us try for ever. */
static void bad_grants_use_up_the_budget(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		blk_pmap_want(map, 0x80000000 + i);
		blk_pmap_fill(map);
	}
	assert_int_equal(guest.map_calls, BLK_PMAP_MAX);
	want(1);
	assert_int_equal(blk_pmap_fill(map), 0);
}

static void grant_references_have_no_bad_values(void **state)
{
	static const uint32_t refs[] = { 0, 1, UINT32_MAX, 0x80000000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refs); i++) {
		assert_null(blk_pmap_find(map, refs[i]));
		blk_pmap_want(map, refs[i]);
	}
	assert_int_equal(blk_pmap_fill(map), 0);
	for (size_t i = 0; i < ARRAY_SIZE(refs); i++)
		assert_null(blk_pmap_find(map, refs[i]));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(many_pages_one_call),
		TEST(bad_grant_is_tried_once),
		TEST(budget_is_kept),
		TEST(bad_grants_use_up_the_budget),
		TEST(grant_references_have_no_bad_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
