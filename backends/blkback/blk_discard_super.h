/* SPDX-License-Identifier: MIT */
/* Whether an image can give back what its guest does not need, and in which pieces. */
#ifndef PVB_BLK_DISCARD_SUPER_H
#define PVB_BLK_DISCARD_SUPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct blk_discard - All zero: it cannot
 * @granularity: Bytes; less than that is given back by nobody
 * @alignment:	Offset of the first such piece, bytes
 * @secure:	No copy of what is discarded can be read any more, if that is asked for
 */
struct blk_discard {
	uint32_t granularity;
	uint32_t alignment;
	bool secure;
};

/**
 * blk_discard_file() - Ask a regular file that is open for writing; may wait for storage
 * @bytes:	Its size
 * @block:	Of its filesystem
 */
struct blk_discard blk_discard_file(int fd, uint64_t bytes, uint32_t block);

/** blk_discard_bdev() - Ask a block device; @root: of sysfs, "/sys" */
struct blk_discard blk_discard_bdev(int fd, dev_t dev, const char *root);

#endif
