/* SPDX-License-Identifier: MIT */
/* What a guest is answered when it breaks a rule of xen/io/netif.h as it transmits. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nic.h"

#define MORE  NETTXF_more_data
#define EXTRA NETTXF_extra_info
#define BLANK NETTXF_csum_blank
#define OK    NETIF_RSP_OKAY
#define ERR   NETIF_RSP_ERROR
#define NUL   NETIF_RSP_NULL

#define GSO  XEN_NETIF_EXTRA_TYPE_GSO
#define ADD  XEN_NETIF_EXTRA_TYPE_MCAST_ADD
#define DEL  XEN_NETIF_EXTRA_TYPE_MCAST_DEL
#define HASH XEN_NETIF_EXTRA_TYPE_HASH
#define GSO4 XEN_NETIF_GSO_TYPE_TCPV4

static struct worker w;
static struct nic n;
static uint8_t frame[70000];

static struct nic_rig rig = { .w = &w, .n = &n };

/* A slot, or with @type an extra, whose size and GSO type are in @size and @off. */
struct put {
	uint32_t size, off;
	unsigned int flags;
	uint8_t type;
};

#define S(size_, off_, flags_)         \
	{                              \
		size_, off_, flags_, 0 \
	}
#define X(type_, flags_)                  \
	{                                 \
		1448, GSO4, flags_, type_ \
	}
#define XG(size_, kind_)             \
	{                            \
		size_, kind_, 0, GSO \
	}
#define M  S(64, 0, MORE)
#define M4 M, M, M, M

/* The verdict: how each slot is answered, or why the card is given up. */
struct rule {
	const char *what;
	struct put put[24];
	const char *fatal;
	int16_t status;
	uint32_t extras;
	uint32_t arrives; /* bytes */
};

static const struct rule rules[] = {
	{ "a frame", { S(60, 0, 0) }, .status = OK, .arrives = 60 },
	{ "14 bytes", { S(14, 4082, 0) }, .status = OK, .arrives = 14 },
	{ "13 bytes", { S(13, 0, 0) }, .status = ERR },
	{ "no bytes", { S(0, 0, 0) }, .status = ERR },
	{ "a chain",
	  { S(5000, 0, MORE), S(4000, 96, 0) },
	  .status = OK,
	  .arrives = 5000 },
	{ "a part of no length",
	  { S(200, 0, MORE), S(0, 0, MORE), S(100, 0, 0) },
	  .status = OK,
	  .arrives = 200 },
	{ "parts larger than the frame",
	  { S(200, 0, MORE), S(300, 0, 0) },
	  .status = ERR },
	{ "64 KiB: the size wraps",
	  { S(100, 0, MORE), S(4096, 0, MORE), S(4096, 0, 0) },
	  .status = ERR },
	{ "nothing left for the first part",
	  { S(200, 0, MORE), S(200, 0, 0) },
	  .status = ERR },
	{ "19 slots",
	  { S(2000, 0, MORE), M4, M4, M4, M4, M, S(64, 0, 0) },
	  .status = OK,
	  .arrives = 2000 },
	{ "20 slots",
	  { S(2000, 0, MORE), M4, M4, M4, M4, M, M, S(64, 0, 0) },
	  .status = ERR },
	{ "21 slots",
	  { S(2000, 0, MORE), M4, M4, M4, M4, M, M, M, S(64, 0, 0) },
	  .status = ERR },
	{ "a hash nobody asked for",
	  { S(60, 0, EXTRA), X(HASH, 0) },
	  .status = OK,
	  .extras = 1,
	  .arrives = 60 },
	{ "a refused chain with an extra",
	  { S(100, 0, EXTRA | MORE), X(GSO, 0), S(200, 0, 0) },
	  .status = ERR,
	  .extras = 1 },
	{ "a group to listen to, in a slot without data",
	  { S(0, 9999, EXTRA), X(ADD, 0) },
	  .status = OK,
	  .extras = 1 },
	{ "one that it does not listen to any more, among other extras",
	  { S(65535, 65535, EXTRA | BLANK), X(HASH, 1), X(DEL, 0) },
	  .status = OK,
	  .extras = 2 },
	/* Noise in the page: no headers are there to bear the offload. */
	{ "a blank checksum without headers", { S(60, 0, BLANK) }, .status = OK },
	{ "segmentation without headers",
	  { S(3000, 0, EXTRA | BLANK), X(GSO, 0) },
	  .status = OK,
	  .extras = 1 },

	{ "a page crossed", { S(60, 4050, 0) }, .fatal = "crosses the end of its page" },
	{ "a page crossed behind the first slot",
	  { S(5000, 0, MORE), S(4096, 1, 0) },
	  .fatal = "crosses the end of its page" },
	{ "more data than the ring has",
	  { S(200, 0, MORE) },
	  .fatal = "does not end within the ring" },
	{ "an extra that is missing", { S(60, 0, EXTRA) }, .fatal = "extra is missing" },
	{ "a chain of extras without an end",
	  { S(60, 0, EXTRA), X(GSO, 1) },
	  .fatal = "extra is missing" },
	{ "an extra of type 0",
	  { S(60, 0, EXTRA), { 1448, GSO4, 0, 0x80 } },
	  .fatal = "type that does not exist" },
	{ "22 slots",
	  { S(2000, 0, MORE), M4, M4, M4, M4, M4, S(64, 0, 0) },
	  .fatal = "more slots than any guest" },
	{ "segments of no size",
	  { S(60, 0, EXTRA), XG(0, GSO4) },
	  .fatal = "segments of no size" },
	{ "segmentation of an unknown type",
	  { S(60, 0, EXTRA), XG(1448, 9) },
	  .fatal = "segmentation of a type" },
};

