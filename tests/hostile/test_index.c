/* SPDX-License-Identifier: MIT */
/* Ring indices that cannot be, events without requests. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "disk.h"

static struct worker w;
static struct disk d, good;

static struct disk_rig rig = { .w = &w, .disk = { &good, &d } };

/* Voluntary context switches of all threads: what sleeping and waking costs. */
static uint64_t worker_switches(void)
{
	char cmd[128];
	unsigned long long n = 0;
	FILE *f;

	snprintf(cmd, sizeof(cmd),
	         "awk '/^voluntary/ { n += $2 } END { print n }' /proc/%d/task/*/status",
	         (int)w.pid);
	f = popen(cmd, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%llu", &n), 1);
	pclose(f);
	return n;
}

/* XSA-38, 39, 86: the device fails, once, and costs nothing more; it alone. */
static void impossible_index(void **state)
{
	static const uint32_t ahead[] = { RIG_RING + 1, 0x80000000, UINT32_MAX, 1000,
		                          0xfffffff0 };
	struct msg m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ahead); i++) {
		uint64_t before, cpu;

		disk_works(&d);
		__atomic_store_n(&d.ring->req_prod, d.pushed + ahead[i],
		                 __ATOMIC_RELEASE);
		disk_notify(&d);
		worker_recv(&w, MSG_FAILED, &m);
		assert_int_equal(m.dev, d.handle);
		assert_int_equal(m.u.result.err, EPROTO);
		assert_non_null(strstr(m.u.result.text, "ring"));

		/* Its events wake nobody, but for one that was on its way. */
		before = worker_switches();
		for (int n = 0; n < 1000; n++)
			disk_notify(&d);
		disk_works(&good);
		assert_true(worker_switches() - before <= 20);
		cpu = worker_cpu_us(&w);
		poll(NULL, 0, 100);
		assert_true(worker_cpu_us(&w) - cpu < 5000);
		assert_true(worker_silent(&w));

		disk_disconnect(&d);
		disk_unshare(&d);
		disk_up(&d, &w, 0);
	}
	disk_works(&d);
}

static void exactly_full_is_legal(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 100; round++) {
		for (uint32_t i = 0; i < RIG_RING; i++)
			disk_add(&d,
			         i % 5 == 4 ? FLUSH
			         : i & 1    ? READ
			                    : WRITE,
			         i % 5 == 4 ? 0 : 1, i, 8ULL * i);
		disk_push(&d);
		disk_wait(&d);
	}
	for (uint32_t i = 0; i < d.pushed; i++)
		assert_int_equal(d.status[i], OKAY);
	assert_true(worker_silent(&w));
}

/* XSA-332: the busier the guest is for nothing, the less we listen. */
static void event_storm(void **state)
{
	uint64_t start, ms, events;

	(void)state;
	disk_works(&d);
	start = now_ms();
	/* Each event that could be delivered is, and the worker has time to take it. */
	for (int i = 0; i < 400; i++) {
		disk_notify(&d);
		poll(NULL, 0, 1);
	}
	ms = now_ms() - start;
	/* And it still serves: at the latest when it listens again. */
	disk_works(&d);
	disk_works(&good);
	disk_disconnect(&d);
	events = worker_served(&w, "events");
	print_message("%llu events taken in %llu ms\n", (unsigned long long)events,
	              (unsigned long long)ms);
	/* Eight free, seven while the pause doubles, then one in 64 ms. */
	assert_true(events <= 8 + 7 + ms / 64 + 10);
	disk_unshare(&d);
	disk_up(&d, &w, 0);
}

static void push_batch(void)
{
	for (uint32_t i = 0; i < RIG_RING; i++)
		disk_add(&d, BLKIF_OP_DISCARD, 0, 0, 0);
	disk_push(&d);
}

/* XSA-391: a guest that asks for an event gets one, one that looks by itself gets none.
 */
static void notified_when_asked(void **state)
{
	enum {
		ROUNDS = 50
	};

	(void)state;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		push_batch();
		disk_wait(&d);
	}
	disk_disconnect(&d);
	assert_int_equal(worker_served(&w, "refused"), ROUNDS * RIG_RING);
	assert_true(worker_served(&w, "notifies") <= ROUNDS);
	disk_unshare(&d);

	disk_up(&d, &w, 0);
	/* The first answer is asked for in a fresh ring. */
	d.ring->rsp_event = 0x80000000;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint64_t end = now_ms() + RIG_WAIT_MS;

		push_batch();
		while (d.seen != d.pushed) {
			disk_collect(&d);
			assert_true(now_ms() < end);
		}
	}
	disk_disconnect(&d);
	assert_int_equal(worker_served(&w, "notifies"), 0);
	disk_unshare(&d);
	disk_up(&d, &w, 0);
}

/*
 * A request that comes while the worker is about to sleep is not forgotten: each comes at
 * another moment after the answer to the one before.
 */
static void no_wakeup_is_lost(void **state)
{
	uint32_t x = 7;

	(void)state;
	for (uint32_t round = 0; round < 10; round++) {
		for (uint32_t i = 0; i < ARRAY_SIZE(d.answers) - 8; i++) {
			uint64_t end = now_ms() + RIG_WAIT_MS;

			x = x * 1664525 + 1013904223;
			for (uint32_t spin = x >> 21; spin; spin--)
				__builtin_ia32_pause();
			disk_add(&d, BLKIF_OP_DISCARD, 0, 0, 0);
			disk_push(&d);
			while (d.seen != d.pushed) {
				disk_collect(&d);
				assert_true(now_ms() < end);
			}
		}
		disk_disconnect(&d);
		disk_unshare(&d);
		disk_up(&d, &w, 0);
	}
}

/* An idle disk wakes nobody. */
static void idle_costs_nothing(void **state)
{
	uint64_t before;

	(void)state;
	disk_works(&d);
	disk_works(&good);
	/* The last answer's way back to sleep. */
	for (int i = 0; i < 3; i++) {
		before = worker_switches();
		poll(NULL, 0, 300);
		if (worker_switches() == before)
			return;
	}
	fail_msg("the worker wakes up without a reason");
}

int main(void)
{
#define TEST(f) DISK_TEST(f, &rig)
	const struct CMUnitTest tests[] = {
		TEST(impossible_index),  TEST(exactly_full_is_legal),
		TEST(event_storm),       TEST(notified_when_asked),
		TEST(no_wakeup_is_lost), TEST(idle_costs_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
