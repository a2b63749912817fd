/* SPDX-License-Identifier: MIT */
/* What may be an image, how it is opened, and that two devices do not write the same. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmocka.h>

#include "blk_image_super.h"
#include "device.h"

static char dir[128];
static char path[256];

/* bdev_fault() keeps its text in the device around a bdev. */
static struct device dev[3];

static struct bdev *bdev(unsigned int i)
{
	snprintf(dev[i].tag, sizeof(dev[i].tag), "guest %u vbd-1", i);
	dev[i].fault[0] = 0;
	dev[i].bdev.tag = dev[i].tag;
	dev[i].bdev.limit = &dev[i].limit;
	return &dev[i].bdev;
}

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	log_set_level(LOG_LVL_ERR);
	snprintf(dir, sizeof(dir), "%s/test_image.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/img", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void make_file(off_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
}

static void refused(const char *what, const char *says)
{
	struct blk_image im = { .key = "params", .path = what };

	assert_true(blk_image_open(bdev(0), &im) < 0);
	assert_non_null(strstr(dev[0].fault, "params is \""));
	if (!strstr(dev[0].fault, says))
		fail_msg("\"%s\" does not say \"%s\"", dev[0].fault, says);
}

static void only_files_and_block_devices(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char name[3000];
	int s;

	(void)state;
	refused("", "absolute path");
	refused("img", "absolute path");
	refused("../img", "absolute path");
	refused(path, "No such file");
	refused(dir, "a directory");
	refused("/dev/null", "a character device");
	memset(name, 'a', sizeof(name) - 1);
	name[0] = '/';
	name[sizeof(name) - 1] = 0;
	refused(name, "File name too long");

	/* Nobody has it open for reading: to open it would block. */
	assert_int_equal(mkfifo(path, 0600), 0);
	refused(path, "a FIFO");
	unlink(path);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%.100s", path);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(s, (struct sockaddr *)(void *)&sun, sizeof(sun)), 0);
	refused(path, "a socket");
	close(s);
	unlink(path);

	make_file(0);
	refused(path, "has 0 bytes");
	make_file(511);
	refused(path, "has 511 bytes");
}

static void sizes_are_whole_sectors(void **state)
{
	struct blk_image im = { .key = "params", .path = path };

	(void)state;
	make_file(512);
	assert_int_equal(blk_image_open(bdev(0), &im), 0);
	assert_int_equal(im.sectors, 1);
	assert_int_equal(im.sector_size, 512);
	assert_true(im.physical >= 512 && im.physical <= 4096);

	make_file((8LL << 30) + 1000);
	assert_int_equal(blk_image_measure(bdev(0), &im), 0);
	assert_int_equal(im.sectors, (8LL << 21) + 1);
	make_file(0);
	assert_int_equal(blk_image_measure(bdev(0), &im), -EINVAL);
	blk_image_close(&im);
}

static void read_only_is_a_descriptor_that_cannot_write(void **state)
{
	struct blk_image im = { .key = "params", .path = path };
	int flags;

	(void)state;
	make_file(4096);
	im.ro = true;
	assert_int_equal(blk_image_open(bdev(0), &im), 0);
	flags = fcntl(im.fd, F_GETFL);
	assert_int_equal(flags & O_ACCMODE, O_RDONLY);
	/* io_uring would answer -EAGAIN instead of waiting. */
	assert_int_equal(flags & O_NONBLOCK, 0);
	assert_int_equal((flags & O_DIRECT) != 0, im.direct);
	assert_int_equal(pwrite(im.fd, "x", 1, 0), -1);
	blk_image_close(&im);
	im.ro = false;

	assert_int_equal(blk_image_open(bdev(0), &im), 0);
	assert_int_equal(fcntl(im.fd, F_GETFL) & O_ACCMODE, O_RDWR);
	assert_int_equal(fcntl(im.fd, F_GETFD), FD_CLOEXEC);
	blk_image_close(&im);
}

/* By what it is, not by what it is called. */
static void one_writer(void **state)
{
	static const struct {
		bool ro[2], shared[2];
		int rc;
	} row[] = {
		{ { false, false }, { false, false }, -EAGAIN },
		{ { false, false }, { true, false }, -EAGAIN },
		{ { false, false }, { false, true }, -EAGAIN },
		{ { false, false }, { true, true }, 0 },
		{ { true, false }, { false, false }, 0 },
		{ { false, true }, { false, false }, 0 },
		{ { true, true }, { false, false }, 0 },
	};
	char other[300];

	(void)state;
	make_file(4096);
	snprintf(other, sizeof(other), "%s.link", path);
	assert_int_equal(link(path, other), 0);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct blk_image a = { .path = path,
			               .ro = row[i].ro[0],
			               .shared = row[i].shared[0] };
		struct blk_image b = { .path = other,
			               .ro = row[i].ro[1],
			               .shared = row[i].shared[1] };

		assert_int_equal(blk_image_open(bdev(1), &a), 0);
		assert_int_equal(blk_image_open(bdev(2), &b), row[i].rc);
		if (row[i].rc)
			assert_non_null(strstr(dev[2].fault, "guest 1 vbd-1"));
		blk_image_close(&a);
		if (row[i].rc)
			assert_int_equal(blk_image_open(bdev(2), &b), 0);
		blk_image_close(&b);
	}
	unlink(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_files_and_block_devices, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(sizes_are_whole_sectors, setup, teardown),
		cmocka_unit_test_setup_teardown(
			read_only_is_a_descriptor_that_cannot_write, setup, teardown),
		cmocka_unit_test_setup_teardown(one_writer, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
