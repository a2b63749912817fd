/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "blk_pool.h"

static void lowest_first(void **state)
{
	struct blk_pool p;

	(void)state;
	blk_pool_init(&p, 200);
	assert_int_equal(blk_pool_take(&p, 1), 0);
	assert_int_equal(blk_pool_take(&p, 70), 1);
	assert_int_equal(blk_pool_take(&p, 1), 71);
	blk_pool_put(&p, 10, 5);
	assert_int_equal(blk_pool_take(&p, 6), 72);
	assert_int_equal(blk_pool_take(&p, 3), 10);
	assert_int_equal(blk_pool_take(&p, 2), 13);
}

/* A run that is long enough across words, and none that is only long enough in sum. */
static void runs_are_consecutive(void **state)
{
	struct blk_pool p;

	(void)state;
	blk_pool_init(&p, 352);
	for (uint32_t i = 0; i < 352; i++)
		assert_int_equal(blk_pool_take(&p, 1), i);
	assert_int_equal(blk_pool_take(&p, 1), BLK_POOL_NONE);
	for (uint32_t i = 0; i < 352; i += 2)
		blk_pool_put(&p, i, 1);
	assert_int_equal(blk_pool_take(&p, 2), BLK_POOL_NONE);
	for (uint32_t i = 61; i < 190; i += 2)
		blk_pool_put(&p, i, 1);
	assert_int_equal(blk_pool_take(&p, 132), BLK_POOL_NONE);
	assert_int_equal(blk_pool_take(&p, 131), 60);
}

static void all_of_it(void **state)
{
	static const uint32_t sizes[] = { 1, 63, 64, 65, 352, 511, 512 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct blk_pool p;

		blk_pool_init(&p, sizes[i]);
		assert_int_equal(blk_pool_take(&p, sizes[i] + 1), BLK_POOL_NONE);
		for (int twice = 0; twice < 2; twice++) {
			assert_int_equal(blk_pool_take(&p, sizes[i]), 0);
			assert_int_equal(blk_pool_take(&p, 1), BLK_POOL_NONE);
			blk_pool_put(&p, 0, sizes[i]);
		}
	}
}

/* Against a map of bytes: nothing is given twice, nothing that is free is withheld. */
static void like_a_simple_one(void **state)
{
	struct {
		uint32_t first, n;
	} held[64] = { 0 };
	uint8_t map[352] = { 0 };
	struct blk_pool p;
	uint32_t x = 99, failed = 0;

	(void)state;
	blk_pool_init(&p, sizeof(map));
	for (uint32_t round = 0; round < 100000; round++) {
		uint32_t i, n, first, run = 0, want = BLK_POOL_NONE;

		x = x * 1664525 + 1013904223;
		i = x >> 26;
		n = 1 + (x >> 8) % ((x >> 16) % 5 ? 12 : 200);
		if (held[i].n) {
			blk_pool_put(&p, held[i].first, held[i].n);
			memset(map + held[i].first, 0, held[i].n);
			held[i].n = 0;
			continue;
		}
		for (uint32_t k = 0; k < sizeof(map) && want == BLK_POOL_NONE; k++) {
			run = map[k] ? 0 : run + 1;
			if (run == n)
				want = k + 1 - n;
		}
		first = blk_pool_take(&p, n);
		assert_int_equal(first, want);
		if (first == BLK_POOL_NONE) {
			failed++;
			continue;
		}
		memset(map + first, 1, n);
		held[i].first = first;
		held[i].n = n;
	}
	assert_true(failed > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lowest_first),
		cmocka_unit_test(runs_are_consecutive),
		cmocka_unit_test(all_of_it),
		cmocka_unit_test(like_a_simple_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
