/* SPDX-License-Identifier: MIT */
/* Under which addresses a guest may send; frames are made here byte by byte. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net_policy_super.h"
#include "net_spoof.h"
#include "net_vnet.h"

/* The guest is 00:16:3e:aa:bb:cc, so its link-local address is fe80::216:3eff:feaa:bbcc.
 */
#define OWN  "00163eaabbcc "
#define ELSE "00163eddeeff "
#define DST  "021122334455 "
#define ETH  DST OWN
#define LIST "10.0.0.1 192.168.8.0/22 fd00::1 2001:db8:5::/48"

#define V4 "0800 "
#define IP4_(h, frag, proto, src) \
	V4 h "000028 0001" frag " 40" proto "0000 " src " 0a0000fe "
#define IP4(src)  IP4_("45", "0000", "06", src) "0102030405060708"
#define UDP(s, d) s d "00080000 "
#define ARP_(op, hw, ip) \
	ETH "0806 0001 0800 06 04 " op " " hw ip " 000000000000 0a0000fe "

#define LLA                 "fe80000000000000 02163efffeaabbcc "
#define LLB                 "fe80000000000000 02163efffeddeeff "
#define ROUTER              "fe80000000000000 0000000000000001 "
#define GUA                 "fd00000000000000 0000000000000001 "
#define GUB                 "fd00000000000000 0000000000000002 "
#define NET                 "20010db800050001 0000000000000009 "
#define NOT                 "20010db800060001 0000000000000009 "
#define NONE                "0000000000000000 0000000000000000 "
#define ALL                 "ff02000000000000 0000000000000001 "
#define IP6(len, next, src) ETH "86dd 60000000 " len " " next "ff " src ALL
#define NS(target)          "87000000 00000000 " target
#define NA(target)          "88000000 20000000 " target
#define SLLA(mac)           "0101 " mac
#define TLLA(mac)           "0201 " mac
#define HOPOPTS(next)       next "00 050200000100 "
#define FRAG(next, off)     next "00 " off " 00000001 "

