/* SPDX-License-Identifier: MIT */
/* What may wait for a guest: the program, run by the kernel, and who reads the queue. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include <linux/bpf.h>

#include "net_bound.h"
#include "net_bound_super.h"
#include "net_memory.h"

#define BYTES 4000U
/* A header that the kernel takes off before it runs a program of this type. */
#define TAKEN 14U

static int map = -1, prog = -1;
static struct net_bound *memory;

/* Return: what is left of a frame of @len for queue @nr; 0: it is dropped. */
static uint32_t comes(uint32_t len, uint32_t nr)
{
	static uint8_t data[TAKEN + BYTES];
	struct __sk_buff frame = { .queue_mapping = nr };
	union bpf_attr a = { 0 };

	a.test.prog_fd = (uint32_t)prog;
	a.test.data_in = (uintptr_t)data;
	a.test.data_size_in = TAKEN + len;
	a.test.repeat = 1;
	if (nr) {
		a.test.ctx_in = (uintptr_t)&frame;
		a.test.ctx_size_in = sizeof(frame);
	}
	if (syscall(SYS_bpf, BPF_PROG_TEST_RUN, &a, sizeof(a)))
		fail_msg("BPF_PROG_TEST_RUN: %m");
	return a.test.retval;
}

static int setup(void **state)
{
	(void)state;
	memset(memory, 0, sizeof(*memory));
	return 0;
}

static void bytes_are_counted_up_to_the_bound(void **state)
{
	struct net_bound_queue *q = &memory->queue[0];

	(void)state;
	assert_int_equal(comes(1500, 0), 1500);
	assert_int_equal(comes(1500, 0), 1500);
	assert_int_equal(comes(999, 0), 999);
	/* Below it the next one is let in, however long. */
	assert_int_equal(comes(1500, 0), 1500);
	assert_int_equal(comes(60, 0), 0);
	assert_int_equal(comes(1500, 0), 0);
	assert_int_equal(q->came, 5499);
	assert_int_equal(q->over, 2);
	q->gone = 1499;
	assert_int_equal(comes(60, 0), 0);
	q->gone = 1500;
	assert_int_equal(comes(60, 0), 60);
	assert_int_equal(q->came, 5559);
	assert_int_equal(q->over, 3);
	assert_int_equal(q->gone, 1500);
	for (uint32_t i = 1; i < NET_BOUND_QUEUES; i++)
		assert_int_equal(memory->queue[i].came + memory->queue[i].over, 0);
}

/* A worker that somebody has taken over writes what it likes. */
static void any_memory(void **state)
{
	struct net_bound_queue *q = &memory->queue[0];

	(void)state;
	q->gone = UINT64_MAX;
	assert_int_equal(comes(60, 0), 60);
	q->came = INT64_MAX;
	q->gone = 0;
	assert_int_equal(comes(60, 0), 0);
	q->gone = (uint64_t)INT64_MIN;
	assert_int_equal(comes(60, 0), 60);
}

static struct net_bound_view view(struct net_bound_queue *q)
{
	struct net_bound_view v;

	net_bound_begin(&v, q);
	return v;
}

static void the_reader_says_what_is_gone(void **state)
{
	struct net_bound_queue q = { .came = 1000, .over = 7, .gone = 400 };
	struct net_bound_view v = view(&q);

	(void)state;
	q.came += 3000;
	q.over += 2;
	assert_int_equal(net_bound_look(&v), 2);
	assert_int_equal(net_bound_look(&v), 0);
	net_bound_read(&v, 600, false);
	assert_int_equal(q.gone, 1000);
	net_bound_read(&v, 3000, true);
	assert_int_equal(q.gone, 4000);
	assert_int_equal(q.came, 4000);
}

static void an_empty_queue_puts_it_right(void **state)
{
	struct net_bound_queue q = { .came = 5000 };
	struct net_bound_view v = view(&q);

	(void)state;
	/* Dropped behind the program: counted, and never read. What has come since the
	 * look may be there still. */
	assert_int_equal(net_bound_look(&v), 0);
	q.came += 700;
	net_bound_read(&v, 3000, true);
	assert_int_equal(q.gone, 5000);
	/* Tags that were beside the frames: read, and not counted. */
	assert_int_equal(net_bound_look(&v), 0);
	net_bound_read(&v, 800, false);
	assert_int_equal(q.gone, 5800);
	net_bound_read(&v, 0, true);
	assert_int_equal(q.gone, 5700);
	/* Without a bound there is nothing to be said. */
	v.q = NULL;
	assert_int_equal(net_bound_look(&v), 0);
	net_bound_read(&v, 1, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(bytes_are_counted_up_to_the_bound, setup),
		cmocka_unit_test_setup(any_memory, setup),
		cmocka_unit_test(the_reader_says_what_is_gone),
		cmocka_unit_test(an_empty_queue_puts_it_right),
	};

	map = net_bound_make(BYTES, &prog);
	if (map < 0) {
		printf("1..0 # SKIP the kernel refuses the program: %s\n",
		       strerror(-map));
		return map == -EPERM || map == -ENOSYS ? 77 : 1;
	}
	memory = net_memory_open(map, sizeof(*memory));
	if (!memory)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
