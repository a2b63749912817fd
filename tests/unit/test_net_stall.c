/* SPDX-License-Identifier: MIT */
/* When a guest has stopped receiving. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "compiler.h"
#include "net_stall.h"

#define NO   NET_STALL_NOTHING
#define DROP NET_STALL_DROP
#define OFF  NET_STALL_OFF
#define ON   NET_STALL_ON

/**
 * struct look - At one time
 * @waits:	Frames do; if not that is said when it is asked for
 * @next:	What net_stall_wait() says then
 */
struct look {
	uint64_t now;
	bool starved, waits;
	enum net_stall_do want;
	int64_t next;
};

static void run(struct net_stall *s, const struct look *row, size_t n)
{
	for (size_t i = 0; i < n; i++, row++) {
		enum net_stall_do is = net_stall_look(s, row->starved, row->now);

		if (is != row->want)
			fail_msg("at %lu: %d", (unsigned long)row->now, is);
		if (is == DROP || is == OFF) {
			if (row->waits)
				net_stall_dropped(s, is == OFF, row->now);
			else
				net_stall_idle(s, row->now);
		}
		if (net_stall_wait(s, row->now) != row->next)
			fail_msg("at %lu: wait %ld", (unsigned long)row->now,
			         (long)net_stall_wait(s, row->now));
	}
}

static void drops_then_unplugs(void **state)
{
	static const struct look rows[] = {
		{ 5, false, true, NO, -1 },      { 100, true, true, NO, 10 },
		{ 109, true, true, NO, 1 },      { 110, true, true, DROP, 10 },
		{ 119, true, true, NO, 1 },      { 121, true, true, DROP, 10 },
		{ 159, true, true, DROP, 1 },    { 160, true, true, OFF, 10 },
		{ 161, true, true, NO, 9 },      { 170, true, true, DROP, 10 },
		{ 10000, true, true, DROP, 10 }, { 10001, false, true, ON, -1 },
		{ 10002, false, true, NO, -1 },  { 10003, true, true, NO, 10 },
	};
	struct net_stall s = { .drain = 10, .after = 60 };

	(void)state;
	run(&s, rows, ARRAY_SIZE(rows));
}

/* A guest for which nothing comes may be without slots for ever. */
static void idle_is_no_stall(void **state)
{
	static const struct look rows[] = {
		{ 100, true, false, NO, 10 },   { 110, true, false, DROP, 10 },
		{ 165, true, false, DROP, 10 }, { 230, true, false, OFF, 10 },
		{ 240, true, true, DROP, 10 },  { 289, true, true, DROP, 1 },
		{ 290, true, true, OFF, 10 },
	};
	struct net_stall s = { .drain = 10, .after = 60 };

	(void)state;
	run(&s, rows, ARRAY_SIZE(rows));
}

/* Slots that come in time, however few, begin it anew. */
static void slots_in_time(void **state)
{
	struct net_stall s = { .drain = 0, .after = 60 };

	(void)state;
	for (uint64_t now = 1; now < 100000; now += 50) {
		assert_int_equal(net_stall_look(&s, true, now), NO);
		assert_int_equal(net_stall_wait(&s, now), 60);
		assert_int_equal(net_stall_look(&s, true, now + 49), NO);
		assert_int_equal(net_stall_look(&s, false, now + 49), NO);
	}
}

static void switched_off(void **state)
{
	struct net_stall s = { 0 };

	(void)state;
	for (uint64_t now = 1; now < UINT64_MAX / 3; now *= 2) {
		assert_int_equal(net_stall_look(&s, true, now), NO);
		assert_int_equal(net_stall_wait(&s, now), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drops_then_unplugs),
		cmocka_unit_test(idle_is_no_stall),
		cmocka_unit_test(slots_in_time),
		cmocka_unit_test(switched_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
