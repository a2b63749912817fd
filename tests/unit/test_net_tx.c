/* SPDX-License-Identifier: MIT */
/* The rules for what a guest transmits: a row for each, in the order they are applied. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "compiler.h"
#include "net_tx.h"

#define MORE  NETTXF_more_data
#define EXTRA NETTXF_extra_info
#define BLANK NETTXF_csum_blank
#define VALID NETTXF_data_validated

/* Slots of a frame by their size, offset and flags; its extras by type. */
#define S(size_, off_, flags_)             \
	{                                  \
		.req = {.gref = 7,         \
			.offset = (off_),  \
			.flags = (flags_), \
			.id = 42,          \
			.size = (size_) }  \
	}
#define X(type_, flags_)                                                            \
	{                                                                           \
		.extra = {                                                          \
			.type = (type_),                                            \
			.flags = (flags_),                                          \
			.u.gso = { .size = 1448, .type = XEN_NETIF_GSO_TYPE_TCPV4 } \
		}                                                                   \
	}
#define GSO(size_, type_)                                             \
	{                                                             \
		.extra = {                                            \
			.type = XEN_NETIF_EXTRA_TYPE_GSO,             \
			.u.gso = { .size = (size_), .type = (type_) } \
		}                                                     \
	}
#define M1 S(64, 0, MORE)
#define M4 M1, M1, M1, M1
#define E1 S(64, 0, 0)

enum {
	T_GSO = XEN_NETIF_EXTRA_TYPE_GSO,
	T_ADD = XEN_NETIF_EXTRA_TYPE_MCAST_ADD,
	T_DEL = XEN_NETIF_EXTRA_TYPE_MCAST_DEL,
	T_HASH = XEN_NETIF_EXTRA_TYPE_HASH,
	CHAIN = XEN_NETIF_EXTRA_FLAG_MORE,
	V4 = XEN_NETIF_GSO_TYPE_TCPV4,
	V6 = XEN_NETIF_GSO_TYPE_TCPV6,
};

