/* SPDX-License-Identifier: MIT */
#include "blk_open_super.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "blk_loop_super.h"
#include "xenabi.h"

/* linux/major.h */
#define LOOP_MAJOR 7

struct blk_image *blk_image_new(const char *key, const char *path)
{
	struct blk_image *im = calloc(1, sizeof(*im));

	if (!im)
		return NULL;
	im->key = key;
	im->fd = im->loop = -1;
	im->path = strdup(path);
	if (!im->path) {
		free(im);
		return NULL;
	}
	return im;
}

void blk_image_shut(void *arg)
{
	struct blk_image *im = arg;

	if (im->fd >= 0)
		close(take_fd(&im->fd));
	if (im->loop >= 0)
		close(take_fd(&im->loop));
	while (im->nmore)
		close(im->more[--im->nmore]);
}

void blk_image_free(void *arg)
{
	struct blk_image *im = arg;

	blk_image_shut(im);
	free(im->path);
	free(im);
}

static int printf_like(3, 4) fault(struct blk_image *im, int rc, const char *fmt, ...)
{
	int n = snprintf(im->text, sizeof(im->text), "%s is \"%.250s\"", im->key,
	                 im->path);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(im->text + n, sizeof(im->text) - (size_t)n, fmt, ap);
	va_end(ap);
	return rc;
}

static int fault_errno(struct blk_image *im)
{
	int err = errno;

	return fault(im, err == EAGAIN ? -EIO : -err, ": %s", strerror(err));
}

static const char *kind_of(mode_t type)
{
	switch (type) {
	case S_IFDIR:
		return "a directory";
	case S_IFCHR:
		return "a character device";
	case S_IFIFO:
		return "a FIFO";
	case S_IFSOCK:
		return "a socket";
	default:
		return "no file";
	}
}

/*
 * To open a FIFO can block, to open a device can have effects: look first, with a
 * descriptor that does neither.
 */
static int image_find(struct blk_image *im, int *out, struct stat *st)
{
	autoclose int fd = -1;
	mode_t type;

	if (im->path[0] != '/')
		return fault(im, -EINVAL, ", it must be the absolute path of an image");
	fd = open(im->path, O_PATH | O_CLOEXEC);
	if (fd < 0 || fstat(fd, st) < 0)
		return fault_errno(im);
	type = st->st_mode & S_IFMT;
	if (type != S_IFREG && type != S_IFBLK)
		return fault(im, -EINVAL, ", %s: it must be a file or a block device",
		             kind_of(type));
	*out = take_fd(&fd);
	return 0;
}

void blk_image_check(void *arg)
{
	struct blk_image *im = arg;
	autoclose int fd = -1;
	struct stat st;

	im->rc = image_find(im, &fd, &st);
}

/* The very file that was looked at, whatever its path leads to now. */
static int image_reopen(int found, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", found);
	return open(path, flags | O_CLOEXEC | O_NOCTTY);
}

/* A filesystem may take O_DIRECT and refuse the reads: only a read tells. */
static bool direct_works(int fd, size_t align)
{
	void *area;
	bool ok;

	if (posix_memalign(&area, XEN_PAGE, 2 * (size_t)XEN_PAGE))
		return false;
	/* Aligned to what a guest's segment is aligned to, and no better. */
	ok = pread(fd, (char *)area + (align < XEN_PAGE ? align : 0), align, 0) >= 0;
	free(area);
	return ok;
}

static void note(struct blk_image *im, const char *what, const char *more)
{
	size_t n = strlen(im->note);

	snprintf(im->note + n, sizeof(im->note) - n, "%s%s%.250s", n ? "; " : "", what,
	         more);
}

static int image_open_fd(struct blk_image *im, int found)
{
	int flags = im->ro ? O_RDONLY : O_RDWR;

	if (im->cache == BLK_CACHE_WRITETHROUGH)
		flags |= O_DSYNC;
	if (im->cache == BLK_CACHE_NONE) {
		im->fd = image_reopen(found, flags | O_DIRECT);
		im->direct = im->fd >= 0 && direct_works(im->fd, im->sector_size);
		if (im->direct)
			return 0;
		note(im, "buffered I/O, O_DIRECT says: ", strerror(errno));
		if (im->fd >= 0)
			close(take_fd(&im->fd));
	}
	im->fd = image_reopen(found, flags);
	return im->fd < 0 ? fault_errno(im) : 0;
}