static uint32_t put_rule(const struct rule *r)
{
	uint32_t slots = 0;

	for (const struct put *p = r->put;
	     p->size || p->off || p->flags || p->type || !slots; p++, slots++) {
		if (p->type) {
			/* 0x80 stands for type 0. */
			struct netif_extra_info *x =
				nic_put_extra(&n, p->type & 0x7f, (uint8_t)p->flags);

			x->u.gso.size = (uint16_t)p->size;
			x->u.gso.type = (uint8_t)p->off;
		} else {
			nic_put(&n, slots, p->off, p->size, p->flags);
		}
	}
	return slots;
}

static void answered_as(const struct rule *r, uint32_t slots)
{
	nic_answered(&n, slots);
	n.tx_seen -= slots;
	for (uint32_t i = 0; i < slots; i++) {
		const struct netif_tx_response *a = nic_tx_rsp(&n, i);
		bool extra = i >= 1 && i <= r->extras;

		if (a->status != (extra ? NUL : r->status))
			fail_msg("%s: slot %u is answered %d", r->what, i, a->status);
		if (!extra)
			assert_int_equal(a->id, 0x300 + n.tx_seen + i + 1);
	}
	n.tx_seen += slots;
}

static void each_rule(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		const struct rule *r = &rules[i];
		struct virtio_net_hdr h = { 0 };
		uint32_t slots = put_rule(r);

		nic_push(&n);
		if (!r->fatal) {
			answered_as(r, slots);
			if (r->arrives)
				assert_int_equal(nic_arrives(&n, &h, frame), r->arrives);
			/* And nothing else: the next frame is the one that works. */
			nic_works(&n);
			continue;
		}
		if (!strstr(nic_failed(&n), r->fatal))
			fail_msg("%s: another reason", r->what);
		/* The guest can connect anew, on the same worker. */
		nic_down(&n);
		nic_up(&n, &w, NIC_ALL);
		nic_works(&n);
	}
}

/* Frames before one that breaks the ring are served. */
static void good_before_bad(void **state)
{
	struct virtio_net_hdr h = { 0 };

	(void)state;
	nic_put(&n, 0, 0, 100, 0);
	nic_put(&n, 1, 0, 200, 0);
	nic_put(&n, 2, 4000, 200, 0);
	nic_push(&n);
	nic_failed(&n);
	nic_answered(&n, 2);
	assert_int_equal(nic_arrives(&n, &h, frame), 100);
	assert_int_equal(nic_arrives(&n, &h, frame), 200);
}