static const struct {
	const char *what;
	uint32_t n;
	union net_tx_slot slot[24];
	enum verdict v;
	/* Of a frame that is not fatal. */
	uint32_t nslots, nextra;
	/* Of one that is right. */
	uint32_t nfrag, first, len;
} rows[] = {
	/* Sizes. */
	{ "one slot",
	  1,
	  { S(60, 0, 0) },
	  .v = V_OK,
	  .nslots = 1,
	  .nextra = 0,
	  .nfrag = 1,
	  .first = 60,
	  .len = 60 },
	{ "a whole page",
	  1,
	  { S(4096, 0, 0) },
	  .v = V_OK,
	  .nslots = 1,
	  .nextra = 0,
	  .nfrag = 1,
	  .first = 4096,
	  .len = 4096 },
	{ "an Ethernet header and no more",
	  1,
	  { S(14, 0, 0) },
	  .v = V_OK,
	  .nslots = 1,
	  .nextra = 0,
	  .nfrag = 1,
	  .first = 14,
	  .len = 14 },
	{ "13 bytes", 1, { S(13, 0, 0) }, .v = V_REJECT, .nslots = 1 },
	{ "no bytes", 1, { S(0, 0, 0) }, .v = V_REJECT, .nslots = 1 },
	{ "up to the end of the page",
	  1,
	  { S(96, 4000, 0) },
	  .v = V_OK,
	  .nslots = 1,
	  .nextra = 0,
	  .nfrag = 1,
	  .first = 96,
	  .len = 96 },
	{ "a byte over its end", 1, { S(97, 4000, 0) }, .v = V_FATAL },
	{ "offset beyond the page", 1, { S(60, 65535, 0) }, .v = V_FATAL },
	{ "a page and a byte", 1, { S(4097, 0, 0) }, .v = V_FATAL },
	{ "65535 bytes in a slot", 1, { S(65535, 0, 0) }, .v = V_FATAL },
	{ "the next frame is not looked at",
	  2,
	  { S(60, 0, 0), S(0, 9999, MORE) },
	  .v = V_OK,
	  .nslots = 1,
	  .nextra = 0,
	  .nfrag = 1,
	  .first = 60,
	  .len = 60 },
	{ "short and offset: the shortness is told",
	  1,
	  { S(5, 4095, 0) },
	  .v = V_REJECT,
	  .nslots = 1 },

	/* Chains. */
	{ "two slots",
	  2,
	  { S(200, 0, MORE), S(100, 8, 0) },
	  .v = V_OK,
	  .nslots = 2,
	  .nextra = 0,
	  .nfrag = 2,
	  .first = 100,
	  .len = 200 },
	{ "does not end within the ring", 1, { S(200, 0, MORE) }, .v = V_FATAL },
	{ "nor in its second slot",
	  2,
	  { S(200, 0, MORE), S(100, 0, MORE) },
	  .v = V_FATAL },
	{ "a second slot over the end of its page",
	  2,
	  { S(5000, 0, MORE), S(4096, 1, 0) },
	  .v = V_FATAL },
	{ "a second slot at an offset beyond",
	  2,
	  { S(200, 0, MORE), S(0, 5000, 0) },
	  .v = V_FATAL },
	{ "a second slot larger than the frame",
	  2,
	  { S(200, 0, MORE), S(201, 0, 0) },
	  .v = V_REJECT,
	  .nslots = 2 },
	{ "64 KiB and more: the size has wrapped",
	  3,
	  { S(100, 0, MORE), S(4096, 0, MORE), S(4096, 0, 0) },
	  .v = V_REJECT,
	  .nslots = 3 },
	{ "after that, a page crossed is fatal still",
	  3,
	  { S(100, 0, MORE), S(4096, 0, MORE), S(4096, 1, 0) },
	  .v = V_FATAL },
	{ "nothing is left for the first slot",
	  2,
	  { S(100, 0, MORE), S(100, 0, 0) },
	  .v = V_REJECT,
	  .nslots = 2 },
	{ "13 bytes are",
	  2,
	  { S(113, 0, MORE), S(100, 0, 0) },
	  .v = V_REJECT,
	  .nslots = 2 },
	{ "14 bytes are",
	  2,
	  { S(114, 0, MORE), S(100, 0, 0) },
	  .v = V_OK,
	  .nslots = 2,
	  .nextra = 0,
	  .nfrag = 2,
	  .first = 14,
	  .len = 114 },
	{ "the first part crosses its page",
	  2,
	  { S(4300, 0, MORE), S(100, 0, 0) },
	  .v = V_FATAL },
	{ "a part of no length",
	  3,
	  { S(200, 0, MORE), S(0, 0, MORE), S(100, 0, 0) },
	  .v = V_OK,
	  .nslots = 3,
	  .nextra = 0,
	  .nfrag = 3,
	  .first = 100,
	  .len = 200 },
	{ "the last one of no length, at the page's end",
	  2,
	  { S(200, 0, MORE), S(0, 4096, 0) },
	  .v = V_OK,
	  .nslots = 2,
	  .nextra = 0,
	  .nfrag = 2,
	  .first = 200,
	  .len = 200 },
	{ "the first and 18",
	  19,
	  { S(1252, 0, MORE), M4, M4, M4, M4, M1, E1 },
	  .v = V_OK,
	  .nslots = 19,
	  .nextra = 0,
	  .nfrag = 19,
	  .first = 100,
	  .len = 1252 },
	{ "the first and 19",
	  20,
	  { S(2000, 0, MORE), M4, M4, M4, M4, M1, M1, E1 },
	  .v = V_REJECT,
	  .nslots = 20 },
	{ "the first and 20",
	  21,
	  { S(2000, 0, MORE), M4, M4, M4, M4, M1, M1, M1, E1 },
	  .v = V_REJECT,
	  .nslots = 21 },
	{ "the first and 21",
	  22,
	  { S(2000, 0, MORE), M4, M4, M4, M4, M4, E1 },
	  .v = V_FATAL },

	/* Extras. */
	{ "GSO",
	  2,
	  { S(60, 0, EXTRA), GSO(1448, V4) },
	  .v = V_OK,
	  .nslots = 2,
	  .nextra = 1,
	  .nfrag = 1,
	  .first = 60,
	  .len = 60 },
	{ "GSO for IPv6",
	  2,
	  { S(60, 0, EXTRA), GSO(1428, V6) },
	  .v = V_OK,
	  .nslots = 2,
	  .nextra = 1,
	  .nfrag = 1,
	  .first = 60,
	  .len = 60 },
	{ "segments of no size", 2, { S(60, 0, EXTRA), GSO(0, V4) }, .v = V_FATAL },
	{ "of no type", 2, { S(60, 0, EXTRA), GSO(1448, 0) }, .v = V_FATAL },
	{ "of an unknown type", 2, { S(60, 0, EXTRA), GSO(1448, 3) }, .v = V_FATAL },
	{ "a short frame goes before its GSO",
	  2,
	  { S(13, 0, EXTRA), GSO(0, 0) },
	  .v = V_REJECT,
	  .nslots = 2,
	  .nextra = 1 },
	{ "no extra left in the ring", 1, { S(60, 0, EXTRA) }, .v = V_FATAL },
	{ "a chain of extras without an end",
	  2,
	  { S(60, 0, EXTRA), X(T_GSO, CHAIN) },
	  .v = V_FATAL },
	{ "an extra of type 0", 2, { S(60, 0, EXTRA), X(0, 0) }, .v = V_FATAL },
	{ "of the first type that is none",
	  2,
	  { S(60, 0, EXTRA), X(XEN_NETIF_EXTRA_TYPE_MAX, 0) },
	  .v = V_FATAL },
	{ "of type 255", 2, { S(60, 0, EXTRA), X(255, 0) }, .v = V_FATAL },
	{ "a hash is not heeded",
	  2,
	  { S(60, 0, EXTRA), X(T_HASH, 0) },
	  .v = V_OK,
	  .nslots = 2,
	  .nextra = 1,
	  .nfrag = 1,
	  .first = 60,
	  .len = 60 },
	{ "two extras",
	  3,
	  { S(60, 0, EXTRA), X(T_GSO, CHAIN), X(T_HASH, 0) },
	  .v = V_OK,
	  .nslots = 3,
	  .nextra = 2,
	  .nfrag = 1,
	  .first = 60,
	  .len = 60 },
	{ "the second one is wrong",
	  3,
	  { S(60, 0, EXTRA), X(T_GSO, CHAIN), X(9, 0) },
	  .v = V_FATAL },
	{ "one type twice: the last stands",
	  3,
	  { S(60, 0, EXTRA), X(T_GSO, CHAIN), GSO(0, V4) },
	  .v = V_FATAL },
	{ "extras, then the rest",
	  4,
	  { S(300, 0, EXTRA | MORE), X(T_GSO, 0), S(100, 0, MORE), S(100, 0, 0) },
	  .v = V_OK,
	  .nslots = 4,
	  .nextra = 1,
	  .nfrag = 3,
	  .first = 100,
	  .len = 300 },
	{ "a chain that is refused has its extras",
	  3,
	  { S(100, 0, EXTRA | MORE), X(T_GSO, 0), S(101, 0, 0) },
	  .v = V_REJECT,
	  .nslots = 3,
	  .nextra = 1 },

	/* Requests without data. */
	{ "listen to a group: no reference, no size",
	  2,
	  { S(0, 9999, EXTRA), X(T_ADD, 0) },
	  .v = V_OK,
	  .nslots = 2,
	  .nextra = 1 },
	{ "no longer",
	  2,
	  { S(0, 0, EXTRA), X(T_DEL, 0) },
	  .v = V_OK,
	  .nslots = 2,
	  .nextra = 1 },
	{ "with a hash behind it",
	  3,
	  { S(0, 0, EXTRA), X(T_ADD, CHAIN), X(T_HASH, 0) },
	  .v = V_OK,
	  .nslots = 3,
	  .nextra = 2 },
};

