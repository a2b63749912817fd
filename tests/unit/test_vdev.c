/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vdev.h"

/* Numbers of xen-vbd-interface(7), and what libxl makes of them in real stores. */
static const struct {
	const char *name;
	uint32_t devid;
} both_ways[] = {
	{ "xvda", 51712 },
	{ "xvda1", 51713 },
	{ "xvdb", 51728 },
	{ "xvdp15", 202 << 8 | 15 << 4 | 15 },
	{ "xvdq", 1 << 28 | 16 << 8 },
	{ "xvda16", 1 << 28 | 16 },
	{ "xvdaa", 1 << 28 | 26 << 8 },
	{ "xvdzz255", 1 << 28 | 701 << 8 | 255 },
	{ "xvdbgqcv255", (2U << 28) - 1 },
	{ "hda", 768 },
	{ "hda1", 769 },
	{ "hdb", 832 },
	{ "hdc", 5632 },
	{ "hdd63", 22 << 8 | 127 },
	{ "sda", 2048 },
	{ "sdb1", 2065 },
	{ "sdp15", 8 << 8 | 255 },
};

static void names_and_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(both_ways); i++) {
		char name[VDEV_NAME_MAX];
		uint32_t devid = 0;

		assert_int_equal(vdev_parse(both_ways[i].name, &devid), 0);
		assert_int_equal(devid, both_ways[i].devid);
		assert_string_equal(vdev_name(devid, name), both_ways[i].name);
	}
}

static void other_spellings(void **state)
{
	uint32_t devid = 0;

	(void)state;
	assert_int_equal(vdev_parse("d0", &devid), 0);
	assert_int_equal(devid, 51712);
	assert_int_equal(vdev_parse("d2p7", &devid), 0);
	assert_int_equal(devid, 202 << 8 | 2 << 4 | 7);
	assert_int_equal(vdev_parse("d16p1", &devid), 0);
	assert_int_equal(devid, 1 << 28 | 16 << 8 | 1);
	assert_int_equal(vdev_parse("51744", &devid), 0);
	assert_int_equal(devid, 51744);
}

static void nonsense_is_refused(void **state)
{
	static const struct {
		const char *s;
		int rc;
	} row[] = {
		{ "", -EINVAL },           { "xvd", -EINVAL },
		{ "xvdA", -EINVAL },       { "xvda01", -EINVAL },
		{ "xvda256", -ERANGE },    { "xvdzzzzz", -ERANGE },
		{ "xvda1x", -EINVAL },     { "xvda-1", -EINVAL },
		{ "hde", -ERANGE },        { "hda64", -ERANGE },
		{ "sdq", -ERANGE },        { "sda16", -ERANGE },
		{ "d", -EINVAL },          { "dp1", -EINVAL },
		{ "d1p", -EINVAL },        { "d1048576", -ERANGE },
		{ "d12345678", -ERANGE },  { "vda", -EINVAL },
		{ "2147483648", -ERANGE }, { "0x100", -EINVAL },
		{ "/dev/xvda", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		uint32_t devid = 42;

		assert_int_equal(vdev_parse(row[i].s, &devid), row[i].rc);
		assert_int_equal(devid, 42);
	}
}

static void numbers_without_a_name(void **state)
{
	char name[VDEV_NAME_MAX];

	(void)state;
	assert_string_equal(vdev_name(1, name), "vbd-1");
	assert_string_equal(vdev_name(3 << 8 | 128, name), "vbd-896");
	assert_string_equal(vdev_name(UINT32_MAX, name), "vbd-4294967295");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_numbers),
		cmocka_unit_test(other_spellings),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(numbers_without_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
