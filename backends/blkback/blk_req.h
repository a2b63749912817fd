/* SPDX-License-Identifier: MIT */
/*
 * Judge a guest's request; pure: no I/O, no state, no pointer into shared memory.
 *
 * In two steps, as the segments of an indirect request are not in the ring: its head says
 * how many there are and where, then they are judged like any others.
 */
#ifndef PVB_BLK_REQ_H
#define PVB_BLK_REQ_H

#include <stdbool.h>
#include <stdint.h>

#include "blk_abi.h"
#include "compiler.h"

_Static_assert(BLK_INDIRECT_MAX * sizeof(struct blk_part) <= XEN_PAGE,
               "the first indirect page has them all");

/**
 * struct blk_lim - What this guest was told it may do
 * @sectors:		Capacity in 512-byte units, below 2^54
 * @sector_size:	Unit the guest addresses, bytes: a power of two from 512 to 4096
 * @ro:			No writes
 * @discard, @secure:	feature-discard, discard-secure
 */
struct blk_lim {
	uint64_t sectors;
	uint32_t sector_size;
	bool ro;
	bool discard;
	bool secure;
};

/** struct blk_seg - Part of one granted page; @off + @len never exceeds the page */
struct blk_seg {
	uint32_t gref;
	uint16_t off;
	uint16_t len;
};

_Static_assert(sizeof(struct blk_seg) == sizeof(struct blk_part), "judged in place");

#define BLK_REQ_INDIRECT 0x1U /* @gref is the page of its segments */
#define BLK_REQ_SECURE   0x2U

/**
 * struct blk_req - A request after validation; holds nothing unchecked
 * @id:		Guest's cookie, echoed in the response
 * @off:	Byte offset in the image; @off + @len never exceeds the capacity
 * @len:	Bytes to move, the sum of the segments', or to discard; 0 after the head
 *of one with segments, else a multiple of the sector size
 * @gref:	With BLK_REQ_INDIRECT
 * @nseg:	Segments; 0 only in a flush or barrier without data, and in a discard
 * @op:		BLKIF_OP_READ, _WRITE, _FLUSH_DISKCACHE, _WRITE_BARRIER or _DISCARD: of an
 *		indirect request the inner one; echoed in the response
 * @flags:	BLK_REQ_*
 */
struct blk_req {
	uint64_t id;
	uint64_t off;
	uint64_t len;
	uint32_t gref;
	uint16_t nseg;
	uint8_t op;
	uint8_t flags;
};

_Static_assert(sizeof(struct blk_req) == 32, "no padding");

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
 * blk_req_head() - Turn the head of a guest's request into one that is safe to serve
 * @abi:	Layout
 * @wire:	Private copy of @abi->head bytes of the ring slot
 * @lim:	Limits advertised to this guest
 * @req:	Result; @id and @op are set even when it is refused, as the response
 *echoes them
 * @fault:	Set when it is refused
 *
 * Source: xen/io/blkif.h. Sector numbers count 512 bytes whatever the sector size is.
 *
 * Return: V_OK or V_REJECT.
 */
enum verdict must_check blk_req_head(const struct blk_abi *abi, const void *wire,
                                     const struct blk_lim *lim, struct blk_req *req,
                                     struct blk_fault *fault);

/**
 * blk_req_segments() - Judge the segments; for requests whose @nseg is not 0
 * @seg:	@req->nseg of them, in private memory: struct blk_part on entry, struct
 *		blk_seg when all are good
 *
 * Return: V_OK or V_REJECT.
 */
enum verdict must_check blk_req_segments(const struct blk_lim *lim, struct blk_req *req,
                                         struct blk_seg *seg, struct blk_fault *fault);

#endif
