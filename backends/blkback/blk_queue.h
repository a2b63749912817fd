/* SPDX-License-Identifier: MIT */
/*
 * A ring's thread: wait for the guest and for storage, serve, notify; and its end.
 */
#ifndef PVB_BLK_QUEUE_H
#define PVB_BLK_QUEUE_H

#include "blk_disk.h"
#include "compiler.h"

struct blk_queue;

/**
 * blk_queue_open() - Map ring @n of the disk, bind its event channel, open the image
 * @image:	Descriptor; -1 afterwards if the queue has taken it, success or not
 * @text:	What failed
 *
 * Return: 0, or -errno with everything released.
 */
int must_check blk_queue_open(struct blk_disk *k, uint32_t n, int *image,
                              struct blk_queue **out, char *text, size_t text_size);

/** blk_queue_free() - Undo blk_queue_open(); NULL is accepted */
void blk_queue_free(struct blk_queue *q);

/** blk_queue_serve() - Serve until the disk is told to stop and all taken is answered */
void blk_queue_serve(struct blk_queue *q);

/** blk_queue_count() - Add what it has done, say by which engine */
void blk_queue_count(const struct blk_queue *q, struct blk_stats *sum, uint64_t *calls,
                     const char **engine);

#endif
