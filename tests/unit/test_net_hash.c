/* SPDX-License-Identifier: MIT */
/* Which hash a frame has, and what the memory of the program that steers says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hash_frames.h"
#include "net_steer.h"

static uint8_t key[NET_HASH_KEY];
static struct net_toeplitz toeplitz;

static int setup(void **state)
{
	(void)state;
	hash_bytes(key, sizeof(key), 99);
	net_toeplitz_init(&toeplitz, key);
	return 0;
}

/* What is hashed, put together from where the header has it. */
static uint32_t wanted(const struct hash_row *r, const uint8_t *ip)
{
	bool v6 = r->as >= _XEN_NETIF_CTRL_HASH_TYPE_IPV6;
	uint32_t len = v6 ? 32 : 8;
	uint8_t input[NET_HASH_INPUT];

	memcpy(input, ip + (v6 ? 8 : 12), len);
	if (r->ports)
		memcpy(input + len, ip + r->ports, 4);
	return net_toeplitz(&toeplitz, input, len + (r->ports ? 4 : 0));
}

static void each_frame(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hash_rows); i++) {
		const struct hash_row *r = &hash_rows[i];
		uint32_t ip, len, hash = 0;
		uint8_t frame[128], type = T_NONE;

		len = hash_frame(r, (uint32_t)i, frame, &ip);
		if (net_hash_frame(&toeplitz, r->types, frame, len, &hash, &type) !=
		    (r->as != T_NONE))
			fail_msg("%s: is hashed as %u", r->what, type);
		if (r->as == T_NONE)
			continue;
		if (type != r->as || hash != wanted(r, frame + ip))
			fail_msg("%s: type %u, hash %#x", r->what, type, hash);
	}
}

/* No more is read than there is: each frame ends with its page. */
static void no_byte_too_many(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hash_rows); i++) {
		uint32_t ip, full, hash;
		uint8_t frame[128], type;

		full = hash_frame(&hash_rows[i], (uint32_t)i, frame, &ip);
		for (uint32_t len = 0; len <= full; len++) {
			/* AddressSanitizer sees what is beyond. */
			uint8_t *copy = malloc(len ? len : 1);

			assert_non_null(copy);
			memcpy(copy, frame, len);
			(void)net_hash_frame(&toeplitz, T_ALL, copy, len, &hash, &type);
			free(copy);
		}
	}
}

static void configurations(void **state)
{
	struct net_hash_conf c = { 0 };

	(void)state;
	assert_true(net_hash_conf_ok(&c, 1));
	assert_false(net_hash_on(&c));
	c.algorithm = XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ;
	assert_true(net_hash_conf_ok(&c, 1));
	/* No types: the backend is free to choose. */
	assert_false(net_hash_on(&c));
	c.types = T4;
	assert_true(net_hash_on(&c));
	c.size = NET_HASH_MAP;
	c.to[NET_HASH_MAP - 1] = 3;
	assert_true(net_hash_conf_ok(&c, 4));
	assert_false(net_hash_conf_ok(&c, 3));
	c.size = NET_HASH_MAP - 1;
	assert_true(net_hash_conf_ok(&c, 3));
	c.size = NET_HASH_MAP + 1;
	assert_false(net_hash_conf_ok(&c, 4));
	c.size = 0;
	c.types = 16;
	assert_false(net_hash_conf_ok(&c, 4));
	c.types = T4;
	c.algorithm = 2;
	assert_false(net_hash_conf_ok(&c, 4));
	c.algorithm = XEN_NETIF_CTRL_HASH_ALGORITHM_NONE;
	assert_false(net_hash_on(&c));
}

/* The way that is read is never the one that is written. */
static void two_ways(void **state)
{
	static const uint8_t other[NET_HASH_KEY] = { 1, 2, 3 };
	static struct net_steer s, before;
	struct net_hash_conf c = {
		.algorithm = 1, .types = T4, .size = 2, .to = { 1, 0 }
	};

	(void)state;
	for (uint32_t i = 0; i < 6; i++) {
		uint32_t was = s.which & 1;
		const struct net_steer_way *w;

		before = s;
		c.key[0] = (uint8_t)i;
		c.types = i % 2 ? T4 : T6;
		c.size = i;
		net_steer_set(&s, &c, 3, c.key);
		assert_int_equal(s.which, !was);
		assert_memory_equal(&s.way[was], &before.way[was], sizeof(s.way[0]));
		w = &s.way[s.which];
		assert_int_equal(w->types, c.types);
		/* None: modulo the number of queues. */
		assert_int_equal(w->size, i ? i : 3);
		for (uint32_t k = 0; k < w->size; k++)
			assert_int_equal(w->to[k], i ? c.to[k] : k);
		net_toeplitz_init(&toeplitz, c.key);
		assert_memory_equal(&w->toeplitz, &toeplitz, sizeof(toeplitz));
	}
	/* Nothing is wanted: what a mapping says is of no account. */
	c.algorithm = 0;
	net_steer_set(&s, &c, 3, other);
	assert_int_equal(s.way[s.which].types, NET_HASH_TYPES | NET_STEER_UDP);
	assert_int_equal(s.way[s.which].size, 3);
	for (uint32_t k = 0; k < 3; k++)
		assert_int_equal(s.way[s.which].to[k], k);
	net_toeplitz_init(&toeplitz, other);
	assert_memory_equal(&s.way[s.which].toeplitz, &toeplitz, sizeof(toeplitz));
	/* Whoever has taken a worker over may write anything there. */
	s.which = 0xfffffffe;
	net_steer_set(&s, &c, 3, c.key);
	assert_int_equal(s.which, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_frame),
		cmocka_unit_test(no_byte_too_many),
		cmocka_unit_test(configurations),
		cmocka_unit_test(two_ways),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
