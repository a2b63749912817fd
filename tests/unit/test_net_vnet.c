/* SPDX-License-Identifier: MIT */
/* Offloads of netif as a TAP has them, and back. Frames are made here byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "compiler.h"
#include "net_vnet.h"

#define V4 XEN_NETIF_GSO_TYPE_TCPV4
#define V6 XEN_NETIF_GSO_TYPE_TCPV6

static uint8_t frame[70000];

static uint32_t put(uint32_t at, const char *hex)
{
	unsigned int byte;
	int used;

	for (; sscanf(hex, "%2x%n", &byte, &used) == 1; hex += used)
		frame[at++] = (uint8_t)byte;
	return at;
}

#define ETH     "021122334455 0266778899aa "
#define IP4(p)  "45000028 00010000 40" p "0000 0a000001 0a000002 "
#define IP4F(f) "45000028 0001" f " 40060000 0a000001 0a000002 "
#define IP4O    "46000028 00010000 40060000 0a000001 0a000002 94040000 "
#define IP6(n)                                                   \
	"60000000 0014" n "40 20010db8000000000000000000000001 " \
	"20010db8000000000000000000000002 "
#define TCP  "1234 0050 00000001 00000002 5010 ffff 0000 0000 "
#define TCPO "1234 0050 00000001 00000002 8010 ffff 0000 0000 0101080a0000000100000002 "
#define UDP  "1234 0035 0008 0000 "

static const struct {
	const char *what, *hex;
	enum verdict v;
	bool tcp, v6;
	uint32_t start, hlen;
} heads[] = {
	{ "IPv4 TCP", ETH "0800" IP4("06") TCP, V_OK, true, false, 34, 20 },
	{ "IPv4 UDP", ETH "0800" IP4("11") UDP, V_OK, false, false, 34, 8 },
	{ "IPv4 with an option", ETH "0800" IP4O TCP, V_OK, true, false, 38, 20 },
	{ "TCP with options", ETH "0800" IP4("06") TCPO, V_OK, true, false, 34, 32 },
	{ "IPv6 TCP", ETH "86dd" IP6("06") TCP, V_OK, true, true, 54, 20 },
	{ "IPv6 UDP", ETH "86dd" IP6("11") UDP, V_OK, false, true, 54, 8 },
	{ "VLAN", ETH "8100 0064 0800" IP4("06") TCP, V_OK, true, false, 38, 20 },
	{ "two VLANs", ETH "88a8 0001 8100 0064 86dd" IP6("11") UDP, V_OK, false, true,
	  62, 8 },
	{ "three", ETH "88a8 0001 8100 0001 8100 0064 0800" IP4("06") TCP,
	  .v = V_REJECT },
	{ "IPv6, hop-by-hop and destination options",
	  ETH "86dd" IP6("00") "3c00000000000000 060100000000000000000000 00000000" TCP,
	  V_OK, true, true, 78, 20 },
	{ "IPv6 fragment", ETH "86dd" IP6("2c") "06000001 00000001" TCP, .v = V_REJECT },
	{ "IPv4, first fragment", ETH "0800" IP4F("2000") TCP, .v = V_REJECT },
	{ "IPv4, a later fragment", ETH "0800" IP4F("00b9") TCP, .v = V_REJECT },
	{ "IPv4, do not fragment", ETH "0800" IP4F("4000") TCP, V_OK, true, false, 34,
	  20 },
	{ "ARP", ETH "0806 0001080006040001", .v = V_REJECT },
	{ "SCTP", ETH "0800" IP4("84") TCP, .v = V_REJECT },
	{ "ICMP", ETH "0800" IP4("01") TCP, .v = V_REJECT },
	{ "IPv4 says that it is 6",
	  ETH "0800"
	      "65000028 00010000 40060000 0a000001 0a000002" TCP,
	  .v = V_REJECT },
	{ "IPv4 header of 16 bytes",
	  ETH "0800"
	      "44000028 00010000 40060000 0a000001 0a000002" TCP,
	  .v = V_REJECT },
	{ "IPv4 header cut",
	  ETH "0800"
	      "45000028 00010000 40060000 0a000001 0a00",
	  .v = V_REJECT },
	{ "IPv4 options cut",
	  ETH "0800"
	      "4f000028 00010000 40060000 0a000001 0a000002"
	      "94040000",
	  .v = V_REJECT },
	{ "TCP header cut",
	  ETH "0800" IP4("06") "1234 0050 00000001 00000002 5010 ffff 0000 00",
	  .v = V_REJECT },
	{ "TCP options cut",
	  ETH "0800" IP4("06") "1234 0050 00000001 00000002 f010 ffff 0000 0000",
	  .v = V_REJECT },
	{ "TCP header of 16 bytes",
	  ETH "0800" IP4("06") "1234 0050 00000001 00000002 4010 ffff 0000 0000",
	  .v = V_REJECT },
	{ "UDP header cut", ETH "0800" IP4("11") "1234 0035 0008 00", .v = V_REJECT },
	{ "IPv6 header cut",
	  ETH "86dd"
	      "60000000 00140640 20010db8",
	  .v = V_REJECT },
	{ "IPv6 extension cut", ETH "86dd" IP6("00") "06000000", .v = V_REJECT },
	{ "IPv6 extension longer than the frame",
	  ETH "86dd" IP6("00") "06ff000000000000" TCP, .v = V_REJECT },
	{ "no bytes", "", .v = V_REJECT },
	{ "half a MAC", "0211", .v = V_REJECT },
	{ "an Ethernet header", ETH "0800", .v = V_REJECT },
	{ "a VLAN tag cut", ETH "8100 00", .v = V_REJECT },
};

static void find(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		uint32_t n = put(0, heads[i].hex);
		struct net_l4 l;
		enum verdict v = net_l4_find(frame, n, &l);

		if (v != heads[i].v)
			fail_msg("%s: verdict %d", heads[i].what, v);
		if (v == V_OK && (l.tcp != heads[i].tcp || l.v6 != heads[i].v6 ||
		                  l.start != heads[i].start || l.hlen != heads[i].hlen))
			fail_msg("%s: %s at %u, %u bytes", heads[i].what,
			         l.tcp ? "TCP" : "UDP", l.start, l.hlen);
	}
}

/* A chain of extension headers ends, whoever wrote it. */
static void many_extensions(void **state)
{
	uint32_t n = put(0, ETH "86dd" IP6("00"));
	struct net_l4 l;

	(void)state;
	while (n < NET_HEAD_MAX - 28)
		n = put(n, "0000000000000000");
	n = put(n, "0600000000000000" TCP);
	assert_int_equal(net_l4_find(frame, n, &l), V_REJECT);
}

