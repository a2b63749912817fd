/* SPDX-License-Identifier: MIT */
/* What storage says about discards; serial numbers, too: what a disk says that it is. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

#include "blk_discard_super.h"
#include "blk_vpd_super.h"
#include "compiler.h"

static char root[128];

static void make(const char *dir, const char *name, const char *text)
{
	char path[400], *slash;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/%s", root, dir, name);
	for (slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		mkdir(path, 0700);
		*slash = '/';
	}
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(root, sizeof(root), "%s/sysfs.XXXXXX", tmp ? tmp : "/tmp");
	return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state)
{
	char cmd[200];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -r '%s'", root);
	return system(cmd);
}

#define DISK "dev/block/8:16"

static void a_disk_is_asked_by_its_attributes(void **state)
{
	struct blk_discard d;

	(void)state;
	d = blk_discard_bdev(-1, makedev(8, 16), root);
	assert_int_equal(d.granularity, 0);
	make(DISK, "queue/discard_granularity", "4096\n");
	make(DISK, "queue/discard_max_bytes", "0\n");
	make(DISK, "discard_alignment", "512\n");
	d = blk_discard_bdev(-1, makedev(8, 16), root);
	assert_int_equal(d.granularity, 0);
	make(DISK, "queue/discard_max_bytes", "4294966784\n");
	d = blk_discard_bdev(-1, makedev(8, 16), root);
	assert_int_equal(d.granularity, 4096);
	assert_int_equal(d.alignment, 512);
	assert_false(d.secure);
	make(DISK, "queue/discard_granularity", "0\n");
	d = blk_discard_bdev(-1, makedev(8, 16), root);
	assert_int_equal(d.granularity, 0);
	make(DISK, "queue/discard_granularity", "x\n");
	d = blk_discard_bdev(-1, makedev(8, 16), root);
	assert_int_equal(d.granularity, 0);
}

static void a_partition_is_asked_by_its_disk(void **state)
{
	struct blk_discard d;
	char from[300];

	(void)state;
	make("devices", "sdb/queue/discard_granularity", "1048576\n");
	make("devices", "sdb/queue/discard_max_bytes", "9223372036854775807\n");
	make("devices", "sdb/sdb1/discard_alignment", "4096\n");
	make("dev/block", "none", "");
	snprintf(from, sizeof(from), "%s/dev/block/8:17", root);
	assert_int_equal(symlink("../../devices/sdb/sdb1", from), 0);
	d = blk_discard_bdev(-1, makedev(8, 17), root);
	assert_int_equal(d.granularity, 1048576);
	assert_int_equal(d.alignment, 4096);
}

/* Asking changes nothing, whatever the size. */
static void a_file_is_asked_by_trying(void **state)
{
	struct blk_discard d;
	struct stat before, after;
	char path[200], data[4096], got[4096];
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/image", root);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	memset(data, 'x', sizeof(data));
	for (off_t end = 0; end <= 3LL << 30; end += 3LL << 29) {
		assert_int_equal(pwrite(fd, data, sizeof(data), end), sizeof(data));
		fsync(fd);
		fstat(fd, &before);
		d = blk_discard_file(fd, (uint64_t)before.st_size, 4096);
		fstat(fd, &after);
		assert_int_equal(d.granularity, 4096);
		assert_int_equal(before.st_size, after.st_size);
		assert_int_equal(before.st_blocks, after.st_blocks);
		assert_int_equal(pread(fd, got, sizeof(got), end), sizeof(got));
		assert_memory_equal(got, data, sizeof(data));
	}
	close(fd);
	fd = open(path, O_RDONLY);
	assert_int_equal(blk_discard_file(fd, 4096, 4096).granularity, 0);
	close(fd);
}

/* Made by another program: an image has this number for ever. */
static void a_disk_has_a_number(void **state)
{
	static const struct {
		const char *image, *serial, *id;
	} row[] = {
		{ "/srv/g3.img", "AIAAEDA4Y2Q0NDAzOWViNmQxNzc=",
		  "AIMAHAIBABhYRU4gICAgIDA4Y2Q0NDAzOWViNmQxNzc=" },
		{ "/dev/vg/lv", "AIAAEDVhMjVkMzE5NWU3MmNlZjg=",
		  "AIMAHAIBABhYRU4gICAgIDVhMjVkMzE5NWU3MmNlZjg=" },
		{ "a", "AIAAEGFmNjNkYzRjODYwMWVjOGM=",
		  "AIMAHAIBABhYRU4gICAgIGFmNjNkYzRjODYwMWVjOGM=" },
	};
	struct blk_vpd v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		blk_vpd_make(row[i].image, &v);
		assert_string_equal(v.serial, row[i].serial);
		assert_string_equal(v.id, row[i].id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_disk_is_asked_by_its_attributes, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(a_partition_is_asked_by_its_disk, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(a_file_is_asked_by_trying, setup,
		                                teardown),
		cmocka_unit_test(a_disk_has_a_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
