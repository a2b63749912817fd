/* SPDX-License-Identifier: MIT */
/* Network cards of several queues: they are served together or not at all. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nic.h"

#define NO_SUCH_GRANT 60000U

static struct worker w;
/* Two queues of one card: the first is @n, the second @m, which is never connected. */
static struct nic n, m;
static uint8_t frame[70000];

static void two_queues(void)
{
	nic_share(&n, &w, NIC_ALL);
	nic_share(&m, &w, NIC_ALL);
	nic_add_queue(&n, &m);
}

static void unshare_both(void)
{
	nic_unshare(&n);
	nic_unshare(&m);
	assert_int_equal(worker_holds(&w), 0);
}

static void two_queues_are_served(void **state)
{
	(void)state;
	two_queues();
	assert_int_equal(nic_connect(&n, NULL), 0);
	assert_int_equal(worker_count(&w, "task"), 3);
	for (int i = 0; i < 20; i++) {
		nic_works(&n);
		nic_works(&m);
	}
	nic_disconnect(&n);
	unshare_both();
	assert_int_equal(worker_served(&w, "tx_frames"), 20);
}

/* The second one cannot be had: the first is given back, and nothing was served. */
static void half_a_card_is_none(void **state)
{
	unsigned int fds = worker_count(&w, "fd");

	(void)state;
	for (int how = 0; how < 4; how++) {
		two_queues();
		if (how == 0)
			n.conf.queue[1].tx_ref = NO_SUCH_GRANT;
		else if (how == 1)
			n.conf.queue[1].rx_ref = m.readonly_ref;
		else if (how == 2)
			n.conf.queue[1].tx_port = 900;
		else
			n.conf.queue[1].tx_port = n.conf.queue[0].tx_port;
		nic_put(&n, 0, 0, 60, 0);
		nic_push(&n);
		assert_int_not_equal(nic_connect(&n, NULL), 0);
		assert_true(nic_silent(&n));
		assert_int_equal(n.tx->rsp_prod, 0);
		assert_int_equal(worker_count(&w, "task"), 1);
		assert_int_equal(worker_count(&w, "fd"), fds);
		unshare_both();
	}
}

/* One is broken: that is said once, and the other one is served until the end. */
static void one_broken_queue_of_two(void **state)
{
	(void)state;
	two_queues();
	assert_int_equal(nic_connect(&n, NULL), 0);
	nic_works(&m);
	m.tx->req_prod += 1000;
	xenevtchn_notify(m.xce, m.port);
	assert_non_null(strstr(nic_failed(&n), "more slots than the ring has"));
	for (int i = 0; i < 20; i++)
		nic_works(&n);
	n.tx->req_prod += 1000;
	xenevtchn_notify(n.xce, n.port);
	nic_disconnect(&n);
	assert_true(worker_silent(&w));
	unshare_both();
}

/* Frames wait on a queue without receive slots: the other one has its own. */
static void one_starved_queue_of_two(void **state)
{
	uint64_t cpu;

	(void)state;
	two_queues();
	assert_int_equal(nic_connect(&n, NULL), 0);
	for (int i = 0; i < 10; i++)
		nic_inject(&m, NULL, frame, 1500);
	nic_turn(&m);
	cpu = worker_cpu_us(&w);
	for (int i = 0; i < 20; i++)
		nic_works(&n);
	assert_true(worker_cpu_us(&w) - cpu < 500000);
	nic_post(&m, 10);
	assert_int_equal(nic_received(&m, 10), 10);
	nic_disconnect(&n);
	unshare_both();
}

/* What a supervisor never says. */
static void bad_configurations(void **state)
{
	static const struct {
		uint32_t nqueues, flags;
		uint64_t rate_bytes;
	} rows[] = {
		{ 0, 0, 0 },          { NET_QUEUES_MAX + 1, 0, 0 },
		{ UINT32_MAX, 0, 0 }, { 1, 0x80000000, 0 },
		{ 1, 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		two_queues();
		n.conf.nqueues = rows[i].nqueues;
		n.conf.flags = rows[i].flags;
		n.conf.live.limits.rate_bytes = rows[i].rate_bytes;
		assert_int_equal(nic_connect(&n, NULL), EINVAL);
		unshare_both();
	}
}

int main(void)
{
#define TEST(f) WORKER_TEST(f, &w)
	const struct CMUnitTest tests[] = {
		TEST(two_queues_are_served),   TEST(half_a_card_is_none),
		TEST(one_broken_queue_of_two), TEST(one_starved_queue_of_two),
		TEST(bad_configurations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
