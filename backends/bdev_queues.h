/* SPDX-License-Identifier: MIT */
/*
 * How many queues a device has, for the supervisor halves: multi-queue-max-queues of
 * ours, multi-queue-num-queues of the frontend. Errors have been told to bdev_fault().
 */
#ifndef PVB_BDEV_QUEUES_H
#define PVB_BDEV_QUEUES_H

#include "backend.h"
#include "xs.h"

/**
 * struct bdev_queues - What is offered
 * @set:	As the configuration says; 0: it says nothing
 * @most:	Otherwise, or the number of CPUs if that is less
 * @guest:	Of all devices of the kind that a guest has, before the next one gets
 * fewer
 */
struct bdev_queues {
	uint32_t set;
	uint32_t most;
	uint32_t guest;
};

/** bdev_queues_offer() - Write our key. Return: 0 or -errno, not told. */
int must_check bdev_queues_offer(struct bdev *d, xst_t t, const struct bdev_queues *q);

/**
 * bdev_queues_read() - How many the frontend has; 1 if it does not say
 * @max:	That can be served, whatever our key says
 */
int must_check bdev_queues_read(struct bdev *d, uint32_t max, uint32_t *n);

/** bdev_queue_dir() - Where the keys of queue @i of @n are: the keys of one queue are the
 *  frontend's own, those of several are in queue-N */
void bdev_queue_dir(const struct bdev *d, uint32_t i, uint32_t n, char dir[XST_PATH_MAX]);

#endif
