/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "blk_keys_super.h"

static void modes(void **state)
{
	static const struct {
		const char *s;
		int rc;
		bool ro, shared;
	} row[] = {
		{ "r", 0, true, false },         { "w", 0, false, false },
		{ "r!", 0, true, true },         { "w!", 0, false, true },
		{ "", -EINVAL, false, false },   { "rw", -EINVAL, false, false },
		{ "W", -EINVAL, false, false },  { "w ", -EINVAL, false, false },
		{ "!", -EINVAL, false, false },  { "w!!", -EINVAL, false, false },
		{ "ro", -EINVAL, false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		bool ro = false, shared = false;

		assert_int_equal(blk_mode_parse(row[i].s, &ro, &shared), row[i].rc);
		assert_int_equal(ro, row[i].ro);
		assert_int_equal(shared, row[i].shared);
	}
}

static void protocols(void **state)
{
	enum blk_protocol p;

	(void)state;
	assert_int_equal(blk_protocol_parse("x86_64-abi", &p), 0);
	assert_int_equal(p, BLK_PROTO_X86_64);
	assert_int_equal(blk_protocol_parse("x86_32-abi", &p), 0);
	assert_int_equal(p, BLK_PROTO_X86_32);
	assert_int_equal(blk_protocol_parse("arm-abi", &p), -EINVAL);
	assert_int_equal(blk_protocol_parse("x86_64-abi ", &p), -EINVAL);
	assert_int_equal(blk_protocol_parse("", &p), -EINVAL);
}

static void device_numbers_are_hex(void **state)
{
	static const struct {
		const char *s;
		int rc;
		unsigned int major, minor;
	} row[] = {
		{ "7:0", 0, 7, 0 },
		{ "fd:1a", 0, 0xfd, 0x1a },
		{ "fff:fffff", 0, 0xfff, 0xfffff },
		{ "1000:0", -EINVAL, 1, 1 },
		{ "0:100000", -EINVAL, 1, 1 },
		{ "7:0000000", -EINVAL, 1, 1 },
		{ "7", -EINVAL, 1, 1 },
		{ "7:", -EINVAL, 1, 1 },
		{ ":7", -EINVAL, 1, 1 },
		{ "7:g", -EINVAL, 1, 1 },
		{ "0x7:0", -EINVAL, 1, 1 },
		{ "-7:0", -EINVAL, 1, 1 },
		{ "7:0 ", -EINVAL, 1, 1 },
		{ "", -EINVAL, 1, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		unsigned int major = 1, minor = 1;

		assert_int_equal(blk_device_parse(row[i].s, &major, &minor), row[i].rc);
		assert_int_equal(major, row[i].major);
		assert_int_equal(minor, row[i].minor);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(modes),
		cmocka_unit_test(protocols),
		cmocka_unit_test(device_numbers_are_hex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
