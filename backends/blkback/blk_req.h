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
#include <string.h>

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
 *		of one with segments, else a multiple of the sector size
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

/* The first four: segments in the ring, and the first two of them need some. */
_Static_assert(BLKIF_OP_READ == 0 && BLKIF_OP_WRITE == 1 && BLKIF_OP_WRITE_BARRIER == 2 &&
                       BLKIF_OP_FLUSH_DISKCACHE == 3,
               "xen/io/blkif.h");

static inline enum verdict blk_refused(struct blk_fault *fault, int16_t status,
                                       const char *why)
{
	*fault = (struct blk_fault){ status, why };
	return V_REJECT;
}

#define blk_error(why) blk_refused(fault, BLKIF_RSP_ERROR, why)

static inline enum verdict blk_req_start(const struct blk_lim *lim, uint64_t sector,
                                         struct blk_req *req, struct blk_fault *fault)
{
	if (sector > lim->sectors)
		return blk_error("it ends behind the disk");
	req->off = sector * BLK_SECTOR;
	if (req->off & (lim->sector_size - 1))
		return blk_error(
			"the sector number is not a multiple of the sector size");
	return V_OK;
}

static inline enum verdict blk_req_discard(const struct blk_lim *lim, uint64_t n,
                                           uint8_t flag, struct blk_req *req,
                                           struct blk_fault *fault)
{
	if (!n)
		return blk_error("no sectors to discard");
	if (n > lim->sectors - req->off / BLK_SECTOR)
		return blk_error("it ends behind the disk");
	req->len = n * BLK_SECTOR;
	if (req->len & (lim->sector_size - 1))
		return blk_error("not whole sectors to discard");
	/* blkif.h: the flag means nothing where it was not offered. */
	if (flag & BLKIF_DISCARD_SECURE && lim->secure)
		req->flags |= BLK_REQ_SECURE;
	return V_OK;
}

/**
 * blk_req_head() - Turn the head of a guest's request into one that is safe to serve
 * @abi:	Layout
 * @wire:	Private copy of @abi->head bytes of the ring slot
 * @lim:	Limits advertised to this guest
 * @req:	Result; @id and @op are set even when it is refused, as the response
 *		echoes them
 * @fault:	Set when it is refused
 *
 * Source: xen/io/blkif.h. Sector numbers count 512 bytes whatever the sector size is.
 *
 * Return: V_OK or V_REJECT.
 */
static forced_inline enum verdict must_check blk_req_head(const struct blk_abi *abi,
                                                          const void *wire,
                                                          const struct blk_lim *lim,
                                                          struct blk_req *req,
                                                          struct blk_fault *fault)
{
	const uint8_t *w = wire;
	uint64_t sector, tail;
	bool write = w[0] != BLKIF_OP_READ;

	*req = (struct blk_req){ .op = w[0] };
	memcpy(&req->id, w + abi->id, sizeof(req->id));
	memcpy(&sector, w + abi->sector, sizeof(sector));
	if (w[0] <= BLKIF_OP_FLUSH_DISKCACHE) {
		if (w[1] > BLK_SEGS)
			return blk_error("more than 11 segments");
		req->nseg = w[1];
		if (!req->nseg) /* and then the sector number says nothing */
			return w[0] > BLKIF_OP_WRITE ? V_OK : blk_error("no segments");
	} else if (w[0] == BLKIF_OP_INDIRECT) {
		/* xen-blkfront disables the disk if the inner one does not come back. */
		req->op = w[1];
		memcpy(&req->nseg, w + 2, sizeof(req->nseg));
		memcpy(&req->gref, w + abi->gref, sizeof(req->gref));
		req->flags = BLK_REQ_INDIRECT;
		if (w[1] != BLKIF_OP_READ && w[1] != BLKIF_OP_WRITE)
			return blk_error(
				"an indirect operation is neither read nor write");
		if (!req->nseg)
			return blk_error("no segments");
		if (req->nseg > BLK_INDIRECT_MAX)
			return blk_error("more than 256 indirect segments");
		write = w[1] == BLKIF_OP_WRITE;
	} else if (w[0] != BLKIF_OP_DISCARD || !lim->discard) {
		/* What was not offered is answered as what nobody knows. */
		return blk_refused(fault, BLKIF_RSP_EOPNOTSUPP,
		                   "the operation was not offered");
	}
	if (write && lim->ro)
		return blk_error("a write to a read-only disk");
	if (blk_req_start(lim, sector, req, fault) != V_OK)
		return V_REJECT;
	if (w[0] != BLKIF_OP_DISCARD)
		return V_OK;
	memcpy(&tail, w + abi->tail, sizeof(tail));
	return blk_req_discard(lim, tail, w[1], req, fault);
}