static const struct {
	const char *what, *hex;
	enum net_spoof want;
	bool any; /* the same without a list; else that is clean */
} rows[] = {
	/* The frame */
	{ "its own", ETH IP4("0a000001"), NET_SPOOF_clean, true },
	{ "another's MAC", DST ELSE IP4("0a000001"), NET_SPOOF_mac, true },
	{ "a group's MAC", DST "01163eaabbcc" IP4("0a000001"), NET_SPOOF_mac, true },
	{ "cut before its type", DST "00163eaabb", NET_SPOOF_hidden, true },
	{ "the type alone", ETH "0800", NET_SPOOF_hidden, true },
	{ "STP", "0180c2000000 " OWN "0026 424203", NET_SPOOF_other, false },
	{ "PPPoE", ETH "8864 11000001", NET_SPOOF_other, false },
	{ "MPLS", ETH "8847 00001100", NET_SPOOF_other, false },
	{ "a VLAN", ETH "8100 0064 " IP4("0a000001"), NET_SPOOF_clean, true },
	{ "a VLAN, and another's address", ETH "8100 0064 " IP4("0a000002"),
	  NET_SPOOF_ipv4, false },
	{ "two VLANs, and another's address", ETH "88a8 0001 8100 0064 " IP4("0a000002"),
	  NET_SPOOF_ipv4, false },
	{ "three VLANs", ETH "8100 0001 8100 0001 8100 0064 " IP4("0a000001"),
	  NET_SPOOF_hidden, true },
	{ "a VLAN cut", ETH "8100 00", NET_SPOOF_hidden, true },

	/* IPv4 */
	{ "another's", ETH IP4("0a000002"), NET_SPOOF_ipv4, false },
	{ "of its network, the first", ETH IP4("c0a80800"), NET_SPOOF_clean, true },
	{ "the last", ETH IP4("c0a80bff"), NET_SPOOF_clean, true },
	{ "one more", ETH IP4("c0a80c00"), NET_SPOOF_ipv4, false },
	{ "one less", ETH IP4("c0a807ff"), NET_SPOOF_ipv4, false },
	{ "everybody", ETH IP4("ffffffff"), NET_SPOOF_ipv4, false },
	{ "a fragment of its own", ETH IP4_("45", "00b9", "11", "0a000001"),
	  NET_SPOOF_clean, true },
	{ "a fragment of another's", ETH IP4_("45", "00b9", "11", "0a000002"),
	  NET_SPOOF_ipv4, false },
	{ "options", ETH IP4_("46", "0000", "11", "0a000002") "94040000", NET_SPOOF_ipv4,
	  false },
	{ "says that it is 6", ETH IP4_("65", "0000", "06", "0a000001"), NET_SPOOF_hidden,
	  true },
	{ "a header of 16 bytes", ETH IP4_("44", "0000", "06", "0a000001"),
	  NET_SPOOF_hidden, true },
	{ "cut in its header", ETH V4 "45000028 00010000 40060000 0a000001 0a0000",
	  NET_SPOOF_hidden, true },
	{ "DHCP", ETH IP4_("45", "0000", "11", "00000000") UDP("0044", "0043"),
	  NET_SPOOF_clean, true },
	{ "DHCP, options",
	  ETH IP4_("46", "0000", "11", "00000000") "94040000" UDP("0044", "0043"),
	  NET_SPOOF_clean, true },
	{ "as a DHCP server",
	  ETH IP4_("45", "0000", "11", "00000000") UDP("0043", "0044"), NET_SPOOF_ipv4,
	  false },
	{ "nobody to another port",
	  ETH IP4_("45", "0000", "11", "00000000") UDP("0044", "0035"), NET_SPOOF_ipv4,
	  false },
	{ "nobody with TCP", ETH IP4_("45", "0000", "06", "00000000") UDP("0044", "0043"),
	  NET_SPOOF_ipv4, false },
	{ "DHCP in fragments",
	  ETH IP4_("45", "2000", "11", "00000000") UDP("0044", "0043"), NET_SPOOF_ipv4,
	  false },
	{ "DHCP cut", ETH IP4_("45", "0000", "11", "00000000") "00440043", NET_SPOOF_ipv4,
	  false },

	/* ARP */
	{ "a request", ARP_("0001", OWN, "0a000001"), NET_SPOOF_clean, true },
	{ "a probe", ARP_("0001", OWN, "00000000"), NET_SPOOF_clean, true },
	{ "an answer", ARP_("0002", OWN, "c0a80901"), NET_SPOOF_clean, true },
	{ "an answer for the router", ARP_("0002", OWN, "0a0000fe"), NET_SPOOF_arp,
	  false },
	{ "an answer in another's name", ARP_("0002", ELSE, "0a000001"), NET_SPOOF_arp,
	  true },
	{ "a request in another's name", ARP_("0001", ELSE, "0a000001"), NET_SPOOF_arp,
	  true },
	{ "ARP in a VLAN",
	  ETH "8100 0001 0806 0001 0800 06 04 0002 " OWN "0a0000fe 000000000000 00000000",
	  NET_SPOOF_arp, false },
	{ "ARP cut", ETH "0806 0001 0800 06 04 0002 " OWN "0a000001 0000000000 0a0000fe",
	  NET_SPOOF_hidden, true },
	{ "ARP of other lengths",
	  ETH "0806 0001 0800 08 04 0002 " OWN "0a000001 000000000000 0a0000fe 0000",
	  NET_SPOOF_hidden, true },

	/* IPv6 */
	{ "its own", IP6("0008", "11", GUA) "0035003500080000", NET_SPOOF_clean, true },
	{ "of its network", IP6("0008", "11", NET) "0035003500080000", NET_SPOOF_clean,
	  true },
	{ "another network", IP6("0008", "11", NOT) "0035003500080000", NET_SPOOF_ipv6,
	  false },
	{ "another's", IP6("0008", "11", GUB) "0035003500080000", NET_SPOOF_ipv6, false },
	{ "link-local", IP6("0008", "11", LLA) "0035003500080000", NET_SPOOF_clean,
	  true },
	{ "another's link-local", IP6("0008", "11", LLB) "0035003500080000",
	  NET_SPOOF_ipv6, false },
	{ "the router's", IP6("0008", "11", ROUTER) "0035003500080000", NET_SPOOF_ipv6,
	  false },
	{ "nobody, UDP", IP6("0008", "11", NONE) "0035003500080000", NET_SPOOF_ipv6,
	  false },
	{ "nobody, echo", IP6("0008", "3a", NONE) "8000000000000000", NET_SPOOF_ipv6,
	  false },
	{ "nobody, listener report",
	  IP6("0010", "00", NONE) HOPOPTS("3a") "8f00000000000000", NET_SPOOF_clean,
	  true },
	{ "nobody, listener report in a fragment",
	  IP6("0010", "2c", NONE) FRAG("3a", "0001") "8f00000000000000", NET_SPOOF_ipv6,
	  false },
	{ "no next header", IP6("0000", "3b", GUA), NET_SPOOF_clean, true },
	{ "says that it is 4", ETH "86dd 40000000 0000 3bff " GUA ALL, NET_SPOOF_hidden,
	  true },
	{ "cut in its header", ETH "86dd 60000000 0000 3bff " GUA "ff02",
	  NET_SPOOF_hidden, true },
	{ "cut in an extension", IP6("0010", "00", GUA) "3a00", NET_SPOOF_hidden, true },
	{ "an extension longer than the frame",
	  IP6("0010", "00", GUA) "3aff 050200000100", NET_SPOOF_hidden, true },
	{ "cut at the end of the extensions", IP6("0008", "00", GUA) HOPOPTS("3a"),
	  NET_SPOOF_hidden, true },
	{ "nine extensions",
	  IP6("0050", "3c", GUA) HOPOPTS("3c") HOPOPTS("3c") HOPOPTS("3c") HOPOPTS("3c")
	          HOPOPTS("3c") HOPOPTS("3c") HOPOPTS("3c") HOPOPTS("3c")
	                  HOPOPTS("11") "0035003500080000",
	  NET_SPOOF_hidden, true },
	{ "a first fragment",
	  IP6("0010", "2c", GUA) FRAG("11", "0001") "0035003500100000", NET_SPOOF_clean,
	  true },
	{ "a later one", IP6("0010", "2c", GUA) FRAG("3a", "0009") "8800000020000000",
	  NET_SPOOF_clean, true },
	{ "a later one of another's",
	  IP6("0010", "2c", GUB) FRAG("11", "0009") "0035003500100000", NET_SPOOF_ipv6,
	  false },
	{ "a first fragment that ends among its headers",
	  IP6("000c", "2c", GUA) FRAG("3c", "0001") "3a000502", NET_SPOOF_hidden, true },

	/* Neighbour discovery */
	{ "who has", IP6("0020", "3a", GUA) NS(ROUTER) SLLA(OWN), NET_SPOOF_clean, true },
	{ "who has, from link-local", IP6("0020", "3a", LLA) NS(GUB) SLLA(OWN),
	  NET_SPOOF_clean, true },
	{ "who has, and I am another", IP6("0020", "3a", GUA) NS(ROUTER) SLLA(ELSE),
	  NET_SPOOF_nd, true },
	{ "is mine free", IP6("0018", "3a", NONE) NS(GUA), NET_SPOOF_clean, true },
	{ "is my link-local free", IP6("0018", "3a", NONE) NS(LLA), NET_SPOOF_clean,
	  true },
	{ "is another's free", IP6("0018", "3a", NONE) NS(GUB), NET_SPOOF_nd, false },
	{ "mine is here", IP6("0020", "3a", GUA) NA(GUA) TLLA(OWN), NET_SPOOF_clean,
	  true },
	{ "mine is here, without an option", IP6("0018", "3a", LLA) NA(LLA),
	  NET_SPOOF_clean, true },
	{ "the router is here", IP6("0020", "3a", LLA) NA(ROUTER) TLLA(OWN), NET_SPOOF_nd,
	  false },
	{ "mine is at another", IP6("0020", "3a", GUA) NA(GUA) TLLA(ELSE), NET_SPOOF_nd,
	  true },
	{ "the same, the second option",
	  IP6("0028", "3a", GUA) NA(GUA) TLLA(OWN) TLLA(ELSE), NET_SPOOF_nd, true },
	{ "the same, behind one that is unknown",
	  IP6("0028", "3a", GUA) NA(GUA) "0e01000000000000" TLLA(ELSE), NET_SPOOF_nd,
	  true },
	{ "an option of no length", IP6("0020", "3a", GUA) NA(GUA) "0200 00163eaabbcc",
	  NET_SPOOF_nd, true },
	{ "an option longer than the packet", IP6("0020", "3a", GUA) NA(GUA) "0202 " OWN,
	  NET_SPOOF_nd, true },
	{ "an option behind the packet is none of it",
	  IP6("0018", "3a", GUA) NA(GUA) TLLA(ELSE), NET_SPOOF_clean, true },
	{ "a packet longer than the frame", IP6("0028", "3a", GUA) NA(GUA) TLLA(OWN),
	  NET_SPOOF_hidden, true },
	{ "a target cut", IP6("0010", "3a", GUA) "88000000 20000000 fd00000000000000",
	  NET_SPOOF_hidden, true },
	{ "who is a router", IP6("0008", "3a", NONE) "8500000000000000", NET_SPOOF_clean,
	  true },
	{ "who is a router, in another's name",
	  IP6("0010", "3a", LLA) "8500000000000000" SLLA(ELSE), NET_SPOOF_nd, true },
	{ "I am a router, at another",
	  IP6("0018", "3a", LLA) "86000000000000000000000000000000" SLLA(ELSE),
	  NET_SPOOF_nd, true },
	{ "go there instead",
	  IP6("0030", "3a", LLA) "8900000000000000" GUB GUB TLLA(ELSE), NET_SPOOF_nd,
	  true },
	{ "the router is here, behind an extension",
	  IP6("0028", "00", LLA) HOPOPTS("3a") NA(ROUTER) TLLA(OWN), NET_SPOOF_nd,
	  false },
	{ "the same, behind an authentication header",
	  IP6("002c", "33", LLA) "3a010000 00000000 00000000 " NA(ROUTER) TLLA(OWN),
	  NET_SPOOF_nd, false },
	{ "its own, in a fragment that is all of it",
	  IP6("0028", "2c", GUA) FRAG("3a", "0000") NA(GUA) TLLA(OWN), NET_SPOOF_hidden,
	  true },
	{ "discovery in a VLAN",
	  ETH "8100 0064 86dd 60000000 0020 3aff " LLA ALL NA(ROUTER) TLLA(OWN),
	  NET_SPOOF_nd, false },
};

