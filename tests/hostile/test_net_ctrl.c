/* SPDX-License-Identifier: MIT */
/* What a guest can say on its control ring, and what it cannot bring about with it. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "ctrl.h"
#include "net_keep.h"

#define OKAY     XEN_NETIF_CTRL_STATUS_SUCCESS
#define NOT_SUP  XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED
#define INVALID  XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER
#define OVERFLOW XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW

#define SET_FLAGS XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS
#define SET_KEY   XEN_NETIF_CTRL_TYPE_SET_HASH_KEY
#define GET_SIZE  XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE
#define SET_SIZE  XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE
#define SET_MAP   XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING
#define SET_ALG   XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM

#define NO_SUCH_GRANT 60000U

static struct worker w;
static struct nic n;
static struct ctrl c;
static uint8_t frame[70000];

static int setup(void **state)
{
	const char *text;

	(void)state;
	worker_up(&w);
	nic_share(&n, &w, NIC_ALL);
	ctrl_add(&c, &n);
	if (nic_connect(&n, &text))
		fail_msg("CONNECTED says: %s", text);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (worker_alive(&w))
		nic_disconnect(&n);
	assert_int_equal(worker_holds(&w), 0);
	nic_unshare(&n);
	ctrl_drop(&c, &n);
	worker_down(&w);
	return 0;
}

/* Return: its status. */
static uint32_t ask(uint16_t type, uint32_t a, uint32_t b, uint32_t d)
{
	return ctrl_ask(&c, type, a, b, d);
}

static const struct net_steer_way *way(void)
{
	return &c.memory->way[c.memory->which & 1];
}

/* The key of Microsoft's verification suite, for all types. */
static void hash_on(void)
{
	static const uint8_t key[NET_HASH_KEY] = {
		0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
		0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
		0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
		0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa
	};

	assert_int_equal(ask(SET_ALG, 1, 0, 0), OKAY);
	memcpy(c.page, key, sizeof(key));
	assert_int_equal(ask(SET_KEY, c.page_ref, sizeof(key), 0), OKAY);
	assert_int_equal(ask(SET_FLAGS, 15, 0, 0), OKAY);
}

/* Of that suite: 66.9.149.187:2794 to 161.142.100.80:1766. */
static void suite_frame(void)
{
	static const uint8_t fields[] = { 66,  9,  149,  187,  161,  142,
		                          100, 80, 0x0a, 0xea, 0x06, 0xe6 };

	memset(frame, 0, sizeof(frame));
	frame[12] = 8;
	frame[14] = 0x45;
	frame[23] = 6;
	memcpy(frame + 26, fields, sizeof(fields));
	frame[46] = 0x50;
}

#define SUITE_HASH 0x51ccc178U

static void is_hash(uint32_t idx, uint32_t flags)
{
	struct netif_extra_info x;
	uint32_t value;

	memcpy(&x, nic_rx_rsp(&n, idx), sizeof(x));
	memcpy(&value, x.u.hash.value, sizeof(value));
	assert_int_equal(x.type, XEN_NETIF_EXTRA_TYPE_HASH);
	assert_int_equal(x.flags, flags);
	assert_int_equal(x.u.hash.type, _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP);
	assert_int_equal(x.u.hash.algorithm, XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ);
	assert_int_equal(value, SUITE_HASH);
}

static void frame_with_hash(void)
{
	suite_frame();
	nic_post(&n, 2);
	nic_inject(&n, NULL, frame, 100);
	assert_int_equal(nic_received(&n, 2), 2);
	assert_int_equal(nic_rx_rsp(&n, n.rx_seen)->flags, NETRXF_extra_info);
	assert_int_equal(nic_rx_rsp(&n, n.rx_seen)->status, 100);
	is_hash(n.rx_seen + 1, 0);
	n.rx_seen += 2;
}

/* With a hash a frame needs a slot more, behind the one that says how it is segmented. */
static void frames_with_hashes(void **state)
{
	struct netif_extra_info x;

	(void)state;
	nic_works(&n);
	hash_on();
	frame_with_hash();
	nic_post(&n, 3);
	nic_inject(&n, &nic_gso, frame, 5000);
	nic_turn(&n);
	/* It would have fitted without. */
	assert_int_equal(n.rx->rsp_prod, n.rx_seen);
	nic_post(&n, 1);
	assert_int_equal(nic_received(&n, 4), 4);
	assert_true(nic_rx_rsp(&n, n.rx_seen)->flags & NETRXF_extra_info);
	memcpy(&x, nic_rx_rsp(&n, n.rx_seen + 1), sizeof(x));
	assert_int_equal(x.type, XEN_NETIF_EXTRA_TYPE_GSO);
	assert_int_equal(x.flags, XEN_NETIF_EXTRA_FLAG_MORE);
	is_hash(n.rx_seen + 2, 0);
	assert_int_equal(nic_rx_rsp(&n, n.rx_seen + 3)->status, 5000 - XEN_PAGE);
	n.rx_seen += 4;
	/* It is no IP packet. */
	nic_works(&n);
	assert_int_equal(ask(SET_ALG, 0, 0, 0), OKAY);
	nic_post(&n, 1);
	nic_inject(&n, NULL, frame, 100);
	assert_int_equal(nic_received(&n, 1), 1);
	assert_int_equal(nic_rx_rsp(&n, n.rx_seen++)->flags, 0);
}

