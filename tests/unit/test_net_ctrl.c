/* SPDX-License-Identifier: MIT */
/* What a guest asks for on its control ring: a row for each rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compiler.h"
#include "net_ctrl.h"

#define OKAY     XEN_NETIF_CTRL_STATUS_SUCCESS
#define NOT_SUP  XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED
#define INVALID  XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER
#define OVERFLOW XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW

#define GET_FLAGS XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS
#define SET_FLAGS XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS
#define SET_KEY   XEN_NETIF_CTRL_TYPE_SET_HASH_KEY
#define GET_SIZE  XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE
#define SET_SIZE  XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE
#define SET_MAP   XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING
#define SET_ALG   XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM

#define QUEUES 4U

/* @on: the algorithm is Toeplitz; the mapping has 100 entries. @copy: bytes wanted. */
static const struct {
	const char *what;
	bool on;
	uint16_t type;
	uint32_t data[3];
	uint32_t copy;
	uint32_t status;
	uint32_t rsp;
} rows[] = {
	{ "types there are", true, GET_FLAGS, { 0 }, 0, OKAY, 15 },
	{ "of no algorithm", false, GET_FLAGS, { 0 }, 0, NOT_SUP, 0 },
	{ "all types", true, SET_FLAGS, { 15 }, 0, OKAY, 0 },
	{ "no types", true, SET_FLAGS, { 0 }, 0, OKAY, 0 },
	{ "a type that does not exist", true, SET_FLAGS, { 16 }, 0, INVALID, 0 },
	{ "the last bit", true, SET_FLAGS, { 0x80000001 }, 0, INVALID, 0 },
	{ "types of no algorithm", false, SET_FLAGS, { 15 }, 0, INVALID, 0 },
	{ "none", true, SET_ALG, { 0 }, 0, OKAY, 0 },
	{ "Toeplitz", false, SET_ALG, { 1 }, 0, OKAY, 0 },
	{ "an algorithm that does not exist", true, SET_ALG, { 2 }, 0, INVALID, 0 },
	{ "another one", true, SET_ALG, { UINT32_MAX }, 0, INVALID, 0 },
	{ "a key", true, SET_KEY, { 9, 40 }, 40, OKAY, 0 },
	{ "a short key", true, SET_KEY, { 9, 1 }, 1, OKAY, 0 },
	{ "no key", true, SET_KEY, { 9, 0 }, 0, OKAY, 0 },
	{ "a key before the algorithm", false, SET_KEY, { 9, 40 }, 40, OKAY, 0 },
	{ "a key that is too long", true, SET_KEY, { 9, 41 }, 0, OVERFLOW, 0 },
	{ "much too long", true, SET_KEY, { 9, UINT32_MAX }, 0, OVERFLOW, 0 },
	{ "largest mapping", true, GET_SIZE, { 0 }, 0, OKAY, 128 },
	{ "a mapping", true, SET_SIZE, { 128 }, 0, OKAY, 0 },
	{ "none", true, SET_SIZE, { 0 }, 0, OKAY, 0 },
	{ "one that is too large", true, SET_SIZE, { 129 }, 0, INVALID, 0 },
	{ "much too large", true, SET_SIZE, { UINT32_MAX }, 0, INVALID, 0 },
	{ "all entries", true, SET_MAP, { 9, 100, 0 }, 400, OKAY, 0 },
	{ "the last one", true, SET_MAP, { 9, 1, 99 }, 4, OKAY, 0 },
	{ "no entry", true, SET_MAP, { 9, 0, 0 }, 0, OKAY, 0 },
	{ "no entry at the end", true, SET_MAP, { 9, 0, 100 }, 0, OKAY, 0 },
	{ "no entry behind it", true, SET_MAP, { 9, 0, 101 }, 0, INVALID, 0 },
	{ "one behind it", true, SET_MAP, { 9, 1, 100 }, 0, INVALID, 0 },
	{ "one too many", true, SET_MAP, { 9, 101, 0 }, 0, INVALID, 0 },
	{ "across the end", true, SET_MAP, { 9, 50, 51 }, 0, INVALID, 0 },
	{ "around the end of numbers",
	  true,
	  SET_MAP,
	  { 9, 2, UINT32_MAX },
	  0,
	  INVALID,
	  0 },
	{ "the same", true, SET_MAP, { 9, 50, UINT32_MAX - 49 }, 0, INVALID, 0 },
	{ "more than any mapping", true, SET_MAP, { 9, 129, 0 }, 0, OVERFLOW, 0 },
	{ "bytes that overflow", true, SET_MAP, { 9, 0x40000001, 0 }, 0, OVERFLOW, 0 },
	{ "no request", true, 0, { 0 }, 0, NOT_SUP, 0 },
	{ "grants that stay mapped", true, 8, { 0 }, 0, NOT_SUP, 0 },
	{ "the same", true, 9, { 0, 9, 1 }, 0, NOT_SUP, 0 },
	{ "the same", true, 10, { 0, 9, 1 }, 0, NOT_SUP, 0 },
	{ "one that does not exist", true, 11, { 1, 1, 1 }, 0, NOT_SUP, 0 },
	{ "the last type", true, UINT16_MAX, { 1, 1, 1 }, 0, NOT_SUP, 0 },
};