static uint8_t frame[400];

static uint32_t put(const char *hex)
{
	uint32_t n = 0;
	unsigned int byte;
	int used;

	for (; sscanf(hex, "%2x%n", &byte, &used) == 1; hex += used)
		frame[n++] = (uint8_t)byte;
	return n;
}

static struct net_spoof_conf conf(const char *list)
{
	struct net_spoof_conf c = { .mode = NET_SPOOF_DROP,
		                    .mac = { 0, 0x16, 0x3e, 0xaa, 0xbb, 0xcc } };

	assert_int_equal(net_addrs_parse(list, &c), 0);
	assert_true(net_spoof_conf_ok(&c));
	return c;
}

static void each_row(void **state)
{
	const struct net_spoof_conf with = conf(LIST), without = conf("");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t n = put(rows[i].hex);
		enum net_spoof got = net_spoof_judge(&with, frame, n, n);
		enum net_spoof want = rows[i].any ? rows[i].want : NET_SPOOF_clean;

		if (got != rows[i].want)
			fail_msg("%s: %d, not %d", rows[i].what, got, rows[i].want);
		got = net_spoof_judge(&without, frame, n, n);
		if (got != want)
			fail_msg("%s, without a list: %d, not %d", rows[i].what, got,
			         want);
	}
}

