/* SPDX-License-Identifier: MIT */
/*
 * Loop devices: the stock block script puts one over each image that is a file. The file
 * itself is quicker and tells its size, so it is opened instead, when it is certain that
 * the guest could not tell the difference.
 */
#ifndef PVB_BLK_LOOP_SUPER_H
#define PVB_BLK_LOOP_SUPER_H

#include <linux/loop.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "compiler.h"

/**
 * struct blk_loop - A loop device and the file that is said to be behind it
 * @info:	LOOP_GET_STATUS64
 * @bytes:	The device's size
 * @file:	What is found at the path of the file
 */
struct blk_loop {
	struct loop_info64 info;
	uint64_t bytes;
	struct stat file;
};

/** blk_loop_judge() - Return: NULL when the file can stand in, else why it cannot; pure
 */
const char *blk_loop_judge(const struct blk_loop *l, bool ro);

/**
 * blk_loop_find() - The file behind a loop device; may wait for storage
 * @fd:		The device, open for reading; to be kept open as long as the file is, so
 *		that it stays what it is
 * @dev:	Its number
 * @file:	The file, with O_PATH
 * @path:	Its path, malloc'ed
 *
 * What was written to the device is in the file when this returns.
 *
 * Return: NULL with the file, or why it cannot stand in.
 */
const char *blk_loop_find(int fd, dev_t dev, bool ro, int *file, char **path);

#endif
