/* SPDX-License-Identifier: MIT */
/*
 * A disk in the worker: its rings, each with a thread and a descriptor of the image of
 * its own, and what they have in common. It connects as a whole or not at all, and is
 * disconnected when the last ring is.
 */
#ifndef PVB_BLK_DISK_H
#define PVB_BLK_DISK_H

#include <pthread.h>

#include "backend.h"
#include "blk_conf.h"
#include "blk_ring.h"
#include "compiler.h"

struct blk_queue;

/**
 * struct blk_disk - What the queues of a disk share
 * @fd:		BLK_FD_*
 * @journal:	Of all queues, one after the other
 * @control:	eventfd; readable when all are to stop
 * @sectors:	Capacity now; only grows
 * @resume:	Of the last UPDATE
 * @flush_failed: See struct blk_ring; any queue sets it, all heed it
 * @lock:	Of what follows
 * @go:		Threads may serve: all of them have been started
 * @failed:	FAILED has been said
 * @paused:	Queues that have requests which wait for storage
 * @running:	Queues that have not ended
 * @stats:	Of those that have, with @calls, the system calls of their stores, and
 *		the name of their engine
 */
struct blk_disk {
	struct wdev *dev;
	struct blk_conf conf;
	int fd[BLK_FDS];
	uint8_t *journal;
	int control;
	uint64_t sectors;
	uint32_t resume;
	bool flush_failed;
	pthread_mutex_t lock;
	bool go;
	bool failed;
	uint32_t paused;
	uint32_t running;
	struct blk_stats stats;
	uint64_t calls;
	const char *engine;
	struct blk_queue *queue[BLK_QUEUES_MAX];
};

/**
 * blk_disk_start() - Map the rings, bind the event channels, open the image, serve
 * @c:		Checked
 * @fds:	Of the image, one for each queue, then BLK_FDS more; those taken are -1
 *		afterwards
 * @text:	What failed
 *
 * Return: 0, or -errno with everything released.
 */
int must_check blk_disk_start(struct wdev *d, const struct blk_conf *c, int *fds,
                              struct blk_disk **out, char *text, size_t text_size);

/**
 * blk_disk_stop() - Take no more requests, answer those taken, release everything
 *
 * Returns at once. The last thread frees @k and calls wdev_disconnected().
 */
void blk_disk_stop(struct blk_disk *k);

/** blk_disk_update() - The guest may now use all of @u */
void blk_disk_update(struct blk_disk *k, const struct blk_update *u);

/** blk_disk_paused() - A queue has begun, or with @err 0 has ceased, to keep requests
 * back
 */
void blk_disk_paused(struct blk_disk *k, const struct store_io *io, int err);

/** blk_disk_failed() - The guest broke a ring: say so, the first time */
void blk_disk_failed(struct blk_disk *k, int err, const char *why);

#endif
