/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "blkfront_fixture.h"
#include "blkfront_io.h"

static void connects_and_closes(void **state)
{
	(void)state;
	assert_int_equal(open_disk(), 0);
	assert_string_equal(fake.states, "34");
	assert_string_equal(fake_get(FRONT "/event-channel"), "9");
	assert_string_equal(fake_get(FRONT "/protocol"), "x86_64-abi");
	assert_string_equal(fake_get(FRONT "/feature-persistent"), "1");
	assert_int_equal(blkfront_close(bf), 0);
	bf = NULL;
	assert_string_equal(fake.states, "3456");
	assert_null(fake_get(FRONT "/ring-ref"));
	assert_null(fake_get(FRONT "/event-channel"));
	assert_null(fake_get(FRONT "/feature-persistent"));
}

static void reads_what_the_backend_says(void **state)
{
	(void)state;
	fake_set(BACK "/info", "5");
	assert_int_equal(open_disk(), 0);
	assert_int_equal(blkfront_info(bf)->bytes, DISK);
	assert_int_equal(blkfront_info(bf)->sector_size, 512);
	assert_int_equal(blkfront_info(bf)->physical_size, 4096);
	assert_true(blkfront_info(bf)->flush);
	assert_true(blkfront_info(bf)->persistent);
	assert_true(blkfront_info(bf)->readonly);
	assert_true(blkfront_info(bf)->cdrom);
}

static void optional_keys_may_be_missing(void **state)
{
	(void)state;
	fake_rm(BACK "/physical-sector-size");
	fake_rm(BACK "/feature-flush-cache");
	fake_rm(BACK "/feature-persistent");
	assert_int_equal(open_disk(), 0);
	assert_int_equal(blkfront_info(bf)->physical_size, 512);
	assert_false(blkfront_info(bf)->flush);
	assert_false(blkfront_info(bf)->persistent);
}

static void nonsense_keys_are_a_breach(void **state)
{
	static const char *const row[][2] = {
		{ "sectors", "" },         { "sectors", "0x800" },
		{ "sectors", "-1" },       { "sectors", "18014398509481984" },
		{ "info", "no" },          { "sector-size", "0" },
		{ "sector-size", "1536" }, { "sector-size", "8192" },
		{ "sector-size", "256" },  { "feature-flush-cache", "yes" },
		{ "sectors", NULL },       { "info", NULL },
		{ "sector-size", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		char path[96];

		fake_begin();
		snprintf(path, sizeof(path), BACK "/%s", row[i][0]);
		if (row[i][1])
			fake_set(path, row[i][1]);
		else
			fake_rm(path);
		assert_int_equal(open_disk(), -EPROTO);
		assert_string_equal(fake.states, "356");
		assert_int_equal(fake.shared, 0);
		assert_int_equal(fake.handles, 0);
	}
}

static void sizes_that_do_not_fit_are_a_breach(void **state)
{
	(void)state;
	fake_set(BACK "/sector-size", "1536");
	fake_set(BACK "/sectors", "3072");
	assert_int_equal(open_disk(), -EPROTO);
	fake_begin();
	fake_set(BACK "/sector-size", "4096");
	fake_set(BACK "/sectors", "2047");
	assert_int_equal(open_disk(), -EPROTO);
}

static void another_ones_disk_is_left_alone(void **state)
{
	static const char *const busy[] = { "3", "4", "5" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(busy); i++) {
		fake_begin();
		fake_set(FRONT "/state", busy[i]);
		assert_int_equal(open_disk(), -EBUSY);
		assert_string_equal(fake.states, "");
	}
}

static void a_dead_ones_disk_is_taken_over(void **state)
{
	(void)state;
	fake_set(FRONT "/state", "4");
	fake_set(BACK "/state", "4");
	conf.reset = true;
	assert_int_equal(open_disk(), 0);
	assert_string_equal(fake.states, "56134");
}

static void a_closed_one_starts_anew(void **state)
{
	(void)state;
	fake_set(FRONT "/state", "6");
	fake_set(BACK "/state", "6");
	assert_int_equal(open_disk(), 0);
	assert_string_equal(fake.states, "134");
}

/* Initialising written before it has seen Closed would be lost on it. */
static void waits_for_a_backend_that_is_still_closing(void **state)
{
	(void)state;
	fake.mute = true;
	fake_set(FRONT "/state", "6");
	fake_set(BACK "/state", "5");
	assert_int_equal(open_disk(), -ETIMEDOUT);
	assert_string_equal(fake.states, "");
}

static void no_such_disk(void **state)
{
	(void)state;
	assert_int_equal(blkfront_open(&bf, 51728, &conf), -ENODEV);
}

static void a_mute_backend_times_out(void **state)
{
	(void)state;
	fake.mute = true;
	fake_set(BACK "/state", "1");
	assert_int_equal(open_disk(), -ETIMEDOUT);
	assert_string_equal(fake.states, "");
	fake_set(BACK "/state", "2");
	assert_int_equal(open_disk(), -ETIMEDOUT);
	assert_string_equal(fake.states, "35");
}

static void a_backend_declines(void **state)
{
	(void)state;
	fake.decline = true;
	assert_int_equal(open_disk(), -ENODEV);
	assert_string_equal(fake.states, "356");
}

static void waking_up_ends_a_wait(void **state)
{
	(void)state;
	conf.wake_fd = eventfd(1, EFD_CLOEXEC);
	fake_set(BACK "/state", "1");
	assert_int_equal(open_disk(), -EINTR);
	fake_set(BACK "/state", "2");
	assert_int_equal(open_disk(), 0);
	assert_int_equal(blkfront_wait(bf, 0, -1), 1);
	/* It must not keep us from waiting for the backend to follow us to Closed. */
	fake.mute = true;
	assert_int_equal(blkfront_close(bf), -ETIMEDOUT);
	bf = NULL;
	assert_string_equal(fake.states, "345");
	close(conf.wake_fd);
}

static void connects_again_and_again(void **state)
{
	uint8_t block[4096];

	(void)state;
	memset(fake.disk, 0x5a, DISK);
	assert_int_equal(open_disk(), 0);
	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(
			blkio_sync(bf, BLKIF_OP_READ, 4096, block, 4096, TIMEOUT), 0);
		assert_memory_equal(block, fake.disk + 4096, 4096);
		assert_int_equal(blkfront_reconnect(bf), 0);
		assert_int_equal(fake.shared, 1);
	}
	assert_int_equal(fake.handles, 3);
	assert_int_equal(blkfront_stats(bf, BLKFRONT_ANY).requests, 100);
	assert_int_equal(blkfront_stats(bf, BLKFRONT_ANY).notifies, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(connects_and_closes),
		T(reads_what_the_backend_says),
		T(optional_keys_may_be_missing),
		T(nonsense_keys_are_a_breach),
		T(sizes_that_do_not_fit_are_a_breach),
		T(another_ones_disk_is_left_alone),
		T(a_dead_ones_disk_is_taken_over),
		T(a_closed_one_starts_anew),
		T(waits_for_a_backend_that_is_still_closing),
		T(no_such_disk),
		T(a_mute_backend_times_out),
		T(a_backend_declines),
		T(waking_up_ends_a_wait),
		T(connects_again_and_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
