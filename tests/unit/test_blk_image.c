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

static struct blk_image *opened(const char *what)
{
	struct blk_image *im = blk_image_new("params", what);

	assert_non_null(im);
	blk_image_open(im);
	return im;
}

static void refused(const char *what, const char *says)
{
	struct blk_image *im = opened(what);

	assert_true(im->rc < 0);
	assert_non_null(strstr(im->text, "params is \""));
	if (!strstr(im->text, says))
		fail_msg("\"%s\" does not say \"%s\"", im->text, says);
	blk_image_free(im);
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
	struct blk_image *im;

	(void)state;
	make_file(512);
	im = opened(path);
	assert_int_equal(im->rc, 0);
	assert_int_equal(blk_image_claim(bdev(0), im), 0);
	assert_int_equal(im->sectors, 1);
	assert_int_equal(im->sector_size, 512);
	assert_true(im->physical >= 512 && im->physical <= 4096);

	make_file((8LL << 30) + 1000);
	assert_int_equal(blk_image_measure(im), 0);
	assert_int_equal(blk_image_sectors(im), (8LL << 21) + 1);
	make_file(0);
	assert_int_equal(blk_image_measure(im), 0);
	assert_int_equal(blk_image_sectors(im), 0);
	im->sector_size = 4096;
	make_file(4096 * 3 + 512);
	assert_int_equal(blk_image_measure(im), 0);
	assert_int_equal(blk_image_sectors(im), 24);
	blk_image_disclaim(im);
	blk_image_free(im);
}

static void read_only_is_a_descriptor_that_cannot_write(void **state)
{
	struct blk_image *im = blk_image_new("params", path);
	int flags;

	(void)state;
	make_file(4096);
	im->ro = true;
	blk_image_open(im);
	assert_int_equal(im->rc, 0);
	flags = fcntl(im->fd, F_GETFL);
	assert_int_equal(flags & O_ACCMODE, O_RDONLY);
	/* io_uring would answer -EAGAIN instead of waiting. */
	assert_int_equal(flags & O_NONBLOCK, 0);
	assert_int_equal((flags & O_DIRECT) != 0, im->direct);
	assert_int_equal(pwrite(im->fd, "x", 1, 0), -1);
	blk_image_free(im);

	im = opened(path);
	assert_int_equal(im->rc, 0);
	assert_int_equal(fcntl(im->fd, F_GETFL) & O_ACCMODE, O_RDWR);
	assert_int_equal(fcntl(im->fd, F_GETFD), FD_CLOEXEC);
	blk_image_free(im);
}

static void the_cache_mode_is_the_descriptors(void **state)
{
	static const struct {
		enum blk_cache cache;
		int flags;
	} row[] = {
		{ BLK_CACHE_NONE, O_DIRECT },
		{ BLK_CACHE_WRITEBACK, 0 },
		{ BLK_CACHE_WRITETHROUGH, O_DSYNC },
	};

	(void)state;
	make_file(4096);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct blk_image *im = blk_image_new("params", path);

		im->cache = row[i].cache;
		blk_image_open(im);
		assert_int_equal(im->rc, 0);
		assert_int_equal(fcntl(im->fd, F_GETFL) & (O_DIRECT | O_DSYNC),
		                 row[i].flags & (im->direct ? -1 : ~O_DIRECT));
		if (row[i].cache != BLK_CACHE_NONE)
			assert_false(im->direct);
		blk_image_free(im);
	}
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
		struct blk_image *a = blk_image_new("params", path);
		struct blk_image *b = blk_image_new("params", other);

		a->ro = row[i].ro[0];
		a->shared = row[i].shared[0];
		b->ro = row[i].ro[1];
		b->shared = row[i].shared[1];
		blk_image_open(a);
		blk_image_open(b);
		assert_int_equal(a->rc | b->rc, 0);
		assert_int_equal(blk_image_claim(bdev(1), a), 0);
		assert_int_equal(blk_image_claim(bdev(2), b), row[i].rc);
		if (row[i].rc) {
			assert_non_null(strstr(dev[2].fault, "guest 1 vbd-1"));
			/* Also when it is not open any more. */
			blk_image_shut(b);
			assert_int_equal(blk_image_claim(bdev(2), b), row[i].rc);
			blk_image_disclaim(a);
			assert_int_equal(blk_image_claim(bdev(2), b), 0);
		} else {
			blk_image_disclaim(a);
			blk_image_disclaim(b);
		}
		blk_image_free(a);
		blk_image_free(b);
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
		cmocka_unit_test_setup_teardown(the_cache_mode_is_the_descriptors, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(one_writer, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
