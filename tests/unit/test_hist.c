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

/* What a worker in a guest's hands may have written. */
static void nonsense_is_mended(void **state)
{
	(void)state;
	hist_add(&h, 100);
	hist_add(&h, 200);
	other = h;
	hist_mend(&h);
	assert_memory_equal(&h, &other, sizeof(h));
	h.count = 7;
	h.min = UINT64_MAX;
	hist_mend(&h);
	assert_int_equal(h.count, 2);
	assert_true(h.min <= h.max);

	memset(&h, 0xff, sizeof(h));
	hist_mend(&h);
	assert_true(h.count == UINT64_MAX);
	other = h;
	hist_merge(&other, &h);
	assert_true(other.count == UINT64_MAX && other.sum == UINT64_MAX);
	assert_true(hist_percentile(&h, 99) <= h.max);

	h = (struct hist){ .sum = 5, .min = 3, .max = 9 };
	hist_mend(&h);
	assert_memory_equal(&h, &(struct hist){ 0 }, sizeof(h));
}

static void difference_of_two_copies(void **state)
{
	struct hist want = { 0 };

	(void)state;
	hist_add(&h, 10);
	hist_add(&h, 1000000);
	other = h;
	for (uint64_t v = 100; v < 300; v += 2) {
		hist_add(&h, v);
		hist_add(&want, v);
	}
	hist_since(&h, &other);
	assert_int_equal(h.count, 100);
	assert_int_equal(h.sum, want.sum);
	assert_memory_equal(h.bucket, want.bucket, sizeof(h.bucket));
	/* To the width of a bucket. */
	assert_in_range(h.min, 97, 100);
	assert_in_range(h.max, 298, 303);
	assert_int_equal(hist_percentile(&h, 50), hist_percentile(&want, 50));

	/* The maximum of all time is exact. */
	other = want;
	hist_add(&want, 5000);
	hist_since(&want, &other);
	assert_int_equal(want.max, 5000);

	/* Begun anew meanwhile. */
	h = (struct hist){ 0 };
	hist_add(&h, 70);
	hist_since(&h, &other);
	assert_int_equal(h.count, 1);
	assert_int_equal(h.sum, 0);
}

static void bucket_and_its_edge_agree(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < HIST_BUCKETS; i++) {
		assert_int_equal(hist_bucket(hist_last(i)), i);
		if (i)
			assert_int_equal(hist_bucket(hist_last(i - 1) + 1), i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(empty_is_zero, clear),
		cmocka_unit_test_setup(buckets_are_narrow, clear),
		cmocka_unit_test_setup(percentiles_of_a_ramp, clear),
		cmocka_unit_test_setup(merged_is_as_if_one, clear),
		cmocka_unit_test_setup(nonsense_is_mended, clear),
		cmocka_unit_test_setup(difference_of_two_copies, clear),
		cmocka_unit_test_setup(bucket_and_its_edge_agree, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
