/* SPDX-License-Identifier: MIT */
/* What pvblk's commands share: the device, the way out by a signal, the data pump. */
#ifndef PVB_PVBLK_H
#define PVB_PVBLK_H

#include <stddef.h>
#include <stdint.h>

#include "blkfront.h"
#include "compiler.h"
#include "opts.h"
#include "tool.h"
#include "vdev.h"

/** io_report() - Print what failed where, unless the library has said it. Return: @rc. */
int io_report(const struct blkfront *bf, const char *what, uint64_t offset, int rc);

/**
 * region_set() - Resolve offset and length against the disk
 * @unit:	What both must be multiples of
 */
int must_check region_set(const struct blkfront *bf, uint64_t offset, uint64_t length,
                          uint32_t unit, uint64_t *end);

/**
 * struct stream - A run of the disk, pumped with many requests in flight
 * @op:		BLKIF_OP_READ or BLKIF_OP_WRITE
 * @offset:	First byte; afterwards the byte behind the last one moved
 * @end:	Byte behind the last one
 * @move:	Write: put up to *@len bytes for @offset into @buf, set *@len to how many,
 *		whole sectors, 0 for no more. Read: use *@len bytes; called in order.
 * @timeout_ms:	Longest wait for an answer
 */
struct stream {
	struct blkfront *bf;
	uint8_t op;
	uint64_t offset;
	uint64_t end;
	int (*move)(void *arg, uint64_t offset, void *buf, size_t *len);
	void *arg;
	int timeout_ms;
};

/** stream_run() - Return: 0, what @move returned, or the I/O's error, which is printed */
int must_check stream_run(struct stream *s);

/** flush_disk() - Flush, if the device has something to flush */
int must_check flush_disk(struct blkfront *bf, int timeout_ms);

int cmd_info(const struct opts *o, struct blkfront *bf);
int cmd_read(const struct opts *o, struct blkfront *bf);
int cmd_write(const struct opts *o, struct blkfront *bf);
int cmd_verify(const struct opts *o, struct blkfront *bf);
int cmd_load(const struct opts *o, struct blkfront *bf);
int cmd_cycle(const struct opts *o, struct blkfront *bf);

#endif
