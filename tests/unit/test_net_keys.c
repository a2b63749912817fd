/* SPDX-License-Identifier: MIT */
/* What the keys of a vif may say. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "compiler.h"
#include "net_keys_super.h"

static void macs(void **state)
{
	static const struct {
		const char *s;
		int rc;
	} rows[] = {
		{ "00:16:3e:01:02:03", 0 },
		{ "FE:FF:FF:FF:FF:FF", 0 },
		{ "", -EINVAL },
		{ "00:16:3e:01:02", -EINVAL },
		{ "00:16:3e:01:02:", -EINVAL },
		{ "00:16:3e:01:02:0", -EINVAL },
		{ "00:16:3e:01:02:03:", -EINVAL },
		{ "00:16:3e:01:02:03 ", -EINVAL },
		{ "00-16-3e-01-02-03", -EINVAL },
		{ "0:16:3e:01:02:03", -EINVAL },
		{ "00:16:3e:01:02:0g", -EINVAL },
		{ "00:00:00:00:00:00", -EINVAL }, /* nobody */
		{ "01:00:5e:01:02:03", -EINVAL }, /* a group */
		{ "ff:ff:ff:ff:ff:ff", -EINVAL }, /* all */
	};
	static const uint8_t want[] = { 0, 0x16, 0x3e, 0xab, 0xcd, 0xef };
	uint8_t mac[6];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (net_mac_parse(rows[i].s, mac) != rows[i].rc)
			fail_msg("\"%s\"", rows[i].s);
	assert_int_equal(net_mac_parse("00:16:3e:Ab:cD:EF", mac), 0);
	assert_memory_equal(mac, want, sizeof(mac));
}

static void rates(void **state)
{
	static const struct {
		const char *s;
		int rc;
		uint64_t bytes;
		uint32_t usec;
	} rows[] = {
		{ "625000,50000", 0, 625000, 50000 }, /* 100 Mb/s, as libxl writes it */
		{ "1,1", 0, 1, 1 },
		{ "18446744073709551615,4294967295", 0, UINT64_MAX, UINT32_MAX },
		{ "0,50000", -EINVAL, 0, 0 },
		{ "1000,0", -EINVAL, 0, 0 },
		{ "1000", -EINVAL, 0, 0 },
		{ "1000,", -EINVAL, 0, 0 },
		{ ",1000", -EINVAL, 0, 0 },
		{ "1000, 1000", -EINVAL, 0, 0 },
		{ "-1,1000", -EINVAL, 0, 0 },
		{ "1000,1000,1", -EINVAL, 0, 0 },
		{ "18446744073709551616,1", -EINVAL, 0, 0 },
		{ "1,4294967296", -EINVAL, 0, 0 },
		{ "100000000000000000000000000000,1", -EINVAL, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t bytes;
		uint32_t usec;
		int rc = net_rate_parse(rows[i].s, &bytes, &usec);

		if (rc != rows[i].rc ||
		    (!rc && (bytes != rows[i].bytes || usec != rows[i].usec)))
			fail_msg("\"%s\"", rows[i].s);
	}
}

static void names(void **state)
{
	static const char *const good[] = { "vif3.0", "x", "fifteen-letters", "a..b" };
	static const char *const bad[] = { "",    ".",   "..",  "sixteen-letters!",
		                           "a/b", "a b", "a:b", "a\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (net_ifname_check(good[i]))
			fail_msg("\"%s\"", good[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (!net_ifname_check(bad[i]))
			fail_msg("\"%s\"", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(macs),
		cmocka_unit_test(rates),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
