/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "num.h"

static void decimal_is_strict(void **state)
{
	static const struct {
		const char *s;
		uint64_t max;
		int rc;
		uint64_t v;
	} row[] = {
		{ "0", UINT64_MAX, 0, 0 },
		{ "51712", UINT32_MAX, 0, 51712 },
		{ "007", UINT64_MAX, 0, 7 },
		{ "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, -ERANGE, 0 },
		{ "99999999999999999999999999", UINT64_MAX, -ERANGE, 0 },
		{ "5", 4, -ERANGE, 0 },
		{ "4", 4, 0, 4 },
		{ "", UINT64_MAX, -EINVAL, 0 },
		{ "-1", UINT64_MAX, -EINVAL, 0 },
		{ "+1", UINT64_MAX, -EINVAL, 0 },
		{ " 1", UINT64_MAX, -EINVAL, 0 },
		{ "1 ", UINT64_MAX, -EINVAL, 0 },
		{ "1\n", UINT64_MAX, -EINVAL, 0 },
		{ "0x10", UINT64_MAX, -EINVAL, 0 },
		{ "1e3", UINT64_MAX, -EINVAL, 0 },
		{ NULL, UINT64_MAX, -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		uint64_t v = 42;

		assert_int_equal(num_u64(row[i].s, row[i].max, &v), row[i].rc);
		assert_true(v == (row[i].rc ? 42 : row[i].v));
	}
}

static void u32_does_not_truncate(void **state)
{
	uint32_t v = 42;

	(void)state;
	assert_int_equal(num_u32("4294967296", UINT32_MAX, &v), -ERANGE);
	assert_int_equal(v, 42);
	assert_int_equal(num_u32("4294967295", UINT32_MAX, &v), 0);
	assert_int_equal(v, UINT32_MAX);
}

static void sizes_have_suffixes(void **state)
{
	static const struct {
		const char *s;
		int rc;
		uint64_t v;
	} row[] = {
		{ "512", 0, 512 },           { "4K", 0, 4096 },
		{ "64M", 0, 64ULL << 20 },   { "1G", 0, 1ULL << 30 },
		{ "2T", 0, 2ULL << 40 },     { "16777215T", 0, 16777215ULL << 40 },
		{ "16777216T", -ERANGE, 0 }, { "1k", -EINVAL, 0 },
		{ "1KB", -EINVAL, 0 },       { "K", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		uint64_t v = 42;

		assert_int_equal(num_size(row[i].s, &v), row[i].rc);
		assert_true(v == (row[i].rc ? 42 : row[i].v));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decimal_is_strict),
		cmocka_unit_test(u32_does_not_truncate),
		cmocka_unit_test(sizes_have_suffixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
