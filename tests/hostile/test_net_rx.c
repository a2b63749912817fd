/* SPDX-License-Identifier: MIT */
/* What a guest gets into its receive slots, and what it cannot bring about with them. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nic.h"

#define MORE  NETRXF_more_data
#define EXTRA NETRXF_extra_info
#define BLANK NETRXF_csum_blank
#define VALID NETRXF_data_validated

static struct worker w;
static struct nic n;
static uint8_t frame[70000];

static struct nic_rig rig = { .w = &w, .n = &n };

static int setup(void **state)
{
	nic_fill(frame, sizeof(frame));
	return nic_setup(state);
}

/* An IPv4 TCP header, so that there is a checksum to be blank. */
static void tcp_frame(void)
{
	memset(frame, 0, 54);
	frame[12] = 8;
	frame[14] = 0x45;
	frame[23] = 6;
	frame[46] = 0x50;
}

static void sizes(void **state)
{
	static const uint32_t len[] = { 14, 60, 1514, 4096, 4097, 8192, 9014, 65549 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(len); i++) {
		uint32_t slots = (len[i] + 4095) / 4096;

		nic_post(&n, slots);
		nic_inject(&n, NULL, frame, len[i]);
		assert_int_equal(nic_received(&n, slots), slots);
		nic_holds(&n, n.rx_seen, frame, len[i], 0, false);
		n.rx_seen += slots;
	}
}

static void offloads(void **state)
{
	struct netif_extra_info x;

	(void)state;
	tcp_frame();
	nic_post(&n, 18);
	nic_inject(&n, &nic_gso, frame, 65549);
	assert_int_equal(nic_received(&n, 18), 18);
	assert_int_equal(nic_rx_rsp(&n, 0)->flags, MORE | EXTRA | BLANK | VALID);
	memcpy(&x, nic_rx_rsp(&n, 1), sizeof(x));
	assert_int_equal(x.type, XEN_NETIF_EXTRA_TYPE_GSO);
	assert_int_equal(x.flags, 0);
	assert_int_equal(x.u.gso.type, XEN_NETIF_GSO_TYPE_TCPV4);
	assert_int_equal(x.u.gso.size, 1448);
	assert_int_equal(x.u.gso.features, 0);
	nic_holds(&n, 0, frame, 65549, 0, true);
	n.rx_seen += 18;
}

/* A guest is shown whole frames only, and posts slots one by one as long as it likes. */
static void whole_frames(void **state)
{
	uint64_t cpu;

	(void)state;
	nic_inject(&n, NULL, frame, 20000);
	for (uint32_t i = 0; i < 4; i++) {
		nic_post(&n, 1);
		nic_turn(&n);
		assert_int_equal(n.rx->rsp_prod, 0);
	}
	/* Slots that are too few are not looked at again and again. */
	cpu = worker_cpu_us(&w);
	poll(NULL, 0, 300);
	assert_true(worker_cpu_us(&w) - cpu < 50000);
	nic_post(&n, 1);
	assert_int_equal(nic_received(&n, 5), 5);
	nic_holds(&n, 0, frame, 20000, 0, false);
	n.rx_seen += 5;
	nic_works(&n);
}

/* Frames behind one that waits for slots keep their order. */
static void order(void **state)
{
	(void)state;
	nic_inject(&n, NULL, frame, 9000);
	nic_inject(&n, NULL, frame, 60);
	nic_inject(&n, NULL, frame, 5000);
	nic_post(&n, 2);
	nic_turn(&n);
	nic_post(&n, 2);
	nic_received(&n, 4);
	nic_holds(&n, 0, frame, 9000, 0, false);
	nic_holds(&n, 3, frame, 60, 0, false);
	nic_post(&n, 2);
	nic_received(&n, 6);
	nic_holds(&n, 4, frame, 5000, 0, false);
	n.rx_seen += 6;
	nic_works(&n);
}

/* Frames of 3000 bytes into the TAP, until it is full. Return: how many. */
static uint32_t flood(void)
{
	static const uint8_t raw[sizeof(struct virtio_net_hdr) + 3000];
	uint32_t sent = 0;

	while (send(n.tap, raw, sizeof(raw), MSG_DONTWAIT) > 0)
		sent++;
	return sent;
}

/* Without slots the TAP is not read, and nobody spins over it. */
static void no_slots(void **state)
{
	uint32_t sent;
	struct nic other;
	uint64_t cpu;

	(void)state;
	nic_up(&other, &w, NIC_ALL);
	sent = flood();
	assert_true(sent > 10);
	for (int k = 0; k < 50; k++)
		nic_works(&other);
	cpu = worker_cpu_us(&w);
	poll(NULL, 0, 300);
	assert_true(worker_cpu_us(&w) - cpu < 50000);
	assert_int_equal(flood(), 0);
	nic_down(&other);
	/* Each slot is room for one more, and no more than one. */
	for (uint32_t i = 0; i < 8; i++, n.rx_seen++) {
		nic_post(&n, 1);
		assert_int_equal(nic_received(&n, 1), 1);
	}
	sent += flood();
	nic_post(&n, 128);
	for (uint32_t left = sent - 8; left;) {
		uint32_t got = nic_received(&n, left < 64 ? left : 64);

		left -= got;
		n.rx_seen += got;
		nic_post(&n, got);
	}
}

