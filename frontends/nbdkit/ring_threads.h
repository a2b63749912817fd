/* SPDX-License-Identifier: MIT */
/* A disk, a thread for each of its queues, and a way into them for any other thread. */
#ifndef PVB_RING_THREADS_H
#define PVB_RING_THREADS_H

#include <stddef.h>
#include <stdint.h>

#include "blkfront.h"
#include "compiler.h"

struct ring_threads;

/**
 * ring_threads_start() - Connect to disk @devid and start the threads
 * @conf:	wake_fd is their own business
 *
 * Return: 0, or -errno of blkfront_open(), logged.
 */
int must_check ring_threads_start(struct ring_threads **out, uint32_t devid,
                                  const struct blkfront_conf *conf);

/** ring_threads_stop() - Close the disk, end the threads; no I/O is under way */
void ring_threads_stop(struct ring_threads *r);

/** ring_threads_info() - All but the capacity, which may change */
const struct blkfront_info *ring_threads_info(const struct ring_threads *r);
uint64_t ring_threads_bytes(const struct ring_threads *r);

/**
 * ring_threads_do() - Do one I/O and wait for it; from any thread
 *
 * The queues take turns. Return: 0 or -errno; -ESHUTDOWN when the disk is gone or
 * disabled.
 */
int must_check ring_threads_do(struct ring_threads *r, uint8_t op, uint64_t offset,
                               void *buf, size_t len);

#endif