/* An index that cannot be; a ring that is exactly full can. */
static void index_jumps(void **state)
{
	static const uint32_t wrong[] = { 257, 1000, 0x80000000, 0xffffffff };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		n.tx->req_prod = n.tx_pushed + wrong[i];
		xenevtchn_notify(n.xce, n.port);
		if (!strstr(nic_failed(&n), "the ring's index cannot be"))
			fail_msg("another reason");
		nic_down(&n);
		nic_up(&n, &w, NIC_ALL);
	}
	n.rx->req_prod = n.rx_posted + 257;
	xenevtchn_notify(n.xce, n.port);
	nic_failed(&n);
	nic_down(&n);
	nic_up(&n, &w, NIC_ALL);
	for (uint32_t i = 0; i < NIC_RING; i++)
		nic_put(&n, i % NIC_PAGES, 0, 60, 0);
	nic_push(&n);
	nic_answered(&n, NIC_RING);
	for (uint32_t i = 0; i < NIC_RING; i++) {
		struct virtio_net_hdr h = { 0 };

		assert_int_equal(nic_arrives(&n, &h, frame), 60);
	}
	nic_works(&n);
}

/* Grants that are none: an error for that slot alone, and the frame is not sent. */
static void bad_grants(void **state)
{
	static const uint32_t bad[] = { 99999, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		nic_put(&n, 0, 0, 5000, MORE);
		nic_put(&n, 1, 0, 2000, MORE)->gref = bad[i];
		nic_put(&n, 2, 0, 2000, 0);
		nic_push(&n);
		nic_answered(&n, 3);
		n.tx_seen -= 3;
		assert_int_equal(nic_tx_rsp(&n, 0)->status, OK);
		assert_int_equal(nic_tx_rsp(&n, 1)->status, ERR);
		assert_int_equal(nic_tx_rsp(&n, 2)->status, OK);
		n.tx_seen += 3;
		nic_works(&n);
	}
	/* To be read is all that a transmit slot is for. */
	nic_put(&n, 0, 0, 60, 0)->gref = n.readonly_ref;
	nic_push(&n);
	assert_int_equal(nic_answered(&n, 1)->status, OK);
}

static void put_be(uint8_t *p, uint32_t v, int bytes)
{
	while (bytes--) {
		p[bytes] = (uint8_t)v;
		v >>= 8;
	}
}

static void tcp_frame(uint8_t *p)
{
	memset(p, 0, 54);
	put_be(p, 0x02000000, 4);
	put_be(p + 12, 0x0800, 2);
	p[14] = 0x45;
	p[23] = 6;
	put_be(p + 26, 0x0a000001, 4);
	put_be(p + 30, 0x0a000002, 4);
	p[46] = 0x50;
}

static void tcp_put(const uint8_t *whole, uint32_t first, uint32_t second, uint32_t len)
{
	struct netif_extra_info *x;

	memcpy(n.pages + 6, whole, first);
	memcpy(n.pages + XEN_PAGE, whole + first, second);
	memcpy(n.pages + 2UL * XEN_PAGE, whole + first + second, len - first - second);
	nic_put(&n, 0, 6, len, EXTRA | MORE | BLANK);
	x = nic_put_extra(&n, GSO, 0);
	x->u.gso.size = 1000;
	x->u.gso.type = GSO4;
	nic_put(&n, 1, 0, second, MORE);
	nic_put(&n, 2, 0, len - first - second, 0);
	nic_push(&n);
	nic_answered(&n, 4);
}

/*
 * Headers scattered over slots are found (XSA-423), and not beyond what there is
 * (XSA-432). Whole pages do not lie behind each other in the worker.
 */
