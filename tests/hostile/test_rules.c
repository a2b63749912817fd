/* SPDX-License-Identifier: MIT */
/* What a guest is answered when it breaks a rule of xen/io/blkif.h. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk.h"

static struct worker w;
static struct disk d;

static struct disk_rig copies = { .w = &w, .disk = { &d } };
static struct disk_rig persistent = { .w = &w, .disk = { &d }, .flags = BLK_PERSISTENT };

static const struct {
	const char *what;
	uint8_t op, nseg;
	uint64_t sector;
	uint8_t first, last;
	int16_t status;
} rows[] = {
	{ "read", READ, 1, 0, 0, 7, OKAY },
	{ "write of the last sector", WRITE, 1, DISK_SECTORS - 1, 7, 7, OKAY },
	{ "flush", FLUSH, 0, 0, 0, 0, OKAY },
	{ "flush with data", FLUSH, 2, 8, 0, 7, OKAY },
	{ "barrier", BLKIF_OP_WRITE_BARRIER, 1, 0, 0, 7, OKAY },
	{ "empty barrier", BLKIF_OP_WRITE_BARRIER, 0, 0, 0, 7, OKAY },
	{ "barrier behind the end", BLKIF_OP_WRITE_BARRIER, 1, DISK_SECTORS, 0, 0,
	  ERROR },
	{ "discard, not offered", BLKIF_OP_DISCARD, 0, 0, 0, 0, NOT_SUP },
	{ "reserved", BLKIF_OP_RESERVED_1, 1, 0, 0, 7, NOT_SUP },
	{ "unknown operation", 7, 1, 0, 0, 7, NOT_SUP },
	{ "unknown operation 255", 255, 255, UINT64_MAX, 255, 0, NOT_SUP },
	{ "read of nothing", READ, 0, 0, 0, 7, ERROR },
	{ "write of nothing", WRITE, 0, 0, 0, 7, ERROR },
	{ "12 segments", WRITE, 12, 0, 0, 7, ERROR },
	{ "255 segments", READ, 255, 0, 0, 7, ERROR },
	{ "sector 8 of a page", READ, 1, 0, 0, 8, ERROR },
	{ "sector 255 of a page", WRITE, 1, 0, 0, 255, ERROR },
	{ "a segment backwards", READ, 1, 0, 7, 0, ERROR },
	{ "one behind the end", WRITE, 1, DISK_SECTORS, 0, 0, ERROR },
	{ "across the end", WRITE, 2, DISK_SECTORS - 8, 0, 7, ERROR },
	{ "the sum wraps", WRITE, 1, UINT64_MAX, 0, 7, ERROR },
	{ "the byte offset wraps", WRITE, 1, 1ULL << 55, 0, 7, ERROR },
};

static void add_row(size_t i)
{
	struct blkif_request *q =
		disk_add(&d, rows[i].op, rows[i].nseg, 0, rows[i].sector);

	q->handle = (uint16_t)(0xfff0 + i); /* means nothing to the backend */
	for (uint32_t s = 0; s < BLKIF_MAX_SEGMENTS_PER_REQUEST; s++) {
		q->seg[s].first_sect = rows[i].first;
		q->seg[s].last_sect = rows[i].last;
	}
}

static void each_rule_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		print_message("%s\n", rows[i].what);
		add_row(i);
		disk_push(&d);
		disk_wait(&d);
		assert_int_equal(d.status[i], rows[i].status);
		assert_int_equal(d.op[i], rows[i].op);
	}
	disk_works(&d);
}

static void all_in_one_batch(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		add_row(i);
	disk_push(&d);
	disk_wait(&d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(d.status[i], rows[i].status);
		assert_int_equal(d.op[i], rows[i].op);
	}
	disk_works(&d);
}

/* XSA-142: on a read-only disk nothing reaches the image. */
static void read_only_is_read_only(void **state)
{
	char path[64];
	struct disk ro;
	uint8_t before[XEN_PAGE], after[XEN_PAGE];
	int rw;

	(void)state;
	disk_share(&ro, &w, BLK_RO);
	rw = ro.image;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", rw);
	ro.image = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(ro.image >= 0);
	assert_int_equal(disk_connect(&ro, NULL), 0);
	assert_int_equal(pread(rw, before, sizeof(before), 0), sizeof(before));
	memset(disk_page(&ro, 0), 0xff, XEN_PAGE);
	assert_int_equal(disk_run(&ro, WRITE, 1, 0, 0), ERROR);
	assert_int_equal(disk_run(&ro, FLUSH, 1, 0, 0), ERROR);
	assert_int_equal(disk_run(&ro, FLUSH, 0, 0, 0), OKAY);
	assert_int_equal(disk_run(&ro, READ, 1, 1, 0), OKAY);
	assert_memory_equal(disk_page(&ro, 1), before, sizeof(before));
	assert_int_equal(pread(rw, after, sizeof(after), 0), sizeof(after));
	assert_memory_equal(before, after, sizeof(before));
	disk_down(&ro);
	close(rw);
}

/* XSA-43, XSA-180: a guest cannot fill the log. */
static void log_is_limited(void **state)
{
	unsigned int lines = 0;
	char *log;

	(void)state;
	for (uint32_t round = 0; round < 200; round++) {
		for (uint32_t i = 0; i < RIG_RING; i++)
			disk_add(&d, 99, 1, 0, 0);
		disk_push(&d);
		disk_wait(&d);
	}
	log = worker_log(&w);
	for (char *p = log; (p = strstr(p, "refused")); p++)
		lines++;
	free(log);
	assert_true(lines >= 1);
	/* Ten in ten seconds, however slow this machine is. */
	assert_true(lines <= 10 * (1 + RIG_WAIT_MS / 10000));
	disk_works(&d);
}

static void short_image_fails_what_it_lacks(void **state)
{
	(void)state;
	assert_int_equal(ftruncate(d.image, 100 * XEN_PAGE + 512), 0);
	assert_int_equal(disk_run(&d, READ, 1, 0, 792), OKAY);
	assert_int_equal(disk_run(&d, READ, 1, 0, 800), ERROR);
	assert_int_equal(disk_run(&d, READ, 11, 0, 2400), ERROR);
	assert_int_equal(disk_run(&d, READ, 1, 0, 0), OKAY);
	disk_works(&d);
}

int main(void)
{
#define TEST(f)       DISK_TEST(f, &copies)
#define PERSISTENT(f) DISK_TEST(f, &persistent)
	const struct CMUnitTest tests[] = {
		TEST(each_rule_alone),
		PERSISTENT(each_rule_alone),
		TEST(all_in_one_batch),
		PERSISTENT(all_in_one_batch),
		TEST(read_only_is_read_only),
		TEST(log_is_limited),
		TEST(short_image_fails_what_it_lacks),
		PERSISTENT(short_image_fails_what_it_lacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
