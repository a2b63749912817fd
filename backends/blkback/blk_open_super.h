/* SPDX-License-Identifier: MIT */
/*
 * Open an image: all that may wait for storage. Runs in a thread of its own and looks at
 * nothing but its argument.
 */
#ifndef PVB_BLK_OPEN_SUPER_H
#define PVB_BLK_OPEN_SUPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "blk_conf.h"
#include "blk_discard_super.h"
#include "compiler.h"

/** enum blk_cache - Places in the list of values of vbd.cache */
enum blk_cache {
	BLK_CACHE_NONE,      /* O_DIRECT where the storage takes it */
	BLK_CACHE_WRITEBACK, /* through the page cache, durable when the guest flushes */
	BLK_CACHE_WRITETHROUGH, /* through the page cache, durable when it is answered */
};

/**
 * struct blk_image - An image; the first group is what is asked for
 * @key:	XenStore key that names it, for what is said about it
 * @path:	The image's own
 * @ro:		Open it O_RDONLY, so that nobody who is handed it can write
 * @shared:	It may be open for writing elsewhere, too
 * @bypass:	Of a loop device, open the file
 * @may_discard: The toolstack does not forbid it
 * @want:	For blk_image_more()
 *
 * @rc:		0, or -errno and in @text why
 * @note:	What is worth a line in the log, or ""
 * @fd:		Blocking, close-on-exec
 * @more:	Others of the same, @nmore, each with a file of its own in the kernel: a
 *		write that failed is told once to each file, and whoever flushes is to
 *		hear
 * @loop:	The loop device whose file is open, or -1: held so that it stays what it
 * is
 * @direct:	O_DIRECT; offset, length and memory are multiples of @sector_size then
 * @bdev:	A block device
 * @dev, @ino:	What it is, whatever it is called: of a block device its number and 0
 * @bytes:	Its size
 * @sector_size: Unit a guest may address, bytes: 512, of a block device its logical one
 * @physical:	Unit the storage likes, bytes
 * @discard:	What can be discarded, and may be
 *
 * @owner:	Tag of the device it is open for, when it is claimed
 * @sectors:	Capacity in 512-byte units, a multiple of @sector_size
 */
struct blk_image {
	const char *key;
	char *path;
	bool ro, shared, bypass, may_discard;
	enum blk_cache cache;
	unsigned int want;

	int rc;
	char text[400];
	char note[400];
	int fd, loop;
	int more[BLK_QUEUES_MAX - 1];
	unsigned int nmore;
	bool direct, bdev;
	dev_t dev;
	ino_t ino;
	uint64_t bytes;
	uint32_t sector_size;
	uint32_t physical;
	struct blk_discard discard;

	const char *owner;
	uint64_t sectors;
	LIST_ENTRY(blk_image) link;
};

/** blk_image_new() - With nothing open. Return: NULL without memory. */
struct blk_image *blk_image_new(const char *key, const char *path);

/** blk_image_free() - Closes it, which may wait for storage */
void blk_image_free(void *im);

/** blk_image_shut() - Close it, keep what is known of it; may wait for storage */
void blk_image_shut(void *im);

/** blk_image_check() - Is it something that can be an image? Fills in @rc and @text. */
void blk_image_check(void *im);

/** blk_image_open() - Open it: fills in the second group */
void blk_image_open(void *im);

/** blk_image_more() - Have @want descriptors besides the first */
void blk_image_more(void *im);

#endif
