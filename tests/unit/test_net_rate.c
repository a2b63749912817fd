/* SPDX-License-Identifier: MIT */
/* The token bucket of a vif. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net_rate.h"

#define MS 1000000ULL
#define S  (1000 * MS)

/* Bytes that go in @ns when frames of @len always wait. */
static uint64_t run(struct net_rate *r, uint32_t len, uint64_t now, uint64_t ns)
{
	uint64_t end = now + ns, sent = 0;

	while (now < end) {
		uint64_t wait = net_rate_take(r, len, now);

		now += wait;
		sent += wait ? 0 : len;
	}
	return sent;
}

static void no_limit(void **state)
{
	struct net_rate r;

	(void)state;
	net_rate_init(&r, 0, 0, 5);
	for (int i = 0; i < 1000000; i++)
		assert_int_equal(net_rate_take(&r, 65535, 5), 0);
}

/* 10 Mbyte/s for 10 s, with frames of all sizes: the burst at first, then the rate. */
static void keeps_to_it(void **state)
{
	static const uint32_t len[] = { 60, 1514, 9014, 65535 };

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct net_rate r;
		uint64_t sent;

		net_rate_init(&r, 500000, 50000, 7);
		sent = run(&r, len[i], 7, 10 * S);
		assert_in_range(sent, 100000000 + 500000 - 65535,
		                100000000 + 500000 + 65535);
	}
}

/* A window smaller than a frame: Linux's netback would stop for ever without its minimum.
 */
static void frames_larger_than_the_window(void **state)
{
	struct net_rate r;
	uint64_t sent;

	(void)state;
	net_rate_init(&r, 1000, 1000, 0);
	sent = run(&r, 65535, 0, 100 * S);
	assert_in_range(sent, 100000000, 100000000 + NET_RATE_BURST + 65535);
}

/* What was not used is not saved up for later. */
static void no_hoard(void **state)
{
	struct net_rate r;

	(void)state;
	net_rate_init(&r, 500000, 50000, 0);
	assert_true(net_rate_take(&r, 60, 3600 * S) == 0);
	assert_in_range(run(&r, 1514, 3600 * S, 1 * MS), 500000, 520000);
}

/* A slow rate is not rounded to nothing, a fast one does not overflow. */
static void extremes(void **state)
{
	struct net_rate r;
	uint64_t wait;

	(void)state;
	net_rate_init(&r, 1, 4294967295U, 0);
	while (!(wait = net_rate_take(&r, 65535, 0)))
		;
	assert_true(wait > 3600 * S);
	assert_int_equal(net_rate_take(&r, 60, wait), 0);
	net_rate_init(&r, UINT64_MAX, 1, 0);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(net_rate_take(&r, 65535, (uint64_t)i << 40), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_limit),
		cmocka_unit_test(keeps_to_it),
		cmocka_unit_test(frames_larger_than_the_window),
		cmocka_unit_test(no_hoard),
		cmocka_unit_test(extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