/* Block devices have sizes that stat() does not know. */
static int bdev_geometry(int rd, struct blk_image *im)
{
	unsigned int physical;
	int logical;

	if (rd < 0 || ioctl(rd, BLKSSZGET, &logical) < 0 ||
	    ioctl(rd, BLKPBSZGET, &physical) < 0)
		return -errno;
	im->sector_size = (uint32_t)logical;
	im->physical = physical;
	return 0;
}

/* The file is what is opened; sectors stay as long as the loop device said. */
static void loop_bypass(struct blk_image *im, int rd, int *found, struct stat *st)
{
	autofree char *path = NULL;
	int file = -1;
	const char *why = blk_loop_find(rd, st->st_rdev, im->ro, &file, &path);

	if (!why && (fstat(file, st) < 0 || (im->loop = dup(rd)) < 0)) {
		close(file);
		why = strerror(errno);
	}
	if (why) {
		note(im, "the loop device is served, not its file: ", why);
		return;
	}
	note(im, "the file behind the loop device is opened: ", path);
	close(*found);
	*found = file;
}

static int image_geometry(struct blk_image *im, int *found, struct stat *st)
{
	autoclose int rd = -1;

	im->sector_size = BLK_SECTOR;
	/* A guest aligns its partitions and blocks to this: the filesystem's block. */
	im->physical = st->st_blksize > XEN_PAGE ? XEN_PAGE : (uint32_t)st->st_blksize;
	if (S_ISBLK(st->st_mode)) {
		rd = image_reopen(*found, O_RDONLY | O_NONBLOCK);
		if (bdev_geometry(rd, im))
			return fault_errno(im);
		if (im->bypass && major(st->st_rdev) == LOOP_MAJOR)
			loop_bypass(im, rd, found, st);
	}
	im->bdev = S_ISBLK(st->st_mode);
	im->dev = im->bdev ? st->st_rdev : st->st_dev;
	im->ino = im->bdev ? 0 : st->st_ino;
	if (im->sector_size != BLK_SECTOR && im->sector_size != XEN_PAGE)
		return fault(im, -EINVAL,
		             ", its sectors have %u bytes: 512 and 4096 are served",
		             im->sector_size);
	return 0;
}

static void image_discard(struct blk_image *im, const struct stat *st)
{
	if (im->ro || !im->may_discard)
		return;
	if (im->bdev)
		im->discard = blk_discard_bdev(im->fd, im->dev, "/sys");
	else
		im->discard =
			blk_discard_file(im->fd, im->bytes, (uint32_t)st->st_blksize);
}

static int image_size(struct blk_image *im)
{
	struct stat st;

	if (fstat(im->fd, &st) < 0)
		return fault_errno(im);
	im->bytes = (uint64_t)st.st_size;
	if (im->bdev && ioctl(im->fd, BLKGETSIZE64, &im->bytes) < 0)
		return fault_errno(im);
	image_discard(im, &st);
	return im->bytes >= im->sector_size
	               ? 0
	               : fault(im, -EINVAL,
	                       ", it has %llu bytes: less than a sector of %u",
	                       (unsigned long long)im->bytes, im->sector_size);
}

void blk_image_open(void *arg)
{
	struct blk_image *im = arg;
	autoclose int found = -1;
	struct stat st = { 0 };

	im->rc = image_find(im, &found, &st);
	im->rc = im->rc ? im->rc : image_geometry(im, &found, &st);
	im->rc = im->rc ? im->rc : image_open_fd(im, found);
	im->rc = im->rc ? im->rc : image_size(im);
}

void blk_image_more(void *arg)
{
	struct blk_image *im = arg;
	int flags = fcntl(im->fd, F_GETFL) & (O_ACCMODE | O_DIRECT | O_DSYNC);

	for (im->rc = 0; !im->rc && im->nmore < im->want;) {
		int fd = image_reopen(im->fd, flags);

		if (fd < 0)
			im->rc = fault_errno(im);
		else
			im->more[im->nmore++] = fd;
	}
}
