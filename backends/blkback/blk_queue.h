/* SPDX-License-Identifier: MIT */
/*
 * A ring's thread: wait for the guest and for storage, serve, notify; and its end.
 */
#ifndef PVB_BLK_QUEUE_H
#define PVB_BLK_QUEUE_H

#include "backend.h"
#include "blk_conf.h"
#include "compiler.h"

struct blk_queue;

/**
 * blk_queue_start() - Map the ring, bind the event channel, open the image, start
 * @c:		Checked
 * @image:	Descriptor; -1 afterwards if the queue has taken it, success or not
 * @text:	What failed
 *
 * Return: 0, or -errno with everything released.
 */
int must_check blk_queue_start(struct wdev *d, const struct blk_conf *c, int *image,
                               struct blk_queue **out, char *text, size_t text_size);

/**
 * blk_queue_stop() - Take no more requests, answer those taken, release everything
 *
 * Returns at once. The thread frees @q and calls wdev_disconnected() when it is done.
 */
void blk_queue_stop(struct blk_queue *q);

#endif