static struct net_hash_conf begin(bool on)
{
	struct net_hash_conf c = { .algorithm = on, .types = 3, .size = 100 };

	memset(c.key, 0x11, sizeof(c.key));
	for (uint32_t i = 0; i < c.size; i++)
		c.to[i] = (uint8_t)(i % QUEUES);
	return c;
}

static void each_rule(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct xen_netif_ctrl_request req = { .id = (uint16_t)(i + 700),
			                              .type = rows[i].type };
		struct net_hash_conf c = begin(rows[i].on), was = c;
		struct xen_netif_ctrl_response rsp;
		uint32_t copy;

		memcpy(req.data, rows[i].data, sizeof(req.data));
		memset(&rsp, 0xa5, sizeof(rsp));
		copy = net_ctrl_ask(&req, &c, &rsp);
		if (copy != rows[i].copy || rsp.status != rows[i].status ||
		    rsp.data != rows[i].rsp || rsp.id != req.id || rsp.type != req.type)
			fail_msg("%s: copies %u, status %u, data %u", rows[i].what, copy,
			         rsp.status, rsp.data);
		/* What is refused, or not copied yet, has changed nothing. */
		if (rsp.status != OKAY || copy)
			assert_memory_equal(&c, &was, sizeof(c));
		assert_true(net_hash_conf_ok(&c, QUEUES));
		assert_true(copy <= NET_CTRL_COPY);
	}
}

static struct xen_netif_ctrl_response ask(struct net_hash_conf *c, uint16_t type,
                                          uint32_t a, uint32_t b, uint32_t d,
                                          const void *data)
{
	struct xen_netif_ctrl_request req = { .type = type, .data = { a, b, d } };
	struct xen_netif_ctrl_response rsp;

	if (net_ctrl_ask(&req, c, &rsp))
		net_ctrl_copied(&req, data, QUEUES, c, &rsp);
	return rsp;
}

static void algorithm_and_types(void **state)
{
	struct net_hash_conf c = { 0 };

	(void)state;
	assert_int_equal(ask(&c, SET_ALG, 1, 0, 0, NULL).status, OKAY);
	assert_int_equal(c.algorithm, 1);
	assert_int_equal(ask(&c, SET_FLAGS, 6, 0, 0, NULL).status, OKAY);
	assert_int_equal(c.types, 6);
	assert_int_equal(ask(&c, SET_ALG, 0, 0, 0, NULL).status, OKAY);
	assert_false(net_hash_on(&c));
}

