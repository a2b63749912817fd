/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "respawn.h"

static void first_deaths_are_answered_at_once(void **state)
{
	struct respawn r = { 0 };

	(void)state;
	for (uint32_t i = 0; i < RESPAWN_FREE; i++)
		assert_int_equal(respawn_pause(&r, 0, i % 2), 0);
	assert_int_equal(respawn_pause(&r, 0, false), RESPAWN_PAUSE_MIN_MS);
	assert_int_equal(respawn_pause(&r, 0, true), 2 * RESPAWN_PAUSE_MIN_MS);
}

static void pauses_are_bounded(void **state)
{
	struct respawn r = { .young = UINT32_MAX - 1 };

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(respawn_pause(&r, 0, true), RESPAWN_PAUSE_MAX_MS);
}

static void a_life_forgives(void **state)
{
	struct respawn r = { .young = 100 };

	(void)state;
	assert_int_equal(respawn_pause(&r, RESPAWN_YOUNG_MS, false), 0);
	assert_int_equal(r.young, 0);
	assert_int_equal(respawn_pause(&r, RESPAWN_YOUNG_MS, true), 0);
	assert_int_equal(r.young, 1);
	assert_int_equal(respawn_pause(&r, RESPAWN_YOUNG_CRASH_MS, true), 0);
	assert_int_equal(r.young, 0);
}

static void rests_double_up_to_a_minute(void **state)
{
	(void)state;
	assert_int_equal(respawn_rest(0), 0);
	assert_int_equal(respawn_rest(RESPAWN_CRASHES - 1), 0);
	assert_int_equal(respawn_rest(RESPAWN_CRASHES), RESPAWN_REST_MIN_MS);
	assert_int_equal(respawn_rest(RESPAWN_CRASHES + 1), 2 * RESPAWN_REST_MIN_MS);
	assert_int_equal(respawn_rest(RESPAWN_CRASHES + 5), RESPAWN_REST_MAX_MS);
	assert_int_equal(respawn_rest(UINT32_MAX), RESPAWN_REST_MAX_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_deaths_are_answered_at_once),
		cmocka_unit_test(pauses_are_bounded),
		cmocka_unit_test(a_life_forgives),
		cmocka_unit_test(rests_double_up_to_a_minute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