/* How it is segmented, its hash, its headroom: all behind the first page, in this order.
 */
static void three_extras(void **state)
{
	const uint32_t room = 256, first = XEN_PAGE - 256, len = 5000;
	const uint8_t xdp[4] = { XEN_NETIF_EXTRA_TYPE_XDP, 0, (uint8_t)room, room >> 8 };
	struct netif_extra_info x;
	uint32_t at = n.rx_seen;

	(void)state;
	hash_on();
	n.conf.live.headroom = room;
	nic_update(&n);
	suite_frame();
	nic_post(&n, 4);
	nic_inject(&n, &nic_gso, frame, len);
	nic_turn(&n);
	assert_int_equal(n.rx->rsp_prod, n.rx_seen);
	nic_post(&n, 1);
	assert_int_equal(nic_received(&n, 5), 5);
	assert_true(nic_rx_rsp(&n, at)->flags & NETRXF_extra_info);
	assert_int_equal(nic_rx_rsp(&n, at)->offset, room);
	assert_int_equal(nic_rx_rsp(&n, at)->status, first);
	assert_memory_equal(nic_rx_page(&n, at) + room, frame, first);
	memcpy(&x, nic_rx_rsp(&n, at + 1), sizeof(x));
	assert_int_equal(x.type, XEN_NETIF_EXTRA_TYPE_GSO);
	assert_int_equal(x.flags, XEN_NETIF_EXTRA_FLAG_MORE);
	is_hash(at + 2, XEN_NETIF_EXTRA_FLAG_MORE);
	assert_memory_equal(nic_rx_rsp(&n, at + 3), xdp, sizeof(xdp));
	assert_int_equal(nic_rx_rsp(&n, at + 4)->status, len - first);
	assert_memory_equal(nic_rx_page(&n, at + 4), frame + first, len - first);
	n.rx_seen += 5;
}

static void each_rule(void **state)
{
	const struct {
		const char *what;
		uint16_t type;
		uint32_t data[3];
		uint32_t status;
	} rows[] = {
		{ "largest mapping", GET_SIZE, { 0 }, OKAY },
		{ "types before the algorithm", SET_FLAGS, { 15 }, INVALID },
		{ "an algorithm that does not exist", SET_ALG, { 2 }, INVALID },
		{ "Toeplitz", SET_ALG, { 1 }, OKAY },
		{ "types", SET_FLAGS, { 15 }, OKAY },
		{ "a type that does not exist", SET_FLAGS, { 16 }, INVALID },
		{ "a mapping that is too large", SET_SIZE, { 129 }, INVALID },
		{ "a mapping", SET_SIZE, { 128 }, OKAY },
		{ "its entries", SET_MAP, { c.page_ref, 128, 0 }, OKAY },
		{ "around the end", SET_MAP, { c.page_ref, 2, UINT32_MAX }, INVALID },
		{ "beyond the end", SET_MAP, { c.page_ref, 128, 1 }, INVALID },
		{ "too many", SET_MAP, { c.page_ref, 0x40000001, 0 }, OVERFLOW },
		{ "of no grant", SET_MAP, { NO_SUCH_GRANT, 128, 0 }, INVALID },
		{ "a key that is too long", SET_KEY, { c.page_ref, 41 }, OVERFLOW },
		{ "a key of no grant", SET_KEY, { NO_SUCH_GRANT, 40 }, INVALID },
		{ "no key, of no grant", SET_KEY, { NO_SUCH_GRANT, 0 }, OKAY },
		{ "grants that stay mapped", 8, { 0 }, NOT_SUP },
		{ "the same", 9, { 0, 1, 1 }, NOT_SUP },
		{ "the same", 10, { 0, 1, 1 }, NOT_SUP },
		{ "no request", 0, { 0 }, NOT_SUP },
		{ "one that does not exist", 11, { 0 }, NOT_SUP },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t is = ask(rows[i].type, rows[i].data[0], rows[i].data[1],
		                  rows[i].data[2]);

		if (is != rows[i].status)
			fail_msg("%s: %u", rows[i].what, is);
	}
	nic_works(&n);
}

static bool flipping;

