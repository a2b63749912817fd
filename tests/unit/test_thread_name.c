/* SPDX-License-Identifier: MIT */
/* Names of threads: each is of its device, and of no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compiler.h"
#include "thread_name.h"

static void of_one_queue(void **state)
{
	char name[THREAD_NAME];

	(void)state;
	thread_name("guest 3 vbd-51712", 0, 1, name);
	assert_string_equal(name, "vbd-51712");
	thread_name("guest 3 vbd-268439552", 12, 16, name);
	assert_string_equal(name, "vbd-268439552.2");
	thread_name("vif-0", 3, 8, name);
	assert_string_equal(name, "vif-0.3");
}

static void each_is_its_own(void **state)
{
	static const char *const tag[] = {
		"guest 3 vbd-5171", "guest 3 vbd-51712",     "guest 3 vbd-517120",
		"guest 3 vif-0",    "guest 3 vbd-268439552", "guest 3 vif-12345678901234"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tag); i++)
		for (uint32_t q = 0; q < 9; q++) {
			char name[THREAD_NAME];

			thread_name(tag[i], q, q ? 9 : 1, name);
			assert_in_range(strlen(name), 5, THREAD_NAME - 1);
			for (size_t k = 0; k < ARRAY_SIZE(tag); k++)
				assert_int_equal(thread_is_of(name, tag[k]), i == k);
		}
}

static void none(void **state)
{
	static const char *const name[] = {
		"",           "pvbackd-worker", "vbd-",
		"vbd-51712.", "vbd-51712.x",    "vbd-51712.11",
		"vbd-517123", "vbd-5171"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(name); i++)
		assert_false(thread_is_of(name[i], "guest 3 vbd-51712"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_one_queue),
		cmocka_unit_test(each_is_its_own),
		cmocka_unit_test(none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