static const struct {
	const char *what, *hex;
	struct net_tx_frame f;
	enum verdict v;
	struct virtio_net_hdr h;
} tx[] = {
	{ "as it is", ETH "0800" IP4("06") TCP, { .len = 60 }, V_OK, { 0 } },
	{ "as it is, nothing is parsed", ETH "0806", { .len = 60 }, V_OK, { 0 } },
	{ "validated",
	  ETH "0800" IP4("06") TCP,
	  { .len = 60, .validated = true },
	  V_OK,
	  { .flags = VIRTIO_NET_HDR_F_DATA_VALID } },
	{ "blank TCP",
	  ETH "0800" IP4("06") TCP,
	  { .len = 60, .csum_blank = true },
	  V_OK,
	  { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16 } },
	{ "blank and validated",
	  ETH "0800" IP4("06") TCP,
	  { .len = 60, .csum_blank = true, .validated = true },
	  V_OK,
	  { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16 } },
	{ "blank UDP, IPv6",
	  ETH "86dd" IP6("11") UDP,
	  { .len = 62, .csum_blank = true },
	  V_OK,
	  { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 54, .csum_offset = 6 } },
	{ "blank ARP", ETH "0806", { .len = 60, .csum_blank = true }, .v = V_REJECT },
	{ "blank fragment",
	  ETH "0800" IP4F("2000") TCP,
	  { .len = 60, .csum_blank = true },
	  .v = V_REJECT },
	{ "GSO",
	  ETH "0800" IP4("06") TCP,
	  { .len = 5000, .csum_blank = true, .gso_type = V4, .gso_size = 1448 },
	  V_OK,
	  { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
	    .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
	    .hdr_len = 54,
	    .gso_size = 1448,
	    .csum_start = 34,
	    .csum_offset = 16 } },
	{ "GSO, IPv6 with TCP options",
	  ETH "86dd" IP6("06") TCPO,
	  { .len = 5000, .csum_blank = true, .gso_type = V6, .gso_size = 1428 },
	  V_OK,
	  { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
	    .gso_type = VIRTIO_NET_HDR_GSO_TCPV6,
	    .hdr_len = 86,
	    .gso_size = 1428,
	    .csum_start = 54,
	    .csum_offset = 16 } },
	{ "a payload of one segment",
	  ETH "0800" IP4("06") TCP,
	  { .len = 54 + 1448, .csum_blank = true, .gso_type = V4, .gso_size = 1448 },
	  V_OK,
	  { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16 } },
	{ "a byte more",
	  ETH "0800" IP4("06") TCP,
	  { .len = 54 + 1449, .csum_blank = true, .gso_type = V4, .gso_size = 1448 },
	  V_OK,
	  { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
	    .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
	    .hdr_len = 54,
	    .gso_size = 1448,
	    .csum_start = 34,
	    .csum_offset = 16 } },
	{ "the smallest segment",
	  ETH "0800" IP4("06") TCP,
	  { .len = 5000, .csum_blank = true, .gso_type = V4, .gso_size = 8 },
	  V_OK,
	  { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
	    .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
	    .hdr_len = 54,
	    .gso_size = 8,
	    .csum_start = 34,
	    .csum_offset = 16 } },
	{ "a smaller one",
	  ETH "0800" IP4("06") TCP,
	  { .len = 5000, .csum_blank = true, .gso_type = V4, .gso_size = 7 },
	  .v = V_REJECT },
	{ "GSO of UDP",
	  ETH "0800" IP4("11") UDP,
	  { .len = 5000, .csum_blank = true, .gso_type = V4, .gso_size = 1448 },
	  .v = V_REJECT },
	{ "GSO for IPv6 of IPv4",
	  ETH "0800" IP4("06") TCP,
	  { .len = 5000, .csum_blank = true, .gso_type = V6, .gso_size = 1448 },
	  .v = V_REJECT },
	{ "and the other way",
	  ETH "86dd" IP6("06") TCP,
	  { .len = 5000, .csum_blank = true, .gso_type = V4, .gso_size = 1448 },
	  .v = V_REJECT },
	{ "GSO of a fragment",
	  ETH "0800" IP4F("2000") TCP,
	  { .len = 5000, .csum_blank = true, .gso_type = V4, .gso_size = 1448 },
	  .v = V_REJECT },
};

