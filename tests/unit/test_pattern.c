/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pattern.h"

#define N 4

static uint8_t disk[N * PATTERN_BLOCK];
static char why[256];

static bool check(void)
{
	why[0] = '\0';
	return pattern_check(disk, sizeof(disk), 7, 8192, 3, why, sizeof(why));
}

static int fill(void **state)
{
	(void)state;
	pattern_fill(disk, sizeof(disk), 7, 8192, 3);
	return 0;
}

static void what_is_filled_is_right(void **state)
{
	(void)state;
	assert_true(check());
}

static void pieces_make_the_whole(void **state)
{
	uint8_t piece[PATTERN_BLOCK];

	(void)state;
	for (size_t i = 0; i < N; i++) {
		pattern_fill(piece, sizeof(piece), 7, 8192 + i * PATTERN_BLOCK, 3);
		assert_memory_equal(piece, disk + i * PATTERN_BLOCK, sizeof(piece));
	}
}

static void each_bit_counts(void **state)
{
	(void)state;
	for (size_t at = 0; at < sizeof(disk); at += 37) {
		disk[at] ^= (uint8_t)(1 << at % 8);
		assert_false(check());
		disk[at] ^= (uint8_t)(1 << at % 8);
	}
	assert_true(check());
}

static void says_what_it_holds_instead(void **state)
{
	(void)state;
	pattern_fill(disk + PATTERN_BLOCK, PATTERN_BLOCK, 7, 8192, 3);
	assert_false(check());
	assert_non_null(
		strstr(why, "offset 12288: holds the block of seed 7 offset 8192"));
	pattern_fill(disk + PATTERN_BLOCK, PATTERN_BLOCK, 7, 12288, 2);
	assert_false(check());
	assert_non_null(strstr(why, "sequence 2, not seed 7 sequence 3"));
	memset(disk + PATTERN_BLOCK, 0, PATTERN_BLOCK);
	assert_false(check());
	assert_non_null(strstr(why, "offset 12288: not a block of this tool"));
}

static void says_where_it_is_torn(void **state)
{
	uint8_t old[PATTERN_BLOCK];

	(void)state;
	pattern_fill(old, sizeof(old), 7, 12288, 2);
	memcpy(disk + PATTERN_BLOCK + 512, old + 512, sizeof(old) - 512);
	assert_false(check());
	assert_non_null(strstr(why, "torn or damaged from byte 512 on"));
}

static void differs_with_each_parameter(void **state)
{
	static const uint64_t row[][3] = {
		{ 1, 0, 0 }, { 0, 4096, 0 }, { 0, 0, 1 }, { 2, 0, 0 }, { 0, 8192, 0 },
	};
	uint8_t a[PATTERN_BLOCK], b[PATTERN_BLOCK];

	(void)state;
	pattern_fill(a, sizeof(a), 0, 0, 0);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		size_t same = 0;

		pattern_fill(b, sizeof(b), row[i][0], row[i][1], row[i][2]);
		for (size_t at = 32; at < sizeof(b); at++)
			same += a[at] == b[at];
		/* By chance one byte in 256 is equal. */
		assert_in_range(same, 0, PATTERN_BLOCK / 64);
		memcpy(a, b, sizeof(a));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_is_filled_is_right, fill),
		cmocka_unit_test_setup(pieces_make_the_whole, fill),
		cmocka_unit_test_setup(each_bit_counts, fill),
		cmocka_unit_test_setup(says_what_it_holds_instead, fill),
		cmocka_unit_test_setup(says_where_it_is_torn, fill),
		cmocka_unit_test(differs_with_each_parameter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
