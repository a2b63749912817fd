/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "witness.h"

#define ORDERS 3U

/* Write 1 is sectors 0 to 8, write 2 sectors 4 to 12, write 3 sectors 20 to 28; write 4 a
 * barrier at 40. Write 5 is as 1, on another queue. */
static const struct stamp write_of[] = {
	{ 0 },
	{ .write = 1, .first = 0, .n = 8, .order = 1 },
	{ .write = 2, .first = 4, .n = 8, .order = 2 },
	{ .write = 3, .first = 20, .n = 8, .order = 3 },
	{ .write = 4, .first = 40, .n = 8, .order = 4, .kind = ORDERS },
	{ .write = 5, .first = 0, .n = 8, .order = 0, .queue = 1 },
};

/* "+1" storage begins write 1, "-1" it has ended; "1" both; "!" what is out of order. */
static const struct {
	const char *what, *events;
} rows[] = {
	{ "what is done once is done in any order", "2 1 4 3" },
	{ "at the same time, too", "+2 +1 -1 -2" },
	{ "what is done again is done in order", "2 1 1 2" },
	{ "the younger first", "1 2 2 !1" },
	{ "it was never done before", "2 2 !1" },
	{ "not at the same time", "1 2 +1 !2" },
	{ "again and again", "1 2 1 1 2" },
	{ "if they do not touch each other it does not matter", "1 3 3 1" },
	{ "a barrier waits for all", "1 4 +1 !4" },
	{ "and all for it", "3 4 4 !3" },
	{ "a younger one may follow it", "3 4 3 4" },
	{ "each queue by itself", "1 5 1 5 5 1" },
};

static void order(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct witness *w;

		assert_int_equal(witness_new(&w, 1U << ORDERS), 0);
		for (const char *e = rows[i].events; *e; e += *e == ' ') {
			bool bad = *e == '!', begin, end;
			struct stamp s;
			char why[200];

			e += bad;
			begin = *e != '-';
			end = *e != '+';
			e += !begin + !end;
			s = write_of[*e++ - '0'];
			s.sector = s.first;
			if (begin && witness_begin(w, &s, s.n, why, sizeof(why)) == bad)
				fail_msg("%s: %s: wrong at %s", rows[i].what,
				         rows[i].events, e);
			if (end)
				witness_end(w, &s);
		}
		witness_free(w);
	}
}

static void pieces_are_not_repetitions(void **state)
{
	struct stamp s = write_of[2], old = write_of[1];
	struct witness *w;
	char why[200];

	(void)state;
	assert_int_equal(witness_new(&w, 0), 0);
	s.sector = 4;
	assert_true(witness_begin(w, &s, 4, why, sizeof(why)));
	witness_end(w, &s);
	s.sector = 8;
	assert_true(witness_begin(w, &s, 4, why, sizeof(why)));
	assert_int_equal(witness_again(w), 0);
	assert_true(witness_begin(w, &old, 8, why, sizeof(why)));
	s.sector = 11;
	assert_false(witness_begin(w, &s, 1, why, sizeof(why)));
	assert_int_equal(witness_again(w), 1);
	witness_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order),
		cmocka_unit_test(pieces_are_not_repetitions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
