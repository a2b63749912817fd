/* SPDX-License-Identifier: MIT */
/*
 * Judge a guest's request; pure: no I/O, no state, no pointer into shared memory.
 */
#ifndef PVB_BLK_REQ_H
#define PVB_BLK_REQ_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"
#include "xenabi.h"

#define BLK_SEGS BLKIF_MAX_SEGMENTS_PER_REQUEST

/**
 * struct blk_lim - What this guest was told it may do
 * @sectors:		Capacity in 512-byte units, below 2^54
 * @sector_size:	Unit the guest addresses, bytes: a power of two from 512 to 4096
 * @ro:			No writes
 */
struct blk_lim {
	uint64_t sectors;
	uint32_t sector_size;
	bool ro;
};

/** struct blk_seg - Part of one granted page; @off + @len never exceeds the page */
struct blk_seg {
	uint32_t gref;
	uint16_t off;
	uint16_t len;
};

/**
 * struct blk_req - A request after validation; holds nothing unchecked
 * @id:		Guest's cookie, echoed in the response
 * @off:	Byte offset in the image; @off + @len never exceeds the capacity
 * @len:	Bytes to move: the sum of the segments', a multiple of the sector size
 * @op:		BLKIF_OP_*, echoed in the response
 * @nseg:	Segments; 0 only in a flush without data
 */
struct blk_req {
	uint64_t id;
	uint64_t off;
	uint32_t len;
	uint8_t op;
	uint8_t nseg;
	uint16_t pad;
	struct blk_seg seg[BLK_SEGS];
};

/**
 * struct blk_fault - Why a request is refused
 * @status:	BLKIF_RSP_ERROR or BLKIF_RSP_EOPNOTSUPP
 * @why:	For the log
 */
struct blk_fault {
	int16_t status;
	const char *why;
};

/**
 * blk_req_parse() - Turn a guest's request into one that is safe to serve
 * @wire:	Private copy of the ring slot
 * @lim:	Limits advertised to this guest
 * @req:	Result; @id and @op are set even when it is refused, as the response
 *echoes them
 * @fault:	Set when it is refused
 *
 * Source: xen/io/blkif.h. Sector numbers count 512 bytes whatever the sector size is.
 *
 * Return: V_OK or V_REJECT.
 */
enum verdict must_check blk_req_parse(const struct blkif_request *wire,
                                      const struct blk_lim *lim, struct blk_req *req,
                                      struct blk_fault *fault);

#endif