static void each_rule(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *why = NULL;
		struct net_tx_frame f;
		enum verdict v = net_tx_parse(rows[i].slot, rows[i].n, &f, &why);

		if (v != rows[i].v)
			fail_msg("%s: verdict %d (%s), not %d", rows[i].what, v,
			         why ? why : "-", rows[i].v);
		if (v != V_OK)
			assert_non_null(why);
		if (v != V_FATAL &&
		    (f.nslots != rows[i].nslots || f.nextra != rows[i].nextra))
			fail_msg("%s: %u slots, %u extras", rows[i].what, f.nslots,
			         f.nextra);
		if (v != V_OK || f.kind != NET_TX_FRAME)
			continue;
		if (f.nfrag != rows[i].nfrag || f.frag[0].len != rows[i].first ||
		    f.len != rows[i].len)
			fail_msg("%s: %u parts, the first has %u bytes of %u",
			         rows[i].what, f.nfrag, f.frag[0].len, f.len);
	}
}

static void what_a_frame_says(void **state)
{
	union net_tx_slot slot[] = { S(300, 16, EXTRA | MORE | BLANK), GSO(1000, V6),
		                     S(100, 32, 0) };
	const char *why;
	struct net_tx_frame f;

	(void)state;
	slot[2].req.gref = 8;
	assert_int_equal(net_tx_parse(slot, 3, &f, &why), V_OK);
	assert_true(f.csum_blank);
	assert_false(f.validated);
	assert_int_equal(f.gso_type, V6);
	assert_int_equal(f.gso_size, 1000);
	assert_int_equal(f.frag[0].gref, 7);
	assert_int_equal(f.frag[0].off, 16);
	assert_int_equal(f.frag[0].len, 200);
	assert_int_equal(f.frag[1].gref, 8);
	assert_int_equal(f.frag[1].off, 32);
	assert_int_equal(f.frag[1].len, 100);
	slot[0].req.flags = VALID;
	assert_int_equal(net_tx_parse(slot, 1, &f, &why), V_OK);
	assert_true(f.validated);
	assert_false(f.csum_blank);
	assert_int_equal(f.gso_type, XEN_NETIF_GSO_TYPE_NONE);
}

