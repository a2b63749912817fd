/* SPDX-License-Identifier: MIT */
/* The memfd of a device's statistics, and what a worker may have made of it. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "stats.h"

#define QUEUES 3U

static const char *const counters[] = { "apples", "pears", "plums" };
static const char *const hists[] = { "read", "apples" };
static const struct stats_table table = { counters, hists, 3, 2, QUEUES };

static int fd = -1;

static int setup(void **state)
{
	(void)state;
	fd = stats_create(&table);
	return fd < 0;
}

static int teardown(void **state)
{
	(void)state;
	return close(fd);
}

static void what_is_written_is_read(void **state)
{
	struct stats_snap snap;
	struct stats *s;

	(void)state;
	assert_int_equal(stats_map(fd, &table, &s), 0);
	for (uint32_t q = 0; q < QUEUES; q++) {
		stats_add(&stats_counters(s, q)[2], 10 + q);
		stats_add(&stats_counters(s, q)[2], 5);
		hist_add(stats_hist(s, q, 1), 1000ULL * (q + 1));
	}
	stats_unmap(s);
	assert_int_equal(stats_read(fd, 99, &snap), 0);
	assert_int_equal(snap.nqueues, QUEUES);
	assert_int_equal(snap.head.ncounters, 3);
	assert_int_equal(snap.head.nhists, 2);
	assert_string_equal(snap.name[1], "pears");
	assert_string_equal(snap.name[3], "read");
	for (uint32_t q = 0; q < QUEUES; q++) {
		assert_int_equal(stats_snap_counters(&snap, q)[0], 0);
		assert_int_equal(stats_snap_counters(&snap, q)[2], 15 + q);
		assert_int_equal(stats_snap_hist(&snap, q, 0)->count, 0);
		assert_int_equal(stats_snap_hist(&snap, q, 1)->count, 1);
		assert_int_equal(stats_snap_hist(&snap, q, 1)->max, 1000 * (q + 1));
	}
	stats_snap_free(&snap);
	assert_int_equal(stats_read(fd, 1, &snap), 0);
	assert_int_equal(snap.nqueues, 1);
	stats_snap_free(&snap);
}

/* Another worker, or the same, maps it again: it goes on counting. */
static void counters_go_on(void **state)
{
	struct stats *s;

	(void)state;
	for (uint64_t i = 0; i < 3; i++) {
		assert_int_equal(stats_map(fd, &table, &s), 0);
		assert_int_equal(stats_counters(s, 1)[0], i);
		stats_add(&stats_counters(s, 1)[0], 1);
		stats_unmap(s);
	}
}

static void size_is_sealed(void **state)
{
	int seals = fcntl(fd, F_GET_SEALS);

	(void)state;
	assert_int_equal(seals, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(ftruncate(fd, 1 << 28), -1);
	/* Against writing it cannot be sealed: that would be the end of the counters. */
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
}

static void for_another_table_it_is_not_mapped(void **state)
{
	static const char *const more[] = { "apples", "pears", "plums", "nuts" };
	static const char *const other[] = { "apples", "pears", "prunes" };
	const struct stats_table rows[] = {
		{ more, hists, 4, 2, QUEUES },
		{ other, hists, 3, 2, QUEUES },
		{ counters, hists, 3, 1, QUEUES },
		{ counters, hists, 3, 2, QUEUES + 1 },
	};
	struct stats *s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(stats_map(fd, &rows[i], &s), -EPROTO);
}

static void what_is_no_memfd_of_ours_is_refused(void **state)
{
	int empty = memfd_create("empty", MFD_CLOEXEC);
	struct stats_snap snap;

	(void)state;
	assert_int_equal(stats_read(empty, 1, &snap), -EPROTO);
	assert_int_equal(ftruncate(empty, 1 << 20), 0);
	assert_int_equal(stats_read(empty, 1, &snap), -EPROTO);
	close(empty);
	assert_int_equal(stats_read(-1, 1, &snap), -EBADF);
}

/* ---- What a worker may have made of it ------------------------------------------ */

static void put(size_t at, const void *bytes, size_t len)
{
	assert_int_equal(pwrite(fd, bytes, len, (off_t)at), len);
}

static int read_result(void)
{
	struct stats_snap snap = { 0 };
	int rc = stats_read(fd, QUEUES, &snap);

	if (!rc)
		stats_snap_free(&snap);
	return rc;
}

/* Each field of the head, with each value that could lead a reader astray. */
static void each_field_of_the_head_is_judged(void **state)
{
	static const uint32_t bad[] = { 0,          1,          2,          3,
		                        4,          63,         64,         65,
		                        255,        4095,       4096,       4097,
		                        0x7fffffff, 0x80000000, 0xfffff000, UINT32_MAX };

	(void)state;
	for (size_t at = 0; at < sizeof(struct stats_head); at += 4) {
		uint32_t good;

		assert_int_equal(pread(fd, &good, 4, (off_t)at), 4);
		for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
			put(at, &bad[i], 4);
			assert_int_equal(read_result(), bad[i] == good ? 0 : -EPROTO);
		}
		for (int bit = 0; bit < 32; bit++) {
			uint32_t flipped = good ^ 1U << bit;

			put(at, &flipped, 4);
			assert_int_equal(read_result(), -EPROTO);
		}
		put(at, &good, 4);
		assert_int_equal(read_result(), 0);
	}
}

