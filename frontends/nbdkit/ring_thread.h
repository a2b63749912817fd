/* SPDX-License-Identifier: MIT */
/* One thread that owns a disk, and a queue into it for any number of threads. */
#ifndef PVB_RING_THREAD_H
#define PVB_RING_THREAD_H

#include <stddef.h>
#include <stdint.h>

#include "blkfront.h"
#include "compiler.h"

struct ring_thread;

/**
 * ring_thread_start() - Connect to disk @devid and start the thread
 * @conf:	wake_fd is the thread's own business
 *
 * Return: 0, or -errno of blkfront_open(), logged.
 */
int must_check ring_thread_start(struct ring_thread **out, uint32_t devid,
                                 const struct blkfront_conf *conf);

/** ring_thread_stop() - Close the disk, end the thread; no I/O is under way */
void ring_thread_stop(struct ring_thread *t);

const struct blkfront_info *ring_thread_info(const struct ring_thread *t);

/**
 * ring_thread_do() - Do one I/O and wait for it; from any thread
 *
 * Return: 0 or -errno; -ESHUTDOWN when the disk is gone or disabled.
 */
int must_check ring_thread_do(struct ring_thread *t, uint8_t op, uint64_t offset,
                              void *buf, size_t len);

#endif