/* Of every frame cut anywhere, none becomes clean that was not, but for a later part. */
static void cut_anywhere(void **state)
{
	const struct net_spoof_conf with = conf(LIST);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t n = put(rows[i].hex);

		if (rows[i].want == NET_SPOOF_clean)
			continue;
		for (uint32_t cut = 0; cut < n; cut++) {
			/* A copy that ends where it ends, for the sanitizer. */
			uint8_t *p = malloc(cut ? cut : 1);

			memcpy(p, frame, cut);
			if (net_spoof_judge(&with, p, cut, cut) == NET_SPOOF_clean &&
			    rows[i].want != NET_SPOOF_hidden)
				fail_msg("%s, cut to %u", rows[i].what, cut);
			free(p);
		}
	}
}

/* What goes on behind the bytes that are looked at is not judged clean. */
static void beyond_the_bytes(void **state)
{
	const struct net_spoof_conf with = conf(LIST);
	uint32_t n = put(IP6("0100", "3a", LLA) NA(LLA) TLLA(OWN));

	(void)state;
	for (; n + 8 <= NET_HEAD_MAX; n += 8) {
		memset(frame + n, 0, 8);
		frame[n] = 14;
		frame[n + 1] = 1;
	}
	/* Its last options are behind the 256th byte. */
	assert_int_equal(net_spoof_judge(&with, frame, NET_HEAD_MAX, 14 + 40 + 256),
	                 NET_SPOOF_hidden);
	n = put(ETH IP4("0a000001"));
	assert_int_equal(net_spoof_judge(&with, frame, n, 60000), NET_SPOOF_clean);
}