/**
 * blk_req_segments() - Judge the segments; for requests whose @nseg is not 0
 * @seg:	@req->nseg of them, in private memory: struct blk_part on entry, struct
 *		blk_seg when all are good
 *
 * Return: V_OK or V_REJECT.
 */
static forced_inline enum verdict must_check blk_req_segments(const struct blk_lim *lim,
                                                              struct blk_req *req,
                                                              struct blk_seg *seg,
                                                              struct blk_fault *fault)
{
	uint32_t mask = lim->sector_size - 1, i = 0, len = 0;

	do {
		struct blk_part p;
		uint32_t off, n;

		memcpy(&p, &seg[i], sizeof(p));
		if (p.last >= BLK_PAGE_SECTORS)
			return blk_error("a segment ends behind its page");
		if (p.first > p.last)
			return blk_error("a segment ends before it begins");
		off = p.first * BLK_SECTOR;
		n = (p.last + 1U) * BLK_SECTOR - off;
		if ((off | n) & mask)
			return blk_error("a segment is not made of whole sectors");
		seg[i].off = (uint16_t)off;
		seg[i].len = (uint16_t)n;
		len += n;
	} while (++i < req->nseg);
	/* @off was within the disk, however large it was then: nothing overflows. */
	if (req->off + len > lim->sectors * BLK_SECTOR)
		return blk_error("it ends behind the disk");
	req->len = len;
	return V_OK;
}

#undef blk_error

/* ---- The short way --------------------------------------------------------------- */

/**
 * struct blk_short_head - All that a request of one segment says, in registers
 * @word:	Its first 32 bits: operation, number of segments, handle
 * @part:	The segment, struct blk_part
 */
struct blk_short_head {
	uint32_t word;
	uint64_t id;
	uint64_t sector;
	uint64_t part;
};

/**
 * struct blk_short_lim - The limits, so that few comparisons tell
 * @mask:	Of what the first 16 bits have in common, in what is allowed: one segment,
 *		and BLKIF_OP_READ, or _WRITE where that is allowed, too; 0: nothing is
 * @unit:	Bits that are not set in a sector number
 * @last:	Highest sector number
 */
struct blk_short_lim {
	uint16_t mask;
	uint16_t unit;
	uint64_t last;
};

#define BLK_SHORT_ONE  (1U << 8) /* nseg */
/* first = 0, last = 7, behind the gref */
#define BLK_SHORT_PAGE ((BLK_PAGE_SECTORS - 1U) << 8)
_Static_assert(offsetof(struct blk_part, first) == 4 && BLK_PAGE_SECTORS == 8, "blkif.h");

static inline struct blk_short_lim blk_short_lim(const struct blk_lim *lim)
{
	bool any = lim->sectors >= BLK_PAGE_SECTORS;

	return (struct blk_short_lim){
		.mask = !any      ? 0
		        : lim->ro ? 0xffff
		                  : 0xffff & ~BLKIF_OP_WRITE,
		.unit = (uint16_t)(lim->sector_size / BLK_SECTOR - 1),
		.last = any ? lim->sectors - BLK_PAGE_SECTORS : 0,
	};
}

/**
 * blk_short_req() - Is this a read or write of one whole page, all of it allowed?
 *
 * What it lets through the judges above let through as well, as that and nothing else.
 * The rest is theirs to judge.
 */
static forced_inline bool blk_short_req(const struct blk_short_lim *lim,
                                        const struct blk_short_head *h)
{
	return (h->word & lim->mask) == BLK_SHORT_ONE &&
	       (uint16_t)(h->part >> 32) == BLK_SHORT_PAGE && h->sector <= lim->last &&
	       !(h->sector & lim->unit);
}

#endif
