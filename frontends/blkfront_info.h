/* SPDX-License-Identifier: MIT */
/* What passes through XenStore: what a backend offers and publishes, what we publish. */
#ifndef PVB_BLKFRONT_INFO_H
#define PVB_BLKFRONT_INFO_H

#include <stdbool.h>

#include "blkfront.h"
#include "blkfront_queue.h"
#include "compiler.h"
#include "front.h"

/**
 * blkfront_agree() - Read what a backend in InitWait offers, settle for the least
 *
 * Sets @info->offer, @queues, @order and @segments. A hasty frontend has seen no offer.
 */
int must_check blkfront_agree(struct front *f, const struct blkfront_conf *conf,
                              struct blkfront_info *info);

/**
 * blkfront_info_read() - Read the keys of a backend that is Connected: the rest of @info
 *
 * Return: 0, -EPROTO when a key is missing or nonsense, which is logged, or -errno.
 */
int must_check blkfront_info_read(struct front *f, const struct blkfront_conf *conf,
                                  struct blkfront_info *info);

/** blkfront_capacity_read() - Of a backend that was resized: the new @info->bytes */
int must_check blkfront_capacity_read(struct front *f, struct blkfront_info *info);

/**
 * struct blkfront_keys_arg - What blkfront_keys_write() is to publish
 * @queue:	conf.queues agreed ones
 */
struct blkfront_keys_arg {
	const struct front *f;
	const struct blkfront_conf *conf;
	const struct blkfront_info *info;
	const struct bfq *queue;
};

/**
 * blkfront_keys_write() - The rings, for front_publish()
 *
 * Also removes what a frontend has left behind that would change their meaning.
 */
int must_check blkfront_keys_write(struct xst *xs, xst_t t, void *arg);

/** blkfront_keys_ours - Keys that it may have written, for front_stop() */
extern const char *const blkfront_keys_ours[];

#endif