/* A frontend that does not say that it has posted slots is looked at. */
static void without_notify(void **state)
{
	struct nic other;

	(void)state;
	nic_up(&other, &w, NIC_ALL & ~NET_RX_NOTIFY);
	nic_inject(&other, NULL, frame, 100);
	for (uint32_t i = 0; i < 3; i++) {
		union netif_rx_sring_entry *slot =
			(void *)((char *)other.rx +
		                 offsetof(struct netif_rx_sring, ring));

		slot[i].req.id = (uint16_t)i;
		slot[i].req.gref = other.refs[i];
		__atomic_store_n(&other.rx->req_prod, ++other.rx_posted,
		                 __ATOMIC_RELEASE);
		nic_received(&other, 1);
		other.rx_seen++;
		nic_inject(&other, NULL, frame, 100);
	}
	nic_down(&other);
}

/* Grants that cannot be written to: that slot says so, and the frame is whole. */
static void bad_grants(void **state)
{
	const uint32_t bad[] = { 99999, UINT32_MAX, n.readonly_ref };
	union netif_rx_sring_entry *slot =
		(void *)((char *)n.rx + offsetof(struct netif_rx_sring, ring));

	(void)state;
	for (uint32_t i = 0; i < ARRAY_SIZE(bad); i++) {
		nic_inject(&n, NULL, frame, 9000);
		for (uint32_t k = 0; k < 3; k++, n.rx_posted++) {
			slot[n.rx_posted].req.id = (uint16_t)n.rx_posted;
			slot[n.rx_posted].req.gref = k == 1 ? bad[i] : n.refs[k];
		}
		__atomic_store_n(&n.rx->req_prod, n.rx_posted, __ATOMIC_RELEASE);
		xenevtchn_notify(n.xce, n.port);
		nic_received(&n, 3);
		assert_int_equal(nic_rx_rsp(&n, n.rx_seen)->status, 4096);
		assert_int_equal(nic_rx_rsp(&n, n.rx_seen)->flags, MORE);
		assert_int_equal(nic_rx_rsp(&n, n.rx_seen + 1)->status, NETIF_RSP_ERROR);
		assert_int_equal(nic_rx_rsp(&n, n.rx_seen + 2)->status, 9000 - 8192);
		n.rx_seen += 3;
	}
}

/* A guest without an offload is not given what needs it. */
static void not_accepted(void **state)
{
	struct nic other;

	(void)state;
	nic_up(&other, &w, NET_RX_NOTIFY);
	tcp_frame();
	nic_inject(&other, &nic_gso, frame, 3000);
	nic_inject(&other, NULL, frame, 4097);
	nic_inject(&other, NULL, frame, 70000 - 1);
	nic_works(&other);
	nic_down(&other);
	assert_int_equal(worker_served(&w, "rx_refused_size"), 2);
	assert_int_equal(worker_served(&w, "rx_refused_gso"), 1);
	assert_int_equal(worker_served(&w, "rx_frames"), 1);
}

/* Answer to the request to listen to group @i, or not any more. */
static int16_t group(struct nic *c, uint8_t type, uint8_t i)
{
	struct netif_extra_info *x;

	nic_put(c, 0, 0, 0, NETTXF_extra_info);
	x = nic_put_extra(c, type, 0);
	x->u.mcast.addr[0] = 1;
	x->u.mcast.addr[5] = i;
	nic_push(c);
	return nic_answered(c, 2)->status;
}

/* A guest that has asked for it gets frames of its groups only; others get all. */
static void groups(void **state)
{
	const uint8_t add = XEN_NETIF_EXTRA_TYPE_MCAST_ADD,
		      del = XEN_NETIF_EXTRA_TYPE_MCAST_DEL;
	struct nic c;

	(void)state;
	nic_share(&c, &w, NIC_ALL);
	c.conf.live.mcast = 1;
	assert_int_equal(nic_connect(&c, NULL), 0);
	memset(frame, 0, 6);
	frame[0] = 1;
	for (uint8_t i = 0; i < 64; i++)
		assert_int_equal(group(&c, add, i), NETIF_RSP_OKAY);
	assert_int_equal(group(&c, add, 200), NETIF_RSP_ERROR);
	nic_post(&c, 4);
	frame[5] = 77;
	nic_inject(&c, NULL, frame, 60);
	nic_inject(&n, NULL, frame, 60);
	frame[5] = 7;
	nic_inject(&c, NULL, frame, 61);
	assert_int_equal(nic_received(&c, 1), 1);
	assert_int_equal(nic_rx_rsp(&c, 0)->status, 61);
	c.rx_seen++;
	nic_post(&n, 1);
	assert_int_equal(nic_received(&n, 1), 1);
	n.rx_seen++;
	/* Everybody is no group. */
	memset(frame, 0xff, 6);
	nic_inject(&c, NULL, frame, 62);
	assert_int_equal(nic_received(&c, 1), 1);
	assert_int_equal(nic_rx_rsp(&c, 1)->status, 62);
	c.rx_seen++;
	assert_int_equal(group(&c, del, 200), NETIF_RSP_OKAY);
	frame[0] = 0;
	nic_inject(&c, NULL, frame, 63);
	assert_int_equal(nic_received(&c, 1), 1);
	nic_down(&c);
	assert_int_equal(worker_served(&w, "rx_filtered"), 1);
}

