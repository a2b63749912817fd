/* SPDX-License-Identifier: MIT */
/* Settings of disks: for all, for some, and what a second reading leaves of the first. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "blk_opts_super.h"

static void set(const char *key, const char *value)
{
	const char *want = "";

	assert_int_equal(blk_opts_set(key, value, &want), 0);
}

static const char *engine_of(const char *params, const char *image, const char *guest)
{
	struct bdev_opts o = blk_opts_for(params, image, guest);

	return blk_opts_name(BLK_OPT_ENGINE, &o);
}

static void what_is_no_setting(void **state)
{
	const char *want = "";

	(void)state;
	assert_int_equal(blk_opts_set("engines", "auto", &want), -ENOENT);
	assert_int_equal(blk_opts_set("engin", "auto", &want), -ENOENT);
	assert_int_equal(blk_opts_set("", "auto", &want), -ENOENT);
	assert_int_equal(blk_opts_set("engine[", "auto", &want), -ENOENT);
	assert_int_equal(blk_opts_set("engine[]", "auto", &want), -ENOENT);
	assert_int_equal(blk_opts_set("engine[/a", "auto", &want), -ENOENT);
	assert_int_equal(blk_opts_set("engine[/a] ", "auto", &want), -ENOENT);
	assert_int_equal(blk_opts_set("engine", "aut", &want), -EINVAL);
	assert_string_equal(want, "auto, io_uring, threads");
	assert_int_equal(blk_opts_set("engine[/a]", "", &want), -EINVAL);
	blk_opts_end(false);
}

static void the_pattern_that_matches_last_stands(void **state)
{
	(void)state;
	set("engine[/srv/*]", "io_uring");
	set("engine[/srv/slow/*]", "threads");
	set("engine[web?]", "auto");
	set("engine", "threads");
	assert_string_equal(engine_of("/x", "/x", "db"), "auto");
	blk_opts_end(true);
	assert_string_equal(engine_of("/x", "/x", NULL), "threads");
	assert_string_equal(engine_of("/srv/a", "/dev/loop0", "db"), "io_uring");
	assert_string_equal(engine_of("made:up", "/srv/a", "db"), "io_uring");
	assert_string_equal(engine_of("/srv/slow/a", "/x", "db"), "threads");
	assert_string_equal(engine_of("/srv/slow/a", "/x", "web1"), "auto");
	assert_string_equal(engine_of("/srv/slow/a", "/x", "web10"), "threads");
}

static void a_reading_that_failed_changes_nothing(void **state)
{
	(void)state;
	set("engine", "io_uring");
	blk_opts_end(false);
	assert_string_equal(engine_of("/x", "/x", NULL), "threads");
	assert_string_equal(engine_of("/srv/a", "/x", NULL), "io_uring");
	/* And one that says nothing is back to the defaults. */
	blk_opts_end(true);
	assert_string_equal(engine_of("/x", "/x", NULL), "auto");
	assert_string_equal(engine_of("/srv/a", "/x", NULL), "auto");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_setting),
		cmocka_unit_test(the_pattern_that_matches_last_stands),
		cmocka_unit_test(a_reading_that_failed_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
