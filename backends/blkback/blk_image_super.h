/* SPDX-License-Identifier: MIT */
/*
 * A disk's image: a regular file or a block device, raw; its format is never guessed.
 * Nothing here waits for storage.
 */
#ifndef PVB_BLK_IMAGE_SUPER_H
#define PVB_BLK_IMAGE_SUPER_H

#include "backend.h"
#include "blk_open_super.h"
#include "compiler.h"

/**
 * blk_image_claim() - It is ours: no other device writes to it
 *
 * Return: 0; -EAGAIN while another device has it open for writing, after bdev_fault().
 * What is asked about need not be open (any more).
 */
int must_check blk_image_claim(struct bdev *d, struct blk_image *im);
void blk_image_disclaim(struct blk_image *im);

/**
 * blk_image_measure() - Its size as far as this host knows it, in @bytes
 *
 * The storage is not asked, it may not answer: a network filesystem's other clients may
 * know better, until I/O tells.
 *
 * Return: 0 or -errno.
 */
int must_check blk_image_measure(struct blk_image *im);

/** blk_image_sectors() - That fit @bytes: 512-byte units, a multiple of @sector_size */
uint64_t blk_image_sectors(const struct blk_image *im);

#endif