/* It asks for that, or for all groups again, while frames come; what it added counts. */
static void groups_by_and_by(void **state)
{
	(void)state;
	assert_int_equal(group(&n, XEN_NETIF_EXTRA_TYPE_MCAST_ADD, 7), NETIF_RSP_OKAY);
	nic_post(&n, 64);
	memset(frame, 0, 6);
	frame[0] = 1;
	for (uint32_t i = 0; i < 9; i++) {
		n.conf.live.mcast = i % 2;
		nic_update(&n);
		frame[5] = 77;
		nic_inject(&n, NULL, frame, 60);
		frame[5] = 7;
		nic_inject(&n, NULL, frame, 100 + i);
		assert_int_equal(nic_received(&n, i % 2 ? 1 : 2), i % 2 ? 1 : 2);
		n.rx_seen += i % 2 ? 1 : 2;
		assert_int_equal(nic_rx_rsp(&n, n.rx_seen - 1)->status, 100 + i);
	}
	/* What cannot be is not taken. */
	n.conf.live.mcast = 2;
	nic_update(&n);
	nic_works(&n);
}

static void status(struct nic *c, int err, const char *words)
{
	struct msg m;

	worker_recv(&w, MSG_STATUS, &m);
	assert_int_equal(m.dev, c->handle);
	assert_int_equal(m.u.result.err, err);
	if (!strstr(m.u.result.text, words))
		fail_msg("STATUS says: %s", m.u.result.text);
}

/*
 * Slots are missing for a frame that waits, one too few or all (XSA-392): it is dropped,
 * and the card has no carrier until the guest receives again.
 */
static void stalls(void **state)
{
	struct nic c;

	(void)state;
	nic_share(&c, &w, NIC_ALL);
	c.conf.drain_ms = 20;
	c.conf.stall_ms = 100;
	assert_int_equal(nic_connect(&c, NULL), 0);
	for (uint32_t slots = 0; slots < 2; slots++) {
		uint64_t end = now_ms() + RIG_WAIT_MS;

		nic_post(&c, slots);
		while (worker_silent(&w) && now_ms() < end) {
			nic_inject(&c, NULL, frame, 5000);
			poll(NULL, 0, 5);
		}
		status(&c, ETIMEDOUT, "too few receive slots for 100 ms");
		assert_int_equal(c.rx->rsp_prod, c.rx_seen);
		nic_works(&n);
		nic_post(&c, 64);
		nic_inject(&c, NULL, frame, 100);
		nic_received(&c, 1);
		status(&c, 0, "receives again");
		c.rx_seen = c.rx->rsp_prod;
		/* All slots are used up. */
		while (c.rx_seen != c.rx_posted) {
			nic_inject(&c, NULL, frame, 100);
			c.rx_seen += nic_received(&c, 1);
		}
	}
	nic_down(&c);
	assert_true(worker_served(&w, "rx_expired") > 5);
}

/* Nothing is wrong with a guest that is slow, or for which nothing comes. */
static void slow_is_no_stall(void **state)
{
	struct nic c;

	(void)state;
	nic_share(&c, &w, NIC_ALL);
	c.conf.stall_ms = 200;
	assert_int_equal(nic_connect(&c, NULL), 0);
	poll(NULL, 0, 300);
	for (int i = 0; i < 6; i++) {
		nic_inject(&c, NULL, frame, 100);
		nic_inject(&c, NULL, frame, 100);
		poll(NULL, 0, 60);
		nic_post(&c, 1);
		c.rx_seen += nic_received(&c, 1);
	}
	assert_true(worker_silent(&w));
	nic_down(&c);
	assert_int_equal(worker_served(&w, "rx_expired"), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_prestate_setup_teardown(f, setup, nic_teardown, &rig)
	const struct CMUnitTest tests[] = {
		TEST(sizes),        TEST(offloads),
		TEST(whole_frames), TEST(order),
		TEST(no_slots),     TEST(without_notify),
		TEST(bad_grants),   TEST(not_accepted),
		TEST(groups),       TEST(groups_by_and_by),
		TEST(stalls),       TEST(slow_is_no_stall),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