static void groups(void **state)
{
	static const uint8_t mac[6] = { 1, 0, 0x5e, 9, 8, 7 };
	union net_tx_slot slot[] = { S(0, 0, EXTRA), X(T_ADD, 0) };
	const char *why;
	struct net_tx_frame f;

	(void)state;
	memcpy(slot[1].extra.u.mcast.addr, mac, sizeof(mac));
	assert_int_equal(net_tx_parse(slot, 2, &f, &why), V_OK);
	assert_int_equal(f.kind, NET_TX_MCAST_ADD);
	assert_memory_equal(f.mac, mac, sizeof(mac));
	slot[1].extra.type = T_DEL;
	assert_int_equal(net_tx_parse(slot, 2, &f, &why), V_OK);
	assert_int_equal(f.kind, NET_TX_MCAST_DEL);
}

static void answers(void **state)
{
	union net_tx_slot slot[] = { S(60, 0, EXTRA | MORE), X(T_GSO, CHAIN),
		                     X(T_HASH, 0), S(10, 0, 0) };
	struct netif_tx_response r;

	(void)state;
	slot[0].req.id = 0x3ff; /* more than the ring has slots: Windows */
	slot[3].req.id = 0xffff;
	r = net_tx_answer(slot, 2, 0, NETIF_RSP_OKAY);
	assert_int_equal(r.id, 0x3ff);
	assert_int_equal(r.status, NETIF_RSP_OKAY);
	for (uint32_t i = 1; i <= 2; i++) {
		r = net_tx_answer(slot, 2, i, NETIF_RSP_ERROR);
		assert_int_equal(r.status, NETIF_RSP_NULL);
		assert_int_equal(r.id, 0);
	}
	r = net_tx_answer(slot, 2, 3, NETIF_RSP_ERROR);
	assert_int_equal(r.id, 0xffff);
	assert_int_equal(r.status, NETIF_RSP_ERROR);
}

/* Whatever the slots are, what comes out is within its bounds. */
static void noise(void **state)
{
	union net_tx_slot slot[64];
	uint64_t x = 88172645463325252ULL;
	uint32_t seen[3] = { 0 };

	(void)state;
	for (int round = 0; round < 200000; round++) {
		uint32_t n = 1 + (uint32_t)(x >> 40) % ARRAY_SIZE(slot);
		struct net_tx_frame f;
		const char *why;
		uint8_t *p = (uint8_t *)slot;
		uint32_t sum = 0;
		enum verdict v;

		for (size_t i = 0; i < sizeof(slot); i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			p[i] = (uint8_t)(x >> 32);
		}
		/* Mostly of a size that is let through. */
		for (size_t i = 0; i < n; i++) {
			slot[i].req.offset &= 0x7ff;
			slot[i].req.size &= 0x7ff;
			slot[i].req.flags &= i % 3 ? MORE | BLANK : 0xffff;
		}
		slot[0].req.size |= 0x1000;
		v = net_tx_parse(slot, n, &f, &why);
		seen[v]++;
		if (v == V_FATAL)
			continue;
		assert_in_range(f.nslots, 1, n);
		assert_true(f.nextra < f.nslots);
		if (v == V_REJECT || f.kind != NET_TX_FRAME)
			continue;
		assert_in_range(f.nfrag, 1, NET_TX_FRAGS);
		assert_int_equal(f.nslots, f.nextra + f.nfrag);
		for (uint32_t i = 0; i < f.nfrag; i++) {
			assert_true(f.frag[i].off + f.frag[i].len <= XEN_PAGE);
			sum += f.frag[i].len;
		}
		assert_int_equal(sum, f.len);
	}
	for (size_t v = 0; v < ARRAY_SIZE(seen); v++)
		assert_true(seen[v] > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule), cmocka_unit_test(what_a_frame_says),
		cmocka_unit_test(groups),    cmocka_unit_test(answers),
		cmocka_unit_test(noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
