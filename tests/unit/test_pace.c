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
	pace_waited(&p, PACE_SPIN_MAX_NS - 1);
	assert_int_equal(p.spin_ns, PACE_SPIN_MIN_NS);
	for (int i = 0; i < 10; i++)
		pace_waited(&p, 1000);
	assert_int_equal(p.spin_ns, PACE_SPIN_MAX_NS);
	pace_waited(&p, PACE_SPIN_MAX_NS);
	assert_int_equal(p.spin_ns, 0);
}

static void slow_storage_ends_spinning(void **state)
{
	struct pace p = { .spin_ns = PACE_SPIN_MAX_NS };

	(void)state;
	pace_stored(&p, PACE_STORED_NS - 1);
	assert_int_equal(p.spin_ns, PACE_SPIN_MAX_NS);
	pace_stored(&p, PACE_STORED_NS);
	assert_int_equal(p.spin_ns, 0);
}

/* What never succeeds is tried seldom, what does always, and one failure is forgiven. */
static void a_try_goes_on_while_it_succeeds(void **state)
{
	struct pace_try t = { 0 };
	uint32_t tries = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_true(pace_try(&t));
		pace_tried(&t, true);
	}
	assert_true(pace_try(&t));
	pace_tried(&t, false);
	assert_true(pace_try(&t));
	for (int i = 0; i < 10000; i++)
		if (pace_try(&t)) {
			pace_tried(&t, false);
			tries++;
		}
	/* 7 with rests of 1, 3 ... 127, which is 254 turns; then one in 256. */
	assert_int_equal(tries, 7 + (10000 - 254 + 255) / 256);
	for (int i = 0; i < 300; i++)
		if (pace_try(&t))
			pace_tried(&t, true);
	for (int i = 0; i < 300; i++)
		assert_true(pace_try(&t));
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
		cmocka_unit_test(slow_storage_ends_spinning),
		cmocka_unit_test(a_try_goes_on_while_it_succeeds),
		cmocka_unit_test(storm_is_slowed_down),
		cmocka_unit_test(one_request_forgives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
