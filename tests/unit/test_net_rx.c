/* SPDX-License-Identifier: MIT */
/* How a frame is laid into the guest's slots. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compiler.h"
#include "net_rx.h"

#define NONE XEN_NETIF_GSO_TYPE_NONE
#define V4   XEN_NETIF_GSO_TYPE_TCPV4
#define V6   XEN_NETIF_GSO_TYPE_TCPV6

static const struct {
	const char *what;
	uint32_t len;
	uint8_t gso;
	uint16_t headroom;
	uint32_t slots;
	uint16_t last; /* bytes in the last slot of data */
} rows[] = {
	{ "a byte", 1, NONE, 0, 1, 1 },
	{ "a small frame", 60, NONE, 0, 1, 60 },
	{ "a page", 4096, NONE, 0, 1, 4096 },
	{ "a page and a byte", 4097, NONE, 0, 2, 1 },
	{ "9000 bytes", 9014, NONE, 0, 3, 822 },
	{ "small, to be segmented", 1500, V4, 0, 2, 1500 },
	{ "two pages, to be segmented", 8192, V6, 0, 3, 4096 },
	{ "64 KiB: 17 slots, as the head of the page is not wasted", 65549, V4, 0, 18,
	  13 },
	{ "the largest", NET_RX_FRAME_MAX, V6, 0, NET_RX_SLOTS_MAX - 2, 21 },
	{ "headroom: a small frame has the page and an extra", 60, NONE, 256, 2, 60 },
	{ "headroom: the largest of one page", 3840, NONE, 256, 2, 3840 },
	{ "headroom: a byte more", 3841, NONE, 256, 3, 1 },
	{ "headroom: a page", 4096, NONE, 256, 3, 256 },
	{ "headroom: 9000 bytes, as many pages", 9014, NONE, 256, 4, 1078 },
	{ "headroom: three pages, and the rest", 12288, NONE, 256, 5, 256 },
	{ "headroom: small, to be segmented: two extras", 1500, V4, 256, 3, 1500 },
	{ "headroom: 64 KiB: 17 slots for data", 65549, V4, 256, 19, 269 },
	{ "headroom: a byte", 1, V6, 1, 3, 1 },
	{ "headroom: the most, a byte too long", 2049, NONE, 2048, 3, 1 },
	{ "headroom: the most, the largest", NET_RX_FRAME_MAX, V6, 2048,
	  NET_RX_SLOTS_MAX - 1, 2069 },
};

/* Right behind the first slot, in the order of their types; each but the last says that
 * there is more. Return: how many. */
static uint32_t check_extras(const struct net_rx_meta *m, const struct net_rx_slot *s)
{
	const uint8_t gso[] = {
		(uint8_t)m->gso_size, (uint8_t)(m->gso_size >> 8), m->gso_type, 0, 0, 0
	};
	const uint8_t hash[] = { _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP,
		                 XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ,
		                 0x78,
		                 0x56,
		                 0x34,
		                 0x12 };
	/* As Linux's netif.h has it: two bytes, native order, zeros. */
	const uint8_t xdp[] = {
		(uint8_t)m->headroom, (uint8_t)(m->headroom >> 8), 0, 0, 0, 0
	};
	const struct {
		bool there;
		uint8_t type;
		const uint8_t *bytes;
	} want[] = { { m->gso_type != NONE, XEN_NETIF_EXTRA_TYPE_GSO, gso },
		     { m->hashed, XEN_NETIF_EXTRA_TYPE_HASH, hash },
		     { m->headroom != 0, XEN_NETIF_EXTRA_TYPE_XDP, xdp } };
	uint32_t n = 0, left = 0;

	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		left += want[i].there;
	assert_int_equal(!!(s[0].flags & NETRXF_extra_info), left != 0);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		const struct netif_extra_info *e = &s[n + 1].extra;

		if (!want[i].there)
			continue;
		n++;
		assert_true(s[n].is_extra);
		assert_int_equal(e->type, want[i].type);
		assert_int_equal(e->flags, --left ? XEN_NETIF_EXTRA_FLAG_MORE : 0);
		assert_memory_equal(&e->u, want[i].bytes, 6);
	}
	return n;
}

static void lay_out(uint32_t len, uint32_t slots, uint16_t last,
                    const struct net_rx_meta *m)
{
	struct net_rx_slot s[NET_RX_SLOTS_MAX];
	uint32_t n, off = 0, extras, end = 0;

	assert_int_equal(net_rx_slots(len, m), slots);
	n = net_rx_plan(len, m, s);
	assert_int_equal(n, slots);
	extras = check_extras(m, s);
	for (uint32_t k = 0; k < n; k++) {
		assert_int_equal(s[k].is_extra, k >= 1 && k <= extras);
		if (s[k].is_extra)
			continue;
		assert_int_equal(s[k].off, off);
		assert_int_equal(s[k].at, k ? 0 : m->headroom);
		off += s[k].len;
		end = s[k].len;
		/* Up to the end of the page but for the last, which says that it is. */
		assert_true(s[k].at + s[k].len == XEN_PAGE || off == len);
		assert_int_equal(!!(s[k].flags & NETRXF_more_data), off < len);
		if (k)
			assert_int_equal(s[k].flags & NETRXF_extra_info, 0);
	}
	assert_int_equal(off, len);
	assert_int_equal(end, last);
}

static void layout(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct net_rx_meta m = { .gso_type = rows[i].gso,
			                 .gso_size = 1448,
			                 .headroom = rows[i].headroom,
			                 .hash_type = _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP,
			                 .hash = 0x12345678 };

		lay_out(rows[i].len, rows[i].slots, rows[i].last, &m);
		m.hashed = true;
		lay_out(rows[i].len, rows[i].slots + 1, rows[i].last, &m);
	}
}

static void checksums(void **state)
{
	static const struct {
		bool blank, validated;
		uint16_t flags;
	} csum[] = {
		{ false, false, 0 },
		{ false, true, NETRXF_data_validated },
		/* A blank one without the other flag: 0.05 MB/s on Windows. */
		{ true, false, NETRXF_csum_blank | NETRXF_data_validated },
		{ true, true, NETRXF_csum_blank | NETRXF_data_validated },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(csum); i++) {
		struct net_rx_meta m = { .csum_blank = csum[i].blank,
			                 .validated = csum[i].validated };
		struct net_rx_slot s[NET_RX_SLOTS_MAX];

		assert_int_equal(net_rx_plan(5000, &m, s), 2);
		assert_int_equal(s[0].flags, csum[i].flags | NETRXF_more_data);
		assert_int_equal(s[1].flags, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout),
		cmocka_unit_test(checksums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
