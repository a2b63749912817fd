/* SPDX-License-Identifier: MIT */
/* A guest that sends as another, and hides it: in slots, in a frame to be segmented. */
#include <string.h>

#include "nic.h"

#define MORE  NETTXF_more_data
#define EXTRA NETTXF_extra_info
#define BLANK NETTXF_csum_blank

static struct worker w;
static struct nic n;
static uint8_t frame[70000];

#define LEN (XEN_PAGE + 200)

/* The guest is 00:16:3e:00:00:05 and 10.0.0.5, fd00::5. */
static const struct net_spoof_conf drop = {
	.mode = NET_SPOOF_DROP,
	.listed = 1,
	.naddr = 2,
	.mac = { 0, 0x16, 0x3e, 0, 0, 5 },
	.addr = { { .addr = { 10, 0, 0, 5 }, .bits = 32 },
	          { .addr = { 0xfd, [15] = 5 }, .v6 = 1, .bits = 128 } },
};

static void listed(struct nic *card)
{
	card->conf.spoof = drop;
}

static struct nic_rig rig = { .w = &w, .n = &n, .before = listed };

/* TCP over IPv4 or IPv6, of the guest, or with @at not 0 with that byte wrong. */
static uint32_t make(uint8_t *p, bool v6, uint32_t at)
{
	memset(p, 0, LEN);
	memcpy(p + 6, drop.mac, 6);
	if (v6) {
		p[12] = 0x86;
		p[13] = 0xdd;
		p[14] = 0x60;
		p[19] = 120;
		p[20] = 6;
		memcpy(p + 22, drop.addr[1].addr, 16);
		p[66] = 0x50;
	} else {
		p[12] = 8;
		p[14] = 0x45;
		p[23] = 6;
		memcpy(p + 26, drop.addr[0].addr, 4);
		p[46] = 0x50;
	}
	if (at)
		p[at] ^= 0x40;
	return 160;
}

/*
 * Send it with its first @first bytes in a slot of their own, at an odd place. A whole
 * page does not lie behind it in the worker; what does is of the frames before.
 */
static void send_cut(const uint8_t *p, uint32_t len, uint32_t first, bool gso, bool v6)
{
	uint32_t slots = 2;

	memcpy(n.pages + 3, p, first);
	memcpy(n.pages + XEN_PAGE, p + first, len - first);
	nic_put(&n, 0, 3, len, (unsigned int)(MORE | (gso ? EXTRA | BLANK : 0)));
	if (gso) {
		struct netif_extra_info *x =
			nic_put_extra(&n, XEN_NETIF_EXTRA_TYPE_GSO, 0);

		x->u.gso.size = 20;
		x->u.gso.type = v6 ? XEN_NETIF_GSO_TYPE_TCPV6 : XEN_NETIF_GSO_TYPE_TCPV4;
		slots++;
	}
	nic_put(&n, 1, 0, len - first, 0);
	nic_push(&n);
	assert_int_equal(nic_answered(&n, slots)->status, NETIF_RSP_OKAY);
}

/* Wherever the headers are cut: what is its own arrives, byte for byte, and no other. */
static void cut_anywhere(void **state)
{
	static uint8_t good[LEN], bad[LEN];

	(void)state;
	for (int i = 0; i < 4; i++) {
		bool v6 = i & 1, gso = i & 2;
		uint32_t where = i & 1 ? 30 : 28;

		for (uint32_t first = 14; first < 80; first++) {
			struct virtio_net_hdr h = { 0 };
			uint32_t len = first + XEN_PAGE;

			make(good, v6, 0);

			make(bad, v6, where);
			send_cut(bad, len, first, gso, v6);
			make(bad, v6, 7);
			send_cut(bad, len, first, gso, v6);
			send_cut(good, len, first, gso, v6);
			assert_int_equal(nic_arrives(&n, &h, frame), len);
			assert_memory_equal(frame, good, len);
			assert_int_equal(h.gso_type != 0, gso);
			assert_true(nic_silent(&n));
		}
	}
}

/* The guest writes another address once it is answered, and while it is judged. */
static void changed_meanwhile(void **state)
{
	static uint8_t good[LEN], bad[LEN];
	uint32_t len = make(good, false, 0), mine = 0, dropped = 0;

	(void)state;
	make(bad, false, 28);
	for (int i = 0; i < 3000; i++) {
		struct virtio_net_hdr h = { 0 };
		uint32_t seen = n.tx->rsp_prod;

		memcpy(n.pages, good, len);
		nic_put(&n, 0, 0, len, 0);
		nic_push(&n);
		while (__atomic_load_n(&n.tx->rsp_prod, __ATOMIC_ACQUIRE) == seen)
			for (int k = 0; k < 50; k++) {
				__atomic_store_n(&n.pages[28], bad[28], __ATOMIC_RELAXED);
				__atomic_store_n(&n.pages[28], good[28],
				                 __ATOMIC_RELAXED);
			}
		nic_answered(&n, 1);
		/* The one that is surely good comes after it. */
		memcpy(n.pages + XEN_PAGE, good, len);
		n.pages[XEN_PAGE + 100] = 0xee;
		nic_put(&n, 1, 0, len, 0);
		nic_push(&n);
		nic_answered(&n, 1);
		assert_int_equal(nic_arrives(&n, &h, frame), len);
		assert_memory_equal(frame + 26, good + 26, 4);
		if (frame[100] == 0xee) {
			dropped++;
			continue;
		}
		mine++;
		assert_int_equal(nic_arrives(&n, &h, frame), len);
	}
	assert_int_equal(mine + dropped, 3000);
}

/* What no supervisor of ours says. */
static void bad_lists(void **state)
{
	struct nic other;

	(void)state;
	for (int i = 0; i < 3; i++) {
		nic_share(&other, &w, NIC_ALL);
		other.conf.spoof = drop;
		if (i == 0)
			other.conf.spoof.mode = NET_SPOOF_NMODES;
		else if (i == 1)
			other.conf.spoof.naddr = NET_SPOOF_ADDRS + 1;
		else
			other.conf.spoof.addr[0].bits = 200;
		assert_int_not_equal(nic_connect(&other, NULL), 0);
		nic_unshare(&other);
	}
}

int main(void)
{
#define TEST(f) NIC_TEST(f, &rig)
	const struct CMUnitTest tests[] = {
		TEST(cut_anywhere),
		TEST(changed_meanwhile),
		TEST(bad_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