static void from_tx(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tx); i++) {
		uint32_t n = put(0, tx[i].hex);
		struct virtio_net_hdr h;
		uint8_t before[NET_HEAD_MAX];
		enum verdict v;

		memcpy(before, frame, sizeof(before));
		v = net_vnet_from_tx(&tx[i].f, frame, n, &h);
		if (v != tx[i].v)
			fail_msg("%s: verdict %d", tx[i].what, v);
		if (v == V_OK && memcmp(&h, &tx[i].h, sizeof(h)) != 0)
			fail_msg("%s: flags %x gso %u %u header %u csum %u+%u",
			         tx[i].what, h.flags, h.gso_type, h.gso_size, h.hdr_len,
			         h.csum_start, h.csum_offset);
		assert_memory_equal(before, frame, sizeof(before));
	}
}

/* RFC 1071, from its words. */
static uint16_t sum_of(const uint8_t *p, uint32_t n, uint32_t sum)
{
	for (uint32_t i = 0; i < n; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Frames to be segmented whose checksum is not blank: some guests are so. */
static void full_checksum_with_gso(void **state)
{
	struct net_tx_frame f = { .len = 5000, .gso_type = V4, .gso_size = 1448 };
	uint32_t n = put(0, ETH "0800" IP4("06") TCP), want;
	struct virtio_net_hdr h;

	(void)state;
	frame[50] = 0xbe;
	frame[51] = 0xef;
	assert_int_equal(net_vnet_from_tx(&f, frame, n, &h), V_OK);
	assert_int_equal(h.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	/* Addresses, protocol, bytes of TCP. */
	want = sum_of(frame + 26, 8, 6 + 5000 - 34);
	assert_int_equal(frame[50] << 8 | frame[51], want);
}

static const struct net_accept all = { true, true, true, true, true, 0 };

static struct virtio_net_hdr needs(uint16_t start, uint16_t offset, uint8_t gso)
{
	return (struct virtio_net_hdr){ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		                        .csum_start = start,
		                        .csum_offset = offset,
		                        .gso_type = gso,
		                        .gso_size = gso ? 1448 : 0,
		                        .hdr_len = gso ? 54 : 0 };
}

static void to_rx(void **state)
{
	struct virtio_net_hdr h = { 0 };
	struct net_rx_meta m;

	(void)state;
	put(0, ETH "0800" IP4("06") TCP);
	assert_int_equal(net_vnet_to_rx(&h, &all, frame, 60, &m), V_OK);
	assert_false(m.csum_blank || m.validated || m.gso_type);
	h.flags = VIRTIO_NET_HDR_F_DATA_VALID;
	assert_int_equal(net_vnet_to_rx(&h, &all, frame, 60, &m), V_OK);
	assert_true(m.validated && !m.csum_blank);
	h = needs(34, 16, 0);
	assert_int_equal(net_vnet_to_rx(&h, &all, frame, 60, &m), V_OK);
	assert_true(m.validated && m.csum_blank && !m.gso_type);
	h = needs(34, 16, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(net_vnet_to_rx(&h, &all, frame, 5000, &m), V_OK);
	assert_true(m.validated && m.csum_blank);
	assert_int_equal(m.gso_type, V4);
	assert_int_equal(m.gso_size, 1448);
}

/* What cannot be given to a guest, as it does not take it, or as it makes no sense. */
static void to_rx_refused(void **state)
{
	static const struct net_accept no_gso4 = { true, true, true, false, true, 0 };
	static const struct net_accept no_csum = { true, false, false, true, true, 0 };
	static const struct net_accept one_slot = { false, true, true, false, false, 0 };
	static const struct net_accept behind = { .headroom = 256 };
	struct virtio_net_hdr none = { 0 }, gso = needs(34, 16, VIRTIO_NET_HDR_GSO_TCPV4),
			      h;
	struct net_rx_meta m;

	(void)state;
	put(0, ETH "0800" IP4("06") TCP);
	assert_int_equal(net_vnet_to_rx(&gso, &no_gso4, frame, 5000, &m), V_REJECT);
	assert_int_equal(net_vnet_to_rx(&gso, &no_csum, frame, 5000, &m), V_REJECT);
	assert_int_equal(net_vnet_to_rx(&none, &one_slot, frame, 4096, &m), V_OK);
	assert_int_equal(net_vnet_to_rx(&none, &one_slot, frame, 4097, &m), V_REJECT);
	assert_int_equal(net_vnet_to_rx(&none, &behind, frame, 3840, &m), V_OK);
	assert_int_equal(m.headroom, 256);
	assert_int_equal(net_vnet_to_rx(&none, &behind, frame, 3841, &m), V_REJECT);
	assert_int_equal(net_vnet_to_rx(&none, &all, frame, 13, &m), V_REJECT);
	assert_int_equal(net_vnet_to_rx(&none, &all, frame, NET_RX_FRAME_MAX, &m), V_OK);
	assert_int_equal(net_vnet_to_rx(&none, &all, frame, NET_RX_FRAME_MAX + 1, &m),
	                 V_REJECT);
	h = gso;
	h.gso_type = VIRTIO_NET_HDR_GSO_UDP;
	assert_int_equal(net_vnet_to_rx(&h, &all, frame, 5000, &m), V_REJECT);
	h.gso_type = VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN;
	assert_int_equal(net_vnet_to_rx(&h, &all, frame, 5000, &m), V_REJECT);
	h = gso;
	h.gso_size = 0;
	assert_int_equal(net_vnet_to_rx(&h, &all, frame, 5000, &m), V_REJECT);
	h = gso;
	h.flags = 0;
	assert_int_equal(net_vnet_to_rx(&h, &all, frame, 5000, &m), V_REJECT);
	h = needs(59, 0, 0);
	assert_int_equal(net_vnet_to_rx(&h, &all, frame, 60, &m), V_REJECT);
}

/* A guest that takes no blank checksums gets them made. */
static void filled(void **state)
{
	static const struct {
		const char *hex;
		uint16_t start, offset;
		bool v6;
		uint8_t proto;
	} made[] = {
		{ ETH "0800" IP4("06") TCP, 34, 16, false, 6 },
		{ ETH "0800" IP4("11") UDP, 34, 6, false, 17 },
		{ ETH "86dd" IP6("06") TCP, 54, 16, true, 6 },
		{ ETH "86dd" IP6("11") UDP, 54, 6, true, 17 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		for (uint32_t len = 80; len < 84; len++) {
			struct net_accept a = { .sg = true,
				                .csum4 = made[i].v6,
				                .csum6 = !made[i].v6 };
			struct virtio_net_hdr h = needs(made[i].start, made[i].offset, 0);
			uint32_t pseudo, ip = 14, at = made[i].start;
			struct net_rx_meta m;

			for (uint32_t b = 0; b < len; b++)
				frame[b] = (uint8_t)(b * 37);
			put(0, made[i].hex);
			pseudo = made[i].v6 ? sum_of(frame + ip + 8, 32,
			                             made[i].proto + len - at)
			                    : sum_of(frame + ip + 12, 8,
			                             made[i].proto + len - at);
			frame[at + made[i].offset] = (uint8_t)(pseudo >> 8);
			frame[at + made[i].offset + 1] = (uint8_t)pseudo;
			assert_int_equal(net_vnet_to_rx(&h, &a, frame, len, &m), V_OK);
			assert_false(m.csum_blank);
			assert_int_equal(sum_of(frame + at, len - at, pseudo), 0xffff);
		}
}

/* A UDP checksum that comes out as 0 is sent as its other zero. */
static void udp_zero(void **state)
{
	static const struct net_accept a = { .sg = true };
	struct virtio_net_hdr h = needs(34, 6, 0);
	struct net_rx_meta m;

	(void)state;
	put(0, ETH "0800" IP4("11") UDP);
	memset(frame + 34, 0, 8);
	frame[40] = frame[41] = 0xff;
	assert_int_equal(net_vnet_to_rx(&h, &a, frame, 42, &m), V_OK);
	assert_int_equal(frame[40] << 8 | frame[41], 0xffff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(find),    cmocka_unit_test(many_extensions),
		cmocka_unit_test(from_tx), cmocka_unit_test(full_checksum_with_gso),
		cmocka_unit_test(to_rx),   cmocka_unit_test(to_rx_refused),
		cmocka_unit_test(filled),  cmocka_unit_test(udp_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
