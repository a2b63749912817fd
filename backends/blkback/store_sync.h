/* SPDX-License-Identifier: MIT */
/* One I/O by plain system calls, for a thread that may wait. */
#ifndef PVB_STORE_SYNC_H
#define PVB_STORE_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"

/** store_is_bdev() - Never asks the storage, which may not answer */
bool store_is_bdev(int fd);

/**
 * store_sync() - Do all of @io, set @err
 * @bdev:	@fd is a block device
 *
 * Return: system calls it took.
 */
uint32_t store_sync(int fd, bool bdev, struct store_io *io);

#endif
