/* SPDX-License-Identifier: MIT */
#include "blk_image_super.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "xenabi.h"

/* All that are open, so that no two devices write the same. */
static LIST_HEAD(, blk_image) images = LIST_HEAD_INITIALIZER(images);

static int fault_errno(struct bdev *d, const struct blk_image *im)
{
	int err = errno;

	bdev_fault(d, "%s is \"%.300s\": %s", im->key, im->path, strerror(err));
	return err == EAGAIN ? -EIO : -err;
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
static int image_find(struct bdev *d, const struct blk_image *im, int *out,
                      struct stat *st)
{
	autoclose int fd = -1;
	mode_t type;

	if (im->path[0] != '/') {
		bdev_fault(d,
		           "%s is \"%.300s\", it must be the absolute path of an image",
		           im->key, im->path);
		return -EINVAL;
	}
	fd = open(im->path, O_PATH | O_CLOEXEC);
	if (fd < 0 || fstat(fd, st) < 0)
		return fault_errno(d, im);
	type = st->st_mode & S_IFMT;
	if (type != S_IFREG && type != S_IFBLK) {
		bdev_fault(d, "%s is \"%.300s\", %s: it must be a file or a block device",
		           im->key, im->path, kind_of(type));
		return -EINVAL;
	}
	*out = take_fd(&fd);
	return 0;
}

int blk_image_check(struct bdev *d, const struct blk_image *im)
{
	autoclose int fd = -1;
	struct stat st;

	return image_find(d, im, &fd, &st);
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

static int image_open_fd(struct bdev *d, struct blk_image *im, int found)
{
	int flags = im->ro ? O_RDONLY : O_RDWR;
	int err;

	im->fd = image_reopen(found, flags | O_DIRECT);
	im->direct = im->fd >= 0 && direct_works(im->fd, im->sector_size);
	if (im->direct)
		return 0;
	err = errno;
	if (im->fd >= 0)
		close(take_fd(&im->fd));
	im->fd = image_reopen(found, flags);
	if (im->fd < 0)
		return fault_errno(d, im);
	if (log_allowed(d->limit, 20, d->tag))
		log_info(d->tag, "%s: buffered I/O, O_DIRECT says: %s", im->path,
		         strerror(err));
	return 0;
}

/* Block devices have sizes that stat() does not know. */
static int bdev_geometry(int fd, struct blk_image *im)
{
	autoclose int rd = image_reopen(fd, O_RDONLY | O_NONBLOCK);
	unsigned int physical;
	int logical;

	if (rd < 0 || ioctl(rd, BLKSSZGET, &logical) < 0 ||
	    ioctl(rd, BLKPBSZGET, &physical) < 0)
		return -errno;
	im->sector_size = (uint32_t)logical;
	im->physical = physical;
	return 0;
}

static int image_geometry(struct bdev *d, struct blk_image *im, int found,
                          const struct stat *st)
{
	bool blk = S_ISBLK(st->st_mode);

	im->dev = blk ? st->st_rdev : st->st_dev;
	im->ino = blk ? 0 : st->st_ino;
	im->sector_size = BLK_SECTOR;
	/* A guest aligns its partitions and blocks to this: the filesystem's block. */
	im->physical = st->st_blksize > XEN_PAGE ? XEN_PAGE : (uint32_t)st->st_blksize;
	if (blk && bdev_geometry(found, im))
		return fault_errno(d, im);
	if (im->sector_size != BLK_SECTOR && im->sector_size != XEN_PAGE) {
		bdev_fault(d,
		           "%s is \"%.300s\", its sectors have %u bytes: 512 and 4096 "
		           "are served",
		           im->key, im->path, im->sector_size);
		return -EINVAL;
	}
	return 0;
}

int blk_image_measure(struct bdev *d, struct blk_image *im)
{
	uint64_t bytes = 0, sectors;
	struct stat st;

	if (fstat(im->fd, &st) < 0)
		return fault_errno(d, im);
	bytes = (uint64_t)st.st_size;
	if (S_ISBLK(st.st_mode) && ioctl(im->fd, BLKGETSIZE64, &bytes) < 0)
		return fault_errno(d, im);
	sectors = bytes / im->sector_size * (im->sector_size / BLK_SECTOR);
	if (!sectors) {
		bdev_fault(
			d,
			"%s is \"%.300s\", it has %llu bytes: less than a sector of %u",
			im->key, im->path, (unsigned long long)bytes, im->sector_size);
		return -EINVAL;
	}
	if (bytes != sectors * BLK_SECTOR && sectors != im->sectors &&
	    log_allowed(d->limit, 20, d->tag))
		log_warn(d->tag,
		         "%s: the last %llu bytes fill no sector and are not served",
		         im->path, (unsigned long long)(bytes - sectors * BLK_SECTOR));
	im->sectors = sectors;
	return 0;
}

static const struct blk_image *other_writer(const struct blk_image *im)
{
	const struct blk_image *o;

	LIST_FOREACH (o, &images, link)
		if (o->dev == im->dev && o->ino == im->ino && !o->ro &&
		    !(o->shared && im->shared))
			return o;
	return NULL;
}

int blk_image_open(struct bdev *d, struct blk_image *im)
{
	autoclose int found = -1;
	const struct blk_image *o;
	struct stat st = { 0 };
	int rc = image_find(d, im, &found, &st);

	rc = rc ? rc : image_geometry(d, im, found, &st);
	if (rc)
		return rc;
	o = im->ro ? NULL : other_writer(im);
	if (o) {
		bdev_fault(d,
		           "%s is \"%.300s\", which %s has open for writing: waits until "
		           "that ends, mode w! on both shares it",
		           im->key, im->path, o->owner);
		return -EAGAIN;
	}
	im->owner = d->tag;
	rc = image_open_fd(d, im, found);
	rc = rc ? rc : blk_image_measure(d, im);
	if (rc) {
		if (im->fd >= 0)
			close(take_fd(&im->fd));
		return rc;
	}
	LIST_INSERT_HEAD(&images, im, link);
	return 0;
}

int blk_image_again(struct bdev *d, const struct blk_image *im, int *fd)
{
	int flags = fcntl(im->fd, F_GETFL);

	*fd = flags < 0 ? -1 : image_reopen(im->fd, flags & (O_ACCMODE | O_DIRECT));
	return *fd < 0 ? fault_errno(d, im) : 0;
}

void blk_image_close(struct blk_image *im)
{
	LIST_REMOVE(im, link);
	close(take_fd(&im->fd));
}