static void scattered_headers(void **state)
{
	static const uint32_t cuts[] = { 14, 15, 20, 33, 34, 40, 53 };
	static uint8_t whole[7000];

	(void)state;
	for (size_t c = 0; c < 2UL * ARRAY_SIZE(cuts); c++) {
		uint32_t first = cuts[c / 2];
		uint32_t second = c % 2 ? XEN_PAGE : (54 - first) / 2 + 1;
		uint32_t len = c % 2 ? 7000 : 3000;
		struct virtio_net_hdr h = { 0 };

		for (uint32_t i = 0; i < sizeof(whole); i++)
			whole[i] = (uint8_t)(i * 7UL + c);
		tcp_frame(whole);
		/* What lay in the worker's memory before is no header. */
		nic_put(&n, 5, 0, 4000, 0);
		nic_push(&n);
		nic_answered(&n, 1);
		nic_arrives(&n, &h, frame);
		tcp_put(whole, first, second, len);
		assert_int_equal(nic_arrives(&n, &h, frame), len);
		assert_memory_equal(frame, whole, len);
		assert_int_equal(h.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
		assert_int_equal(h.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
		assert_int_equal(h.gso_size, 1000);
		assert_int_equal(h.hdr_len, 54);
		assert_int_equal(h.csum_start, 34);
		assert_int_equal(h.csum_offset, 16);
	}
}

/* What the other thread of the guest does to the slot that is being read. */
static atomic_bool changing, changes;

static void *change(void *arg)
{
	struct netif_tx_request *q = arg;

	while (atomic_load(&changing)) {
		__atomic_store_n(&q->size, 4096, __ATOMIC_SEQ_CST);
		__atomic_store_n(&q->offset, 4095, __ATOMIC_SEQ_CST);
		/* Long enough to be seen. */
		for (int i = 0; i < 200; i++)
			atomic_store(&changes, true);
		__atomic_store_n(&q->offset, 0, __ATOMIC_SEQ_CST);
		__atomic_store_n(&q->size, 60, __ATOMIC_SEQ_CST);
		for (int i = 0; i < 200; i++)
			atomic_store(&changes, true);
	}
	return NULL;
}

/* A slot is copied before it is judged: it is served as it was judged, or fatal. */
static void slots_change_while_they_are_read(void **state)
{
	uint64_t end = now_ms() + RIG_WAIT_MS;
	unsigned int served = 0, fatal = 0;

	(void)state;
	/* It is chance which of the two it sees. */
	while ((served < 20 || fatal < 5) && now_ms() < end) {
		struct netif_tx_request *q = nic_put(&n, 0, 0, 60, 0);
		struct virtio_net_hdr h = { 0 };
		pthread_t thread;
		uint32_t len = 0;

		atomic_store(&changes, false);
		atomic_store(&changing, true);
		assert_int_equal(pthread_create(&thread, NULL, change, q), 0);
		while (!atomic_load(&changes))
			;
		nic_push(&n);
		/* Either the frame arrives or the card is given up. */
		while (!len && worker_silent(&w) && worker_alive(&w))
			if (!nic_silent(&n))
				len = nic_arrives(&n, &h, frame);
		atomic_store(&changing, false);
		pthread_join(thread, NULL);
		if (len) {
			if (len != 60 && len != 4096)
				fail_msg("a frame of %u bytes", len);
			nic_answered(&n, 1);
			served++;
			continue;
		}
		if (!strstr(nic_failed(&n), "crosses the end of its page"))
			fail_msg("another reason");
		nic_down(&n);
		nic_up(&n, &w, NIC_ALL);
		fatal++;
	}
	if (!served || !fatal)
		fail_msg("%u served, %u fatal", served, fatal);
	nic_works(&n);
}

/* A storm of events without slots costs the guest its quickness, and us little. */
static void storm(void **state)
{
	uint64_t cpu, end;

	(void)state;
	nic_works(&n);
	cpu = worker_cpu_us(&w);
	for (end = now_ms() + 300; now_ms() < end;)
		xenevtchn_notify(n.xce, n.port);
	assert_true(worker_cpu_us(&w) - cpu < 100000);
	nic_works(&n);
}

/* CONNECT with what no supervisor of ours sends leaves nothing behind. */
static void bad_connect(void **state)
{
	struct nic other;
	unsigned int held = worker_holds(&w), fds = worker_count(&w, "fd");

	(void)state;
	for (int i = 0; i < 6; i++) {
		nic_share(&other, &w, NIC_ALL);
		switch (i) {
		case 0:
			other.conf.queue[0].tx_ref = 99999;
			break;
		case 1:
			other.conf.queue[0].rx_ref = 99999;
			break;
		case 2:
			other.conf.queue[0].tx_port = 4000;
			break;
		case 3:
			other.conf.queue[0].rx_port = 4000;
			break;
		case 4:
			other.conf.nqueues = 9;
			break;
		default:
			other.conf.flags = 0x80000000;
			break;
		}
		assert_int_not_equal(nic_connect(&other, NULL), 0);
		nic_unshare(&other);
		assert_int_equal(worker_holds(&w), held);
		assert_int_equal(worker_count(&w, "fd"), fds);
	}
	nic_works(&n);
}

int main(void)
{
#define TEST(f) NIC_TEST(f, &rig)
	const struct CMUnitTest tests[] = {
		TEST(each_rule),
		TEST(good_before_bad),
		TEST(index_jumps),
		TEST(bad_grants),
		TEST(scattered_headers),
		TEST(slots_change_while_they_are_read),
		TEST(storm),
		TEST(bad_connect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
