/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "compiler.h"
#include "runlock.h"

/* Fields 10 to 30 of proc(5), which say nothing here. */
#define BETWEEN " 0 0 0 0 0 0 0 0 20 0 2 0 9 0 0 18446744073709551615 0 0 0 0 0"
#define AFTER   " 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0\n"

/* proc(5): 31 is the bitmap of pending signals; SIGKILL is signal 9, bit 8. */
static const struct {
	const char *what, *stat;
	bool dying;
} cases[] = {
	{ "sleeps", "7 (pvbackd) S 1 7 7 0 -1 4194624" BETWEEN " 0" AFTER, false },
	{ "runs, SIGTERM pending", "7 (pvbackd) R 1 7 7 0 -1 0" BETWEEN " 16384" AFTER,
	  false },
	{ "stopped", "7 (pvbackd) T 1 7 7 0 -1 0" BETWEEN " 0" AFTER, false },
	{ "waits for storage", "7 (pvbackd) D 1 7 7 0 -1 0" BETWEEN " 0" AFTER, false },
	{ "and is killed", "7 (pvbackd) D 1 7 7 0 -1 0" BETWEEN " 256" AFTER, true },
	{ "killed, among others", "7 (pvbackd) S 1 7 7 0 -1 0" BETWEEN " 16640" AFTER,
	  true },
	{ "on its way out", "7 (pvbackd) D 1 7 7 0 -1 4194628" BETWEEN " 0" AFTER, true },
	{ "its threads remain", "7 (pvbackd) Z 1 7 7 0 -1 0" BETWEEN " 0" AFTER, true },
	{ "gone", "7 (pvbackd) X 1 7 7 0 -1 0" BETWEEN " 0" AFTER, true },
	{ "a name with a bracket", "7 (a) Z 1) S 1 7 7 0 -1 0" BETWEEN " 0" AFTER,
	  false },
	{ "and then dying", "7 (a) S 1) Z 1 7 7 0 -1 0" BETWEEN " 0" AFTER, true },
	{ "cut short", "7 (pvbackd) D 1 7 7", false },
	{ "cut shorter", "7 (pvbackd)", false },
	{ "nothing", "", false },
};

static void dying(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (runlock_dying(cases[i].stat) == cases[i].dying)
			continue;
		print_error("%s\n", cases[i].what);
		fail();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dying),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
