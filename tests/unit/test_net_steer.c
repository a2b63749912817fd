/* SPDX-License-Identifier: MIT */
/* The program that steers frames, run by the kernel: it agrees with who says the hash. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include <linux/bpf.h>

#include "hash_frames.h"
#include "net_memory.h"
#include "net_steer.h"
#include "net_steer_super.h"

/* A header that the kernel takes off before it runs a program of this type. */
#define TAKEN 14U

static int fd[NET_STEER_FDS];
static struct net_steer *memory;
static struct net_hash_conf conf;
static struct net_toeplitz toeplitz;

static int setup(void **state)
{
	(void)state;
	conf.algorithm = XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ;
	hash_bytes(conf.key, sizeof(conf.key), 7);
	net_toeplitz_init(&toeplitz, conf.key);
	conf.size = 7;
	for (uint32_t i = 0; i < conf.size; i++)
		conf.to[i] = (uint8_t)(i * 3 % 8);
	conf.to[0] = 5;
	memory = net_memory_open(fd[NET_STEER_MAP], sizeof(*memory));
	return memory ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	net_memory_close(memory, sizeof(*memory));
	net_steer_free(fd);
	return 0;
}

/* Return: the queue of a frame. */
static uint32_t run(const uint8_t *frame, uint32_t len)
{
	uint8_t data[TAKEN + 256] = { 0 };
	union bpf_attr a = { 0 };

	data[12] = 0x88;
	data[13] = 0xb5;
	memcpy(data + TAKEN, frame, len);
	a.test.prog_fd = (uint32_t)fd[NET_STEER_PROG];
	a.test.data_in = (uintptr_t)data;
	a.test.data_size_in = TAKEN + len;
	a.test.repeat = 1;
	if (syscall(SYS_bpf, BPF_PROG_TEST_RUN, &a, sizeof(a)))
		fail_msg("BPF_PROG_TEST_RUN: %m");
	return a.test.retval;
}

static uint32_t wanted(const uint8_t *frame, uint32_t len)
{
	uint32_t hash = 0;
	uint8_t type;

	if (!net_hash_frame(&toeplitz, conf.types, frame, len, &hash, &type))
		hash = 0;
	return conf.size ? conf.to[hash % conf.size] : hash % 3;
}

static void each_frame(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hash_rows); i++)
		for (uint32_t seed = 0; seed < 16; seed++) {
			const struct hash_row *r = &hash_rows[i];
			uint8_t frame[128];
			uint32_t ip, len, queue;

			conf.types = r->types;
			net_steer_set(memory, &conf, 8, conf.key);
			len = hash_frame(r, seed, frame, &ip);
			queue = run(frame, len);
			if (queue != wanted(frame, len))
				fail_msg("%s: queue %u, and %u was wanted", r->what,
				         queue, wanted(frame, len));
		}
}

/* Any bytes behind the type, any length. */
static void any_frame(void **state)
{
	static const uint16_t proto[] = { 0x800, 0x86dd, 0x8100, 0x88a8 };

	(void)state;
	conf.types = T_ALL;
	net_steer_set(memory, &conf, 8, conf.key);
	for (uint32_t i = 0; i < 4000; i++) {
		uint16_t p = proto[i % ARRAY_SIZE(proto)];
		uint32_t len = 14 + i % 90;
		uint8_t frame[128];

		hash_bytes(frame, sizeof(frame), i * 7919);
		frame[12] = (uint8_t)(p >> 8);
		frame[13] = (uint8_t)p;
		assert_int_equal(run(frame, len), wanted(frame, len));
	}
}

static void no_mapping(void **state)
{
	uint32_t ip, had[3] = { 0 };
	uint8_t frame[128];

	(void)state;
	conf.size = 0;
	conf.types = T_ALL;
	net_steer_set(memory, &conf, 3, conf.key);
	for (uint32_t seed = 0; seed < 100; seed++) {
		uint32_t len = hash_frame(&hash_rows[0], seed, frame, &ip);
		uint32_t queue = run(frame, len);

		assert_int_equal(queue, wanted(frame, len));
		assert_in_range(queue, 0, 2);
		had[queue]++;
	}
	assert_true(had[0] && had[1] && had[2]);
}

/* Nothing is wanted: as by ports and addresses, those of UDP as well. */
static void spread(void **state)
{
	const struct net_hash_conf none = { .size = 5 };
	uint32_t udp = 0;

	(void)state;
	conf.size = 0;
	conf.types = T_ALL;
	net_steer_set(memory, &none, 3, conf.key);
	for (size_t i = 0; i < ARRAY_SIZE(hash_rows); i++)
		for (uint32_t seed = 0; seed < 16; seed++) {
			const struct hash_row *r = &hash_rows[i];
			struct hash_row tcp = *r;
			uint8_t frame[128], as[128];
			uint32_t ip, len = hash_frame(r, seed, frame, &ip), queue;

			if (r->next == 17)
				tcp.next = 6;
			hash_frame(&tcp, seed, as, &ip);
			queue = run(frame, len);
			if (queue != wanted(as, len))
				fail_msg("%s: queue %u, and %u was wanted", r->what,
				         queue, wanted(as, len));
			udp += r->next == 17 && queue != wanted(frame, len);
		}
	assert_true(udp);
}

/* Whoever has taken a worker over may write anything; the kernel takes what comes of it
 * modulo the queues that there are. */
static void any_memory(void **state)
{
	uint32_t ip, len;
	uint8_t frame[128];

	(void)state;
	len = hash_frame(&hash_rows[0], 1, frame, &ip);
	for (uint32_t i = 0; i < 64; i++) {
		hash_bytes((uint8_t *)memory, sizeof(*memory), i);
		run(frame, len);
	}
	memset(memory, 0xff, sizeof(*memory));
	assert_int_equal(run(frame, len), UINT32_MAX);
	memset(memory, 0, sizeof(*memory));
	assert_int_equal(run(frame, len), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_frame), cmocka_unit_test(any_frame),
		cmocka_unit_test(no_mapping), cmocka_unit_test(spread),
		cmocka_unit_test(any_memory),
	};
	int rc = net_steer_make(fd);

	if (rc) {
		printf("1..0 # SKIP the kernel refuses the program: %s\n", strerror(-rc));
		return rc == -EPERM || rc == -ENOSYS ? 77 : 1;
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}
