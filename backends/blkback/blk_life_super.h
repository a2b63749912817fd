/* SPDX-License-Identifier: MIT */
/*
 * What of a connected disk outlives its worker: the journal, what the worker was told,
 * and a file whose lock tells when nothing of the worker is left. The worker alone has
 * the open file description that holds the lock, in its own hands and in each of its I/O
 * rings: the kernel closes it when the process is gone and the last I/O that was in
 * flight has ended. The file says which image that I/O is for.
 */
#ifndef PVB_BLK_LIFE_SUPER_H
#define PVB_BLK_LIFE_SUPER_H

#include <stdbool.h>

#include "backend.h"
#include "blk_abi.h"
#include "blk_conf.h"
#include "compiler.h"

/**
 * struct blk_life - Of a disk; zero while it is not connected
 * @on:		It is
 * @journal:	File
 * @fence:	The file that the worker has locked; -1: there was no worker yet
 */
struct blk_life {
	bool on;
	int journal;
	int fence;
	struct blk_conf conf;
};

/** struct blk_identity - Of an image: content of the fence's file */
struct blk_identity {
	uint64_t dev, ino, rdev;
};

/** blk_life_begin() - A new connection. Return: 0, or -errno after bdev_fault(). */
int must_check blk_life_begin(struct bdev *d, struct blk_life *l,
                              const struct blk_conf *c);

/**
 * blk_life_adopt() - The connection of a worker that outlived another pvbackd
 * @fds:	BLK_FD_*; those that are kept are -1 afterwards
 */
void blk_life_adopt(struct blk_life *l, const struct blk_conf *c, int *fds);

/**
 * blk_life_find() - The connection of a worker that died, as pvbackd did
 * @image:	Which has to be what that worker served
 *
 * Return: 0; -ESTALE: it is another one; or other -errno after bdev_fault().
 */
int must_check blk_life_find(struct bdev *d, struct blk_life *l, const struct blk_conf *c,
                             int image);

/** blk_life_same() - Are they the same file? */
bool blk_life_same(int a, int b);

/**
 * blk_life_tell() - Fill in what a worker is told, but for the descriptors of the image,
 * which are there
 * @recover:	It goes on where another one was
 *
 * Return: 0, or -errno after bdev_fault().
 */
int must_check blk_life_tell(struct bdev *d, struct blk_life *l, bool recover,
                             struct bdev_conf *conf);

/** blk_life_fence() - Return: 0 when no I/O of a worker is in flight, else -EAGAIN */
int must_check blk_life_fence(const struct blk_life *l);

/** blk_life_serving() - The worker was at work on a ring when it ended */
bool blk_life_serving(const struct blk_life *l);

void blk_life_end(struct blk_life *l);

#endif
