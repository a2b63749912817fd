/* SPDX-License-Identifier: MIT */
/* A disk's image: a regular file or a block device, raw; its format is never guessed. */
#ifndef PVB_BLK_IMAGE_SUPER_H
#define PVB_BLK_IMAGE_SUPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "backend.h"
#include "compiler.h"

/**
 * struct blk_image - An image that is open
 * @fd:		O_RDONLY with @ro, so that nobody who is handed it can write
 * @owner:	Tag of the device it is open for
 * @shared:	May be written while others write it, too
 * @dev, @ino:	What it is, whatever it was called: of a block device its number and 0
 * @sectors:	Capacity in 512-byte units, a multiple of @sector_size
 * @sector_size: Unit a guest may address, bytes: 512, of a block device its logical one
 * @physical:	Unit the storage likes, bytes
 * @direct:	O_DIRECT; offset, length and memory are multiples of @sector_size then
 */
struct blk_image {
	LIST_ENTRY(blk_image) link;
	int fd;
	const char *owner;
	bool ro, shared, direct;
	dev_t dev;
	ino_t ino;
	uint64_t sectors;
	uint32_t sector_size;
	uint32_t physical;
};

/**
 * blk_image_check() - Could @path be opened? Says why not with bdev_fault().
 *
 * Return: 0 or -errno.
 */
int must_check blk_image_check(struct bdev *d, const char *path);

/**
 * blk_image_open() - Open @path
 * @shared:	It may be open for writing elsewhere
 *
 * Return: 0; -EAGAIN while another device has it open for writing, or -errno; both after
 * bdev_fault().
 */
int must_check blk_image_open(struct bdev *d, struct blk_image *im, const char *path,
                              bool ro, bool shared);

/** blk_image_measure() - Learn the present size. Return: 0, or -errno after bdev_fault().
 */
int must_check blk_image_measure(struct bdev *d, struct blk_image *im, const char *path);

void blk_image_close(struct blk_image *im);

#endif
