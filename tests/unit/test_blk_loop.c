/* SPDX-License-Identifier: MIT */
/* When the file behind a loop device stands in for it: judged, and on real devices. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include <cmocka.h>

#include "blk_loop_super.h"
#include "blk_open_super.h"

static const struct blk_loop good = {
	.info = { .lo_device = 65024, .lo_inode = 4711 },
	.bytes = 1 << 20,
	.file = { .st_dev = 65024,
	          .st_ino = 4711,
	          .st_mode = S_IFREG,
	          .st_size = (1 << 20) + 511 },
};

static void only_what_is_the_same(void **state)
{
	struct blk_loop l;

	(void)state;
	assert_null(blk_loop_judge(&good, false));
	assert_null(blk_loop_judge(&good, true));
#define BAD(change, says)                                                 \
	do {                                                              \
		l = good;                                                 \
		change;                                                   \
		assert_non_null(blk_loop_judge(&l, false));               \
		assert_non_null(strstr(blk_loop_judge(&l, false), says)); \
	} while (0)
	BAD(l.info.lo_device++, "not at its path");
	BAD(l.info.lo_inode++, "not at its path");
	BAD(l.file.st_mode = S_IFBLK, "no regular file");
	BAD(l.info.lo_offset = 512, "begins within");
	BAD(l.info.lo_sizelimit = 1 << 20, "ends within");
	BAD(l.info.lo_encrypt_type = 1, "encrypted");
	BAD(l.info.lo_flags = LO_FLAGS_PARTSCAN, "partitions");
	BAD(l.info.lo_flags = LO_FLAGS_READ_ONLY, "read-only");
	BAD(l.bytes += 512, "larger");
	BAD(l.file.st_size -= 512, "larger");
	/* Grown since the device was set up. */
	l = good;
	l.file.st_size *= 2;
	assert_null(blk_loop_judge(&l, false));
	l = good;
	l.info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO;
	assert_null(blk_loop_judge(&l, true));
}

static char path[256];
static char device[32];
static int loop = -1;

/* A loop device of 1 MiB; @block its sectors, @offset where it begins. */
static bool loop_make(uint32_t block, uint64_t offset)
{
	const char *tmp = getenv("TMPDIR");
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int n = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);
	struct loop_config c = { .block_size = block };
	int fd;

	snprintf(path, sizeof(path), "%s/loop.XXXXXX", tmp ? tmp : "/tmp");
	fd = mkstemp(path);
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	c.fd = (uint32_t)fd;
	c.info.lo_offset = offset;
	snprintf(device, sizeof(device), "/dev/loop%d", n);
	loop = n < 0 ? -1 : open(device, O_RDWR | O_CLOEXEC);
	if (loop >= 0 && ioctl(loop, LOOP_CONFIGURE, &c) < 0)
		close(take_fd(&loop));
	close(fd);
	if (control >= 0)
		close(control);
	return loop >= 0;
}

static int loop_end(void **state)
{
	(void)state;
	if (loop >= 0) {
		ioctl(loop, LOOP_CLR_FD, 0);
		close(take_fd(&loop));
	}
	return unlink(path);
}

static struct blk_image *opened(bool bypass)
{
	struct blk_image *im = blk_image_new("params", device);

	im->bypass = bypass;
	blk_image_open(im);
	if (im->rc)
		fail_msg("%s", im->text);
	return im;
}

static bool same_file(const struct blk_image *im)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return im->dev == st.st_dev && im->ino == st.st_ino && !im->bdev;
}

#define NEEDS_LOOP(block, offset)                                          \
	do {                                                               \
		if (!loop_make(block, offset)) {                           \
			print_message("no loop device can be had here\n"); \
			skip();                                            \
		}                                                          \
	} while (0)

static void the_file_is_opened(void **state)
{
	struct blk_image *im;
	char b[512];
	int file;

	(void)state;
	NEEDS_LOOP(512, 0);
	/* In memory, not in the file. */
	memset(b, 'x', sizeof(b));
	assert_int_equal(pwrite(loop, b, 512, 4096), 512);
	im = opened(true);
	assert_true(same_file(im));
	assert_int_equal(im->loop >= 0, 1);
	assert_non_null(strstr(im->note, path));
	assert_int_equal(im->bytes, 1 << 20);
	blk_image_free(im);
	file = open(path, O_RDONLY);
	assert_int_equal(pread(file, b, 1, 4096), 1);
	close(file);
	assert_int_equal(b[0], 'x');

	im = opened(false);
	assert_true(im->bdev);
	assert_int_equal(im->ino, 0);
	assert_string_equal(im->note, "");
	blk_image_free(im);
}

static void sectors_stay_as_they_were(void **state)
{
	struct blk_image *im;

	(void)state;
	NEEDS_LOOP(4096, 0);
	im = opened(true);
	assert_true(same_file(im));
	assert_int_equal(im->sector_size, 4096);
	blk_image_free(im);
	im = opened(false);
	assert_true(im->bdev);
	assert_int_equal(im->sector_size, 4096);
	blk_image_free(im);
}

static void what_is_not_the_same_is_served_as_it_is(void **state)
{
	struct blk_image *im;
	char other[300];

	(void)state;
	NEEDS_LOOP(512, 4096);
	im = opened(true);
	assert_true(im->bdev);
	assert_non_null(strstr(im->note, "begins within"));
	assert_int_equal(im->loop, -1);
	assert_int_equal(im->bytes, (1 << 20) - 4096);
	blk_image_free(im);
	loop_end(NULL);

	/* Replaced under its name, as by an editor. */
	NEEDS_LOOP(512, 0);
	snprintf(other, sizeof(other), "%s.new", path);
	close(open(other, O_CREAT | O_RDWR, 0600));
	assert_int_equal(truncate(other, 1 << 20), 0);
	assert_int_equal(rename(other, path), 0);
	im = opened(true);
	assert_true(im->bdev);
	assert_non_null(strstr(im->note, "not at its path"));
	blk_image_free(im);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_the_same),
		cmocka_unit_test_teardown(the_file_is_opened, loop_end),
		cmocka_unit_test_teardown(sectors_stay_as_they_were, loop_end),
		cmocka_unit_test_teardown(what_is_not_the_same_is_served_as_it_is,
		                          loop_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