static void names_are_judged(void **state)
{
	static const char bad[][STATS_NAME] = {
		"",         "Apples",    "app les", "\033[2Japples", "app\"les",
		"\xff\xfe", "apples\0x", "a-b",     "pears"
	};
	char full[STATS_NAME];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		put(sizeof(struct stats_head), bad[i], STATS_NAME);
		assert_int_equal(read_result(), -EPROTO);
	}
	/* Without an end. */
	memset(full, 'x', sizeof(full));
	put(sizeof(struct stats_head), full, STATS_NAME);
	assert_int_equal(read_result(), -EPROTO);
	/* The same for two histograms; for a counter and a histogram it is right. */
	put(sizeof(struct stats_head), "apples\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
	    STATS_NAME);
	assert_int_equal(read_result(), 0);
	put(sizeof(struct stats_head) + 3 * (size_t)STATS_NAME,
	    "apples\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", STATS_NAME);
	assert_int_equal(read_result(), -EPROTO);
}

/* A description that is cut off says nothing. */
static void short_copies_are_refused(void **state)
{
	uint8_t buf[512];
	struct stats_head h;
	size_t end;

	(void)state;
	assert_int_equal(pread(fd, buf, sizeof(buf), 0), sizeof(buf));
	memcpy(&h, buf, sizeof(h));
	end = stats_names_end(&h);
	assert_int_equal(stats_judge(buf, end, h.size), 0);
	for (size_t len = 0; len < end; len++)
		assert_int_equal(stats_judge(buf, len, h.size), -EPROTO);
	assert_int_equal(stats_judge(buf, end, h.size - 1), -EPROTO);
	assert_int_equal(stats_judge(buf, end, h.size + 4096), -EPROTO);
}

/* Any numbers may be there; they are read, and agree in themselves. */
static void numbers_are_mended(void **state)
{
	struct stats_snap snap;
	struct stats *s;

	(void)state;
	assert_int_equal(stats_map(fd, &table, &s), 0);
	memset(stats_counters(s, 0), 0xff, 3 * sizeof(uint64_t));
	memset(stats_hist(s, 0, 0), 0xff, sizeof(struct hist));
	stats_hist(s, 0, 1)->count = 5;
	stats_unmap(s);
	assert_int_equal(stats_read(fd, QUEUES, &snap), 0);
	assert_true(stats_snap_counters(&snap, 0)[0] == UINT64_MAX);
	assert_true(stats_snap_hist(&snap, 0, 0)->count == UINT64_MAX);
	assert_int_equal(stats_snap_hist(&snap, 0, 1)->count, 0);
	stats_snap_free(&snap);
}

/* Random bytes anywhere: refused or read, never a crash. */
static void random_bytes_do_no_harm(void **state)
{
	uint64_t x = 88172645463325252ULL;
	uint8_t good[64 + 5 * STATS_NAME], bytes[8];
	int refused = 0;

	(void)state;
	assert_int_equal(pread(fd, good, sizeof(good), 0), sizeof(good));
	for (int i = 0; i < 20000; i++) {
		size_t at;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		at = (x >> 8) % (sizeof(good) - sizeof(bytes));
		memcpy(bytes, &x, sizeof(bytes));
		put(at, bytes, 1 + (x >> 60) % 8);
		refused += read_result() == -EPROTO;
		put(0, good, sizeof(good));
	}
	assert_true(refused > 15000);
	assert_int_equal(read_result(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_written_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(counters_go_on, setup, teardown),
		cmocka_unit_test_setup_teardown(size_is_sealed, setup, teardown),
		cmocka_unit_test_setup_teardown(for_another_table_it_is_not_mapped, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(what_is_no_memfd_of_ours_is_refused,
		                                setup, teardown),
		cmocka_unit_test_setup_teardown(each_field_of_the_head_is_judged, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(names_are_judged, setup, teardown),
		cmocka_unit_test_setup_teardown(short_copies_are_refused, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(numbers_are_mended, setup, teardown),
		cmocka_unit_test_setup_teardown(random_bytes_do_no_harm, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
