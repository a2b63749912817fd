/* SPDX-License-Identifier: MIT */
/* The groups that a guest listens to. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compiler.h"
#include "net_mcast.h"

static const uint8_t *group(uint32_t n)
{
	static uint8_t mac[6];

	mac[0] = 1;
	mac[4] = (uint8_t)(n >> 8);
	mac[5] = (uint8_t)n;
	return mac;
}

/* Without a group: stations and everybody, whoever they are. */
static void who_is_no_group(void **state)
{
	static const struct {
		uint8_t mac[6];
		bool pass;
	} rows[] = {
		{ { 0x00, 0x16, 0x3e, 1, 2, 3 }, true },
		{ { 0, 0, 0, 0, 0, 0 }, true },
		{ { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff }, true },
		{ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, true },
		{ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe }, false },
		{ { 0x01, 0x00, 0x5e, 0, 0, 1 }, false },
		{ { 0x33, 0x33, 0xff, 0, 0, 1 }, false },
	};
	struct net_mcast m = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(net_mcast_pass(&m, rows[i].mac), rows[i].pass);
}

static void come_and_go(void **state)
{
	struct net_mcast m = { 0 };

	(void)state;
	net_mcast_del(&m, group(1));
	assert_int_equal(net_mcast_add(&m, group(1)), 0);
	assert_int_equal(net_mcast_add(&m, group(1)), 0);
	assert_int_equal(net_mcast_add(&m, group(2)), 0);
	assert_true(net_mcast_pass(&m, group(1)));
	assert_true(net_mcast_pass(&m, group(2)));
	assert_false(net_mcast_pass(&m, group(3)));
	/* It was there once, however often it was added. */
	net_mcast_del(&m, group(1));
	assert_false(net_mcast_pass(&m, group(1)));
	assert_true(net_mcast_pass(&m, group(2)));
}

static void full(void **state)
{
	struct net_mcast m = { 0 };

	(void)state;
	for (uint32_t i = 0; i < NET_MCAST_MAX; i++)
		assert_int_equal(net_mcast_add(&m, group(i)), 0);
	assert_int_equal(net_mcast_add(&m, group(1000)), -ENOSPC);
	assert_false(net_mcast_pass(&m, group(1000)));
	/* One that is there needs no room. */
	assert_int_equal(net_mcast_add(&m, group(7)), 0);
	net_mcast_del(&m, group(63));
	assert_int_equal(net_mcast_add(&m, group(1000)), 0);
	for (uint32_t i = 0; i < NET_MCAST_MAX - 1; i++)
		assert_true(net_mcast_pass(&m, group(i)));
	assert_true(net_mcast_pass(&m, group(1000)));
}

/* What another worker may have left there is no address of anybody's. */
static void noise(void **state)
{
	struct net_mcast m;

	(void)state;
	memset(&m, 0xa5, sizeof(m));
	assert_int_equal(net_mcast_add(&m, group(1)), -ENOSPC);
	net_mcast_del(&m, group(1));
	assert_false(net_mcast_pass(&m, group(1)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_no_group),
		cmocka_unit_test(come_and_go),
		cmocka_unit_test(full),
		cmocka_unit_test(noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
