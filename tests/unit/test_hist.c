/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compiler.h"
#include "hist.h"

static struct hist h, other;

static int clear(void **state)
{
	(void)state;
	h = other = (struct hist){ 0 };
	return 0;
}

static void empty_is_zero(void **state)
{
	(void)state;
	assert_int_equal(hist_percentile(&h, 50), 0);
	assert_int_equal(hist_mean(&h), 0);
}

/* Whatever the value, its bucket's upper edge is not below it and at most 1/32 above. */
static void buckets_are_narrow(void **state)
{
	static const uint64_t row[] = { 0,         1,         31,        32,
		                        33,        63,        64,        65,
		                        1000,      4095,      4096,      4097,
		                        999999,    1000000,   123456789, UINT32_MAX,
		                        INT64_MAX, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		uint64_t p;

		h = (struct hist){ 0 };
		hist_add(&h, row[i]);
		/* Without a larger maximum the percentile would be cut to it. */
		h.max = UINT64_MAX;
		p = hist_percentile(&h, 50);
		assert_true(p >= row[i]);
		assert_true(p - row[i] <= row[i] / 32);
	}
}

static void percentiles_of_a_ramp(void **state)
{
	(void)state;
	for (uint64_t v = 1; v <= 100000; v++)
		hist_add(&h, v);
	assert_int_equal(h.count, 100000);
	assert_int_equal(h.min, 1);
	assert_int_equal(h.max, 100000);
	assert_int_equal(hist_mean(&h), 50000);
	assert_in_range(hist_percentile(&h, 50), 50000, 51563);
	assert_in_range(hist_percentile(&h, 99), 99000, 100000);
	assert_int_equal(hist_percentile(&h, 100), 100000);
	assert_int_equal(hist_percentile(&h, 0), 1);
}

static void merged_is_as_if_one(void **state)
{
	struct hist both = { 0 };

	(void)state;
	for (uint64_t v = 5; v < 5000; v += 3) {
		hist_add(v % 2 ? &h : &other, v);
		hist_add(&both, v);
	}
	hist_merge(&h, &other);
	assert_memory_equal(&h, &both, sizeof(h));
	other = (struct hist){ 0 };
	hist_merge(&h, &other);
	assert_memory_equal(&h, &both, sizeof(h));
	hist_merge(&other, &both);
	assert_memory_equal(&other, &both, sizeof(h));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(empty_is_zero, clear),
		cmocka_unit_test_setup(buckets_are_narrow, clear),
		cmocka_unit_test_setup(percentiles_of_a_ramp, clear),
		cmocka_unit_test_setup(merged_is_as_if_one, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
