/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pace.h"

static void spinning_is_earned_and_bounded(void **state)
{
	struct pace p = { 0 };

	(void)state;
	assert_int_equal(p.spin_ns, 0);
	pace_slept(&p, PACE_SPIN_MAX_NS - 1);
	assert_int_equal(p.spin_ns, PACE_SPIN_MIN_NS);
	for (int i = 0; i < 10; i++)
		pace_slept(&p, 1000);
	assert_int_equal(p.spin_ns, PACE_SPIN_MAX_NS);
	pace_slept(&p, PACE_SPIN_MAX_NS);
	assert_int_equal(p.spin_ns, 0);
}

static void storm_is_slowed_down(void **state)
{
	struct pace p = { 0 };
	uint64_t sum = 0, last = 0;

	(void)state;
	for (uint32_t i = 0; i < PACE_EMPTY_FREE; i++)
		assert_int_equal(pace_event(&p, false), 0);
	assert_int_equal(pace_event(&p, false), PACE_DELAY_MIN_NS);
	for (int i = 0; i < 100; i++) {
		last = pace_event(&p, false);
		sum += last;
	}
	assert_int_equal(last, PACE_DELAY_MAX_NS);
	/* A hundred events take at least five seconds. */
	assert_true(sum > 5000000000);
}

static void one_request_forgives(void **state)
{
	struct pace p = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++)
		pace_event(&p, false);
	assert_int_equal(pace_event(&p, true), 0);
	for (uint32_t i = 0; i < PACE_EMPTY_FREE; i++)
		assert_int_equal(pace_event(&p, false), 0);
	assert_true(pace_event(&p, false) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spinning_is_earned_and_bounded),
		cmocka_unit_test(storm_is_slowed_down),
		cmocka_unit_test(one_request_forgives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