/* An entry is that of a queue, and of none, and of one again. */
static void *flip(void *page)
{
	for (uint32_t i = 0; __atomic_load_n(&flipping, __ATOMIC_RELAXED); i++)
		__atomic_store_n((uint32_t *)page + 64, i % 2 ? 0 : 77, __ATOMIC_RELAXED);
	return NULL;
}

/* XSA-270: what is judged is what is used, whatever becomes of the page meanwhile. */
static void entries_change_while_they_are_copied(void **state)
{
	uint64_t end = now_ms() + 5000;
	uint32_t taken = 0, refused = 0, wrong = 0;
	pthread_t thread;

	(void)state;
	hash_on();
	assert_int_equal(ask(SET_SIZE, 128, 0, 0), OKAY);
	memset(c.page, 0, XEN_PAGE);
	__atomic_store_n(&flipping, true, __ATOMIC_RELAXED);
	assert_int_equal(pthread_create(&thread, NULL, flip, c.page), 0);
	/* It is chance which of the two is copied, and whether it changes just then. */
	while ((taken < 2000 || refused < 2000) && now_ms() < end) {
		uint32_t status = ask(SET_MAP, c.page_ref, 128, 0);

		taken += status == OKAY;
		refused += status == INVALID;
		for (uint32_t k = 0; k < 128; k++)
			wrong += way()->to[k] != 0;
	}
	__atomic_store_n(&flipping, false, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	if (!taken || !refused || wrong)
		fail_msg("%u taken, %u refused, %u entries are wrong", taken, refused,
		         wrong);
	assert_int_equal(way()->size, 128);
}

/* Full again and again; frames go on, and the stop is heard. */
static void flood(void **state)
{
	(void)state;
	hash_on();
	for (uint32_t i = 0; i < 40; i++) {
		while (c.pushed - c.seen < CTRL_RING)
			ctrl_put(&c, i % 2 ? SET_KEY : SET_SIZE,
			         i % 2 ? c.page_ref : c.pushed % 129, 40, 0);
		ctrl_push(&c);
		nic_works(&n);
		ctrl_answered(&c);
		for (; c.seen != c.pushed; c.seen++)
			assert_int_equal(ctrl_slot(&c, c.seen)->rsp.status, OKAY);
	}
	while (c.pushed - c.seen < CTRL_RING)
		ctrl_put(&c, SET_KEY, c.page_ref, 40, 0);
	ctrl_push(&c);
}

/* Whatever was answered is a request again. */
static void *refill(void *ring)
{
	struct xen_netif_ctrl_sring *r = ring;

	while (__atomic_load_n(&flipping, __ATOMIC_RELAXED))
		__atomic_store_n(&r->req_prod,
		                 __atomic_load_n(&r->rsp_prod, __ATOMIC_ACQUIRE) +
		                         CTRL_RING,
		                 __ATOMIC_RELEASE);
	return NULL;
}

/* Another connection; what the last one was told is gone. */
static void begin_anew(void)
{
	assert_int_equal(ftruncate(n.journal, 0), 0);
	SHARED_RING_INIT(c.ring);
	SHARED_RING_INIT(n.tx);
	SHARED_RING_INIT(n.rx);
	c.pushed = c.seen = 0;
	assert_int_equal(nic_connect(&n, NULL), 0);
	assert_int_equal(ask(XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS, 0, 0, 0), NOT_SUP);
}

/* A ring that is never empty does not keep the card. */
static void stopped_in_a_flood(void **state)
{
	uint64_t end = now_ms() + RIG_WAIT_MS;
	pthread_t thread;

	(void)state;
	__atomic_store_n(&flipping, true, __ATOMIC_RELAXED);
	assert_int_equal(pthread_create(&thread, NULL, refill, c.ring), 0);
	while (__atomic_load_n(&c.ring->rsp_prod, __ATOMIC_RELAXED) < 2 * CTRL_RING &&
	       now_ms() < end) {
		xenevtchn_notify(c.xce, c.port);
		poll(NULL, 0, 1);
	}
	nic_disconnect(&n);
	__atomic_store_n(&flipping, false, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_true(c.ring->rsp_prod >= 2 * CTRL_RING);
	assert_int_equal(worker_holds(&w), 0);
	begin_anew();
}

/* Events for nothing cost the guest its quickness, and us little. */
static void storm(void **state)
{
	uint64_t cpu = worker_cpu_us(&w), end;

	(void)state;
	for (end = now_ms() + 300; now_ms() < end;)
		xenevtchn_notify(c.xce, c.port);
	assert_true(worker_cpu_us(&w) - cpu < 100000);
	assert_int_equal(ask(GET_SIZE, 0, 0, 0), OKAY);
}

static void index_jumps(void **state)
{
	(void)state;
	assert_int_equal(ask(GET_SIZE, 0, 0, 0), OKAY);
	c.pushed += CTRL_RING + 1;
	ctrl_push(&c);
	assert_non_null(strstr(nic_failed(&n), "control ring's index cannot be"));
	assert_int_equal(c.ring->rsp_prod, 1);
}

/* Requests that do not exist are said, but not each of them. */
static void unknown_are_said(void **state)
{
	char *log;
	uint32_t lines = 0;

	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(ask((uint16_t)(11 + i), 0, 0, 0), NOT_SUP);
	log = worker_log(&w);
	for (const char *at = log; (at = strstr(at, "which does not exist")); at++)
		lines++;
	assert_in_range(lines, 1, 20);
	free(log);
}

/*
 * A worker that died has carried out a request and was about to show the answer: that is
 * shown, and what is in the ring, where half of it may be, is no request.
 */
static void answer_was_not_shown(void **state)
{
	const off_t ring = (off_t)(NET_JOURNAL_SIZE + offsetof(struct net_keep, hash) +
	                           offsetof(struct net_hash_keep, ring));
	const uint64_t showing = 5ULL << 32 | 4;

	(void)state;
	hash_on();
	assert_int_equal(ask(SET_SIZE, 100, 0, 0), OKAY);
	assert_int_equal(ask(GET_SIZE, 0, 0, 0), OKAY);
	nic_disconnect(&n);
	assert_int_equal(c.ring->rsp_prod, 5);
	c.ring->rsp_prod = 4;
	ctrl_slot(&c, 4)->req =
		(struct xen_netif_ctrl_request){ .id = 1, .type = SET_ALG };
	assert_int_equal(pwrite(n.journal, &showing, sizeof(showing), ring), 8);
	/* What the program read is lost, and what the guest has said is not. */
	assert_int_equal(ftruncate(n.steer[NET_STEER_MAP], 0), 0);
	assert_int_equal(ftruncate(n.steer[NET_STEER_MAP], CTRL_MAP_BYTES), 0);
	assert_int_equal(nic_connect(&n, NULL), 0);
	ctrl_answered(&c);
	assert_int_equal(ctrl_slot(&c, 4)->rsp.id, 0x8004);
	assert_int_equal(ctrl_slot(&c, 4)->rsp.type, GET_SIZE);
	assert_int_equal(ctrl_slot(&c, 4)->rsp.data, 128);
	assert_int_equal(way()->types, 15);
	assert_int_equal(way()->size, 100);
	frame_with_hash();
}

/* What no guest can have asked for was not left by a worker of ours. */
static void spoilt_memory(void **state)
{
	const off_t conf = (off_t)(NET_JOURNAL_SIZE + offsetof(struct net_keep, hash) +
	                           offsetof(struct net_hash_keep, conf));
	const char *text;

	(void)state;
	nic_disconnect(&n);
	for (int i = 0; i < 2; i++) {
		struct net_hash_conf bad = { .algorithm = 1, .size = 1, .to = { 9 } };

		assert_int_equal(pwrite(n.journal, &bad, sizeof(bad),
		                        conf + i * (off_t)sizeof(bad)),
		                 sizeof(bad));
	}
	assert_int_equal(nic_connect(&n, &text), EPROTO);
	assert_non_null(strstr(text, "a hash that cannot be"));
	begin_anew();
}

/* A control ring that cannot be had: the card is given back as a whole. */
static void half_a_control_ring(void **state)
{
	unsigned int fds, tasks;
	struct ctrl half;
	struct nic m;

	(void)state;
	nic_works(&n);
	assert_int_equal(ask(GET_SIZE, 0, 0, 0), OKAY);
	fds = worker_count(&w, "fd");
	tasks = worker_count(&w, "task");
	/* Each twice: what it leaves is more than one that was there for a moment. */
	for (int how = 0; how < 8; how++) {
		nic_share(&m, &w, NIC_ALL);
		ctrl_add(&half, &m);
		if (how % 4 == 0)
			m.conf.ctrl_ref = NO_SUCH_GRANT;
		else if (how % 4 == 1)
			m.conf.ctrl_port = 900;
		else if (how % 4 == 2)
			m.conf.ctrl_ref = m.readonly_ref;
		else
			m.conf.flags &= ~NET_STEERED;
		assert_int_not_equal(nic_connect(&m, NULL), 0);
		worker_fds_back(&w, fds);
		assert_int_equal(worker_count(&w, "task"), tasks);
		nic_unshare(&m);
		ctrl_drop(&half, &m);
	}
	nic_works(&n);
	assert_int_equal(ask(GET_SIZE, 0, 0, 0), OKAY);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(frames_with_hashes),
		TEST(three_extras),
		TEST(each_rule),
		TEST(entries_change_while_they_are_copied),
		TEST(flood),
		TEST(stopped_in_a_flood),
		TEST(storm),
		TEST(index_jumps),
		TEST(unknown_are_said),
		TEST(answer_was_not_shown),
		TEST(spoilt_memory),
		TEST(half_a_control_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
