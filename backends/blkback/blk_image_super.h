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
 * struct blk_image - An image; the first four members say which
 * @key:	XenStore key that names it, for what is said about it
 * @path:	The caller's, to be kept for as long as it is open
 * @ro:		Open it O_RDONLY, so that nobody who is handed it can write
 * @shared:	It may be open for writing elsewhere, too
 * @fd:		Blocking, close-on-exec
 * @owner:	Tag of the device it is open for
 * @direct:	O_DIRECT; offset, length and memory are multiples of @sector_size then
 * @dev, @ino:	What it is, whatever it is called: of a block device its number and 0
 * @sectors:	Capacity in 512-byte units, a multiple of @sector_size
 * @sector_size: Unit a guest may address, bytes: 512, of a block device its logical one
 * @physical:	Unit the storage likes, bytes
 */
struct blk_image {
	const char *key;
	const char *path;
	bool ro, shared;
	int fd;
	const char *owner;
	bool direct;
	dev_t dev;
	ino_t ino;
	uint64_t sectors;
	uint32_t sector_size;
	uint32_t physical;
	LIST_ENTRY(blk_image) link;
};

/**
 * blk_image_check() - Is it something that can be an image?
 *
 * Return: 0, or -errno after bdev_fault().
 */
int must_check blk_image_check(struct bdev *d, const struct blk_image *im);

/**
 * blk_image_open() - Open it
 *
 * Return: 0; -EAGAIN while another device has it open for writing, or -errno; both after
 * bdev_fault().
 */
int must_check blk_image_open(struct bdev *d, struct blk_image *im);

/** blk_image_measure() - Learn its present size. Return: 0, or -errno after bdev_fault().
 */
int must_check blk_image_measure(struct bdev *d, struct blk_image *im);

/**
 * blk_image_again() - Another descriptor of the open image, with a file of its own in the
 * kernel
 *
 * A write that failed is told once to each file: whoever flushes has to have his own.
 *
 * Return: 0, or -errno after bdev_fault(). The caller closes it.
 */
int must_check blk_image_again(struct bdev *d, const struct blk_image *im, int *fd);

void blk_image_close(struct blk_image *im);

#endif
