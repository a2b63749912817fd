/* SPDX-License-Identifier: MIT */
/* What was waited for holds for all that a queue does from then on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>

#include "compiler.h"
#include "net_live.h"

#define CHANGES 20000U

static struct net_lives lives;
static struct net_heed heed;
/* What everything from now on must be, at least. */
static atomic_uint least;
static atomic_uint late;
static atomic_bool stop;

/* Wakes up, works, sleeps, as a queue does; its work is to look what is so. */
static void *queue(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop)) {
		unsigned int is;

		net_heed_wake(&heed, &lives);
		is = atomic_load(&lives.mcast);
		for (int i = 0; i < 20; i++)
			if (is < atomic_load(&least))
				atomic_fetch_add(&late, 1);
		net_heed_sleep(&heed);
	}
	return NULL;
}

static void nothing_old_comes_later(void **state)
{
	pthread_t thread;

	(void)state;
	/* As with a card: it is set before there are queues. */
	net_lives_set(&lives, &(struct net_live){ 0 });
	assert_int_equal(pthread_create(&thread, NULL, queue, NULL), 0);
	for (uint32_t i = 1; i <= CHANGES; i++) {
		net_lives_set(&lives, &(struct net_live){ .mcast = i });
		net_lives_await(&lives, &heed);
		atomic_store(&least, i);
		if (i % 64 == 0)
			sched_yield();
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(atomic_load(&late), 0);
}

/* A queue that sleeps is not waited for; nor is one whose number comes round to 0. */
static void who_sleeps(void **state)
{
	struct net_lives s = { 0 };
	struct net_heed h = { 0 };

	(void)state;
	net_lives_await(&s, &h);
	atomic_store(&s.change, UINT32_MAX);
	net_lives_set(&s, &(struct net_live){ .mcast = 1 });
	assert_int_not_equal(atomic_load(&s.change), 0);
	net_heed_wake(&h, &s);
	assert_int_equal(atomic_load(&h.change), atomic_load(&s.change));
	net_lives_await(&s, &h);
	net_heed_sleep(&h);
	assert_int_equal(atomic_load(&h.change), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_sleeps),
		cmocka_unit_test(nothing_old_comes_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
