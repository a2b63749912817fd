/* SPDX-License-Identifier: MIT */
#include "blk_image_super.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "xenabi.h"

/* All that are open, so that no two devices write the same. */
static LIST_HEAD(, blk_image) images = LIST_HEAD_INITIALIZER(images);

static const struct blk_image *other_writer(const struct blk_image *im)
{
	const struct blk_image *o;

	LIST_FOREACH (o, &images, link)
		if (o->dev == im->dev && o->ino == im->ino && !o->ro &&
		    !(o->shared && im->shared))
			return o;
	return NULL;
}

int blk_image_claim(struct bdev *d, struct blk_image *im)
{
	const struct blk_image *o = im->ro ? NULL : other_writer(im);

	if (o) {
		bdev_fault(d,
		           "%s is \"%.300s\", which %s has open for writing: waits until "
		           "that ends, mode w! on both shares it",
		           im->key, im->path, o->owner);
		return -EAGAIN;
	}
	if (im->fd < 0)
		return 0;
	im->owner = d->tag;
	im->sectors = blk_image_sectors(im);
	LIST_INSERT_HEAD(&images, im, link);
	return 0;
}

void blk_image_disclaim(struct blk_image *im)
{
	LIST_REMOVE(im, link);
	im->owner = NULL;
}

int blk_image_measure(struct blk_image *im)
{
	struct statx st;

	if (im->bdev)
		return ioctl(im->fd, BLKGETSIZE64, &im->bytes) < 0 ? -errno : 0;
	if (statx(im->fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_SIZE, &st) < 0)
		return -errno;
	im->bytes = st.stx_size;
	return 0;
}

uint64_t blk_image_sectors(const struct blk_image *im)
{
	return im->bytes / im->sector_size * (im->sector_size / BLK_SECTOR);
}