static void lists(void **state)
{
	static const struct {
		const char *s;
		int rc;
		uint32_t n;
	} row[] = {
		{ "", 0, 0 },
		{ "  ", 0, 0 },
		{ "10.0.0.1", 0, 1 },
		{ " 10.0.0.1\tfd00::1\n", 0, 2 },
		{ "10.0.0.0/0 ::/0", 0, 2 },
		{ "10.0.0.1/32 fe80::1/128", 0, 2 },
		{ "10.0.0.1/33", -EINVAL, 0 },
		{ "fd00::/129", -EINVAL, 0 },
		{ "10.0.0.1/", -EINVAL, 0 },
		{ "10.0.0.1/-1", -EINVAL, 0 },
		{ "10.0.0/8", -EINVAL, 0 },
		{ "10.0.0.256", -EINVAL, 0 },
		{ "10.0.0.1,10.0.0.2", -EINVAL, 0 },
		{ "host.example", -EINVAL, 0 },
		{ "fd00::1%eth0", -EINVAL, 0 },
		{ "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001",
		  -EINVAL, 0 },
	};
	struct net_spoof_conf c;
	char many[34 * 9] = "";
	static const char one[] = "10.0.0.1 ";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		if (net_addrs_parse(row[i].s, &c) != row[i].rc)
			fail_msg("\"%s\"", row[i].s);
		if (!row[i].rc) {
			assert_int_equal(c.naddr, row[i].n);
			assert_int_equal(c.listed, row[i].n != 0);
		}
	}
	for (size_t i = 0; i < 32; i++)
		memcpy(many + i * 9, one, sizeof(one));
	assert_int_equal(net_addrs_parse(many, &c), 0);
	memcpy(many + 32UL * 9, one, sizeof(one));
	assert_int_equal(net_addrs_parse(many, &c), -E2BIG);
}

static void all_networks_are_any_address(void **state)
{
	const struct net_spoof_conf c = conf("0.0.0.0/0 ::/0");
	uint32_t n = put(ETH IP4("ffffffff"));

	(void)state;
	assert_int_equal(net_spoof_judge(&c, frame, n, n), NET_SPOOF_clean);
	n = put(IP6("0020", "3a", ROUTER) NA(ROUTER) TLLA(OWN));
	assert_int_equal(net_spoof_judge(&c, frame, n, n), NET_SPOOF_clean);
}

static void what_cannot_be(void **state)
{
	struct net_spoof_conf c = conf(LIST);

	(void)state;
	c.addr[1].bits = 33;
	assert_false(net_spoof_conf_ok(&c));
	c = conf(LIST);
	c.naddr = NET_SPOOF_ADDRS + 1;
	assert_false(net_spoof_conf_ok(&c));
	c = conf(LIST);
	c.mode = NET_SPOOF_NMODES;
	assert_false(net_spoof_conf_ok(&c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(beyond_the_bytes),
		cmocka_unit_test(lists),
		cmocka_unit_test(all_networks_are_any_address),
		cmocka_unit_test(what_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