static void keys(void **state)
{
	struct net_hash_conf c = begin(true), was = c;
	uint8_t key[NET_HASH_KEY];

	(void)state;
	memset(key, 0x77, sizeof(key));
	/* A grant that cannot be copied. */
	assert_int_equal(ask(&c, SET_KEY, 9, 40, 0, NULL).status, INVALID);
	assert_memory_equal(&c, &was, sizeof(c));
	assert_int_equal(ask(&c, SET_KEY, 9, 40, 0, key).status, OKAY);
	assert_memory_equal(c.key, key, sizeof(key));
	/* What is not said of it is zero, and nothing of the last one stays. */
	assert_int_equal(ask(&c, SET_KEY, 9, 3, 0, key).status, OKAY);
	memset(key + 3, 0, sizeof(key) - 3);
	assert_memory_equal(c.key, key, sizeof(key));
	assert_int_equal(ask(&c, SET_KEY, 9, 0, 0, NULL).status, OKAY);
	memset(key, 0, sizeof(key));
	assert_memory_equal(c.key, key, sizeof(key));
}

static void mappings(void **state)
{
	struct net_hash_conf c = begin(true), was;
	uint32_t to[NET_HASH_MAP] = { 0 };

	(void)state;
	assert_int_equal(ask(&c, SET_SIZE, 128, 0, 0, NULL).status, OKAY);
	for (uint32_t i = 0; i < NET_HASH_MAP; i++) {
		/* The last one is of no use any more. */
		assert_int_equal(c.to[i], 0);
		to[i] = (i + 1) % QUEUES;
	}
	assert_int_equal(ask(&c, SET_MAP, 9, 128, 0, to).status, OKAY);
	for (uint32_t i = 0; i < NET_HASH_MAP; i++)
		assert_int_equal(c.to[i], to[i]);
	/* A part of it; the rest stays. */
	to[0] = to[1] = 3;
	assert_int_equal(ask(&c, SET_MAP, 9, 2, 126, to).status, OKAY);
	assert_int_equal(c.to[125], 126 % QUEUES);
	assert_int_equal(c.to[126], 3);
	assert_int_equal(c.to[127], 3);
	was = c;
	assert_int_equal(ask(&c, SET_MAP, 9, 128, 0, NULL).status, INVALID);
	assert_memory_equal(&c, &was, sizeof(c));
}

/* XSA-270: one entry of no queue, wherever it is, and none is taken. */
static void entries_of_no_queue(void **state)
{
	static const uint32_t bad[] = { QUEUES, 255, 256, 0x100 + 1, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		for (uint32_t at = 0; at < 100; at += 33) {
			struct net_hash_conf c = begin(true), was = c;
			uint32_t to[NET_HASH_MAP];

			for (uint32_t k = 0; k < NET_HASH_MAP; k++)
				to[k] = QUEUES - 1;
			to[at] = bad[i];
			assert_int_equal(ask(&c, SET_MAP, 9, 100, 0, to).status, INVALID);
			assert_memory_equal(&c, &was, sizeof(c));
		}
}

/* A worker that takes over carries them out again. */
static void twice_is_once(void **state)
{
	uint32_t to[NET_HASH_MAP] = { 3, 2, 1 };
	struct net_hash_conf c = { 0 }, once;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask(&c, SET_ALG, 1, 0, 0, NULL).status, OKAY);
		assert_int_equal(ask(&c, SET_SIZE, 3, 0, 0, NULL).status, OKAY);
		assert_int_equal(ask(&c, SET_MAP, 9, 3, 0, to).status, OKAY);
		assert_int_equal(ask(&c, SET_KEY, 9, 40, 0, to).status, OKAY);
		assert_int_equal(ask(&c, SET_FLAGS, 15, 0, 0, NULL).status, OKAY);
		if (i)
			assert_memory_equal(&c, &once, sizeof(c));
		once = c;
	}
}

static void known(void **state)
{
	(void)state;
	assert_false(net_ctrl_known(0));
	for (uint16_t i = 1; i <= 10; i++)
		assert_true(net_ctrl_known(i));
	assert_false(net_ctrl_known(11));
	assert_false(net_ctrl_known(UINT16_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule),
		cmocka_unit_test(algorithm_and_types),
		cmocka_unit_test(keys),
		cmocka_unit_test(mappings),
		cmocka_unit_test(entries_of_no_queue),
		cmocka_unit_test(twice_is_once),
		cmocka_unit_test(known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
