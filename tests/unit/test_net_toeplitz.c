/* SPDX-License-Identifier: MIT */
/* The Toeplitz hash, with the verification suite that Microsoft publishes for RSS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>

#include <cmocka.h>

#include "compiler.h"
#include "net_toeplitz.h"

static const uint8_t suite_key[NET_HASH_KEY] = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e,
	                                         0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	                                         0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae,
	                                         0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	                                         0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7,
	                                         0x3b, 0xbe, 0xac, 0x01, 0xfa };

static const struct {
	const char *to;
	uint16_t to_port;
	const char *from;
	uint16_t from_port;
	uint32_t plain, tcp;
} suite[] = {
	{ "161.142.100.80", 1766, "66.9.149.187", 2794, 0x323e8fc2, 0x51ccc178 },
	{ "65.69.140.83", 4739, "199.92.111.2", 14230, 0xd718262a, 0xc626b0ea },
	{ "12.22.207.184", 38024, "24.19.198.95", 12898, 0xd2d0a5de, 0x5c2b394a },
	{ "209.142.163.6", 2217, "38.27.205.30", 48228, 0x82989176, 0xafc7327f },
	{ "202.188.127.2", 1303, "153.39.163.191", 44251, 0x5d1809c5, 0x10e828a2 },
	{ "3ffe:2501:200:3::1", 1766, "3ffe:2501:200:1fff::7", 2794, 0x2cc18cd5,
	  0x40207d3d },
	{ "ff02::1", 4739, "3ffe:501:8::260:97ff:fe40:efab", 14230, 0x0f0c461c,
	  0xdde51bbf },
	{ "fe80::200:f8ff:fe21:67cf", 38024, "3ffe:1900:4545:3:200:f8ff:fe21:67cf", 44251,
	  0x4b61e985, 0x02d1feef },
};

static void verification_suite(void **state)
{
	struct net_toeplitz t;

	(void)state;
	net_toeplitz_init(&t, suite_key);
	for (size_t i = 0; i < ARRAY_SIZE(suite); i++) {
		int family = strchr(suite[i].to, ':') ? AF_INET6 : AF_INET;
		uint32_t size = family == AF_INET6 ? 16 : 4;
		uint16_t from = htons(suite[i].from_port), to = htons(suite[i].to_port);
		uint8_t input[NET_HASH_INPUT];

		assert_int_equal(inet_pton(family, suite[i].from, input), 1);
		assert_int_equal(inet_pton(family, suite[i].to, input + size), 1);
		memcpy(input + (size_t)size * 2, &from, 2);
		memcpy(input + (size_t)size * 2 + 2, &to, 2);
		assert_int_equal(net_toeplitz(&t, input, size * 2), suite[i].plain);
		assert_int_equal(net_toeplitz(&t, input, size * 2 + 4), suite[i].tcp);
	}
}

/* What the program that steers frames relies on. */
static void zeros_add_nothing(void **state)
{
	uint8_t input[NET_HASH_INPUT] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct net_toeplitz t;

	(void)state;
	net_toeplitz_init(&t, suite_key);
	assert_int_equal(net_toeplitz(&t, input, 8),
	                 net_toeplitz(&t, input, NET_HASH_INPUT));
	assert_int_not_equal(net_toeplitz(&t, input, 8), 0);
	assert_int_equal(net_toeplitz(&t, input, 0), 0);
}

/* netif.h: without a key a hash is always zero. */
static void no_key(void **state)
{
	static const uint8_t none[NET_HASH_KEY];
	uint8_t input[NET_HASH_INPUT];
	struct net_toeplitz t;

	(void)state;
	memset(input, 0xff, sizeof(input));
	net_toeplitz_init(&t, none);
	assert_int_equal(net_toeplitz(&t, input, sizeof(input)), 0);
}

/* Each bit alone is the 32 bits of the key that begin at its place. */
static void each_bit(void **state)
{
	struct net_toeplitz t;

	(void)state;
	net_toeplitz_init(&t, suite_key);
	for (uint32_t bit = 0; bit < NET_HASH_INPUT * 8; bit++) {
		uint8_t input[NET_HASH_INPUT] = { 0 };
		uint32_t want = 0;

		for (uint32_t i = bit; i < bit + 32; i++)
			want = want << 1 |
			       ((uint32_t)suite_key[i / 8] >> (7 - i % 8) & 1U);
		input[bit / 8] = (uint8_t)(0x80 >> bit % 8);
		assert_int_equal(net_toeplitz(&t, input, sizeof(input)), want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verification_suite),
		cmocka_unit_test(zeros_add_nothing),
		cmocka_unit_test(no_key),
		cmocka_unit_test(each_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
