/* SPDX-License-Identifier: MIT */
#include "blk_req.h"

#include <string.h>

static enum verdict refuse(struct blk_fault *fault, int16_t status, const char *why)
{
	*fault = (struct blk_fault){ status, why };
	return V_REJECT;
}

#define error(why) refuse(fault, BLKIF_RSP_ERROR, why)

/* Sectors per unit that the guest addresses, less one: a mask. */
static uint32_t unit_mask(const struct blk_lim *lim)
{
	return lim->sector_size / BLK_SECTOR - 1;
}

static enum verdict req_start(const struct blk_lim *lim, uint64_t sector,
                              struct blk_req *req, struct blk_fault *fault)
{
	if (sector > lim->sectors)
		return error("it ends behind the disk");
	if (sector & unit_mask(lim))
		return error("the sector number is not a multiple of the sector size");
	req->off = sector * BLK_SECTOR;
	return V_OK;
}

static enum verdict req_discard(const struct blk_lim *lim, uint64_t n, uint8_t flag,
                                struct blk_req *req, struct blk_fault *fault)
{
	if (!n)
		return error("no sectors to discard");
	if (n > lim->sectors - req->off / BLK_SECTOR)
		return error("it ends behind the disk");
	if (n & unit_mask(lim))
		return error("not whole sectors to discard");
	req->len = n * BLK_SECTOR;
	/* blkif.h: the flag means nothing where it was not offered. */
	if (flag & BLKIF_DISCARD_SECURE && lim->secure)
		req->flags |= BLK_REQ_SECURE;
	return V_OK;
}

enum verdict blk_req_head(const struct blk_abi *abi, const void *wire,
                          const struct blk_lim *lim, struct blk_req *req,
                          struct blk_fault *fault)
{
	const uint8_t *w = wire;
	uint64_t sector, tail;
	bool write = true;

	*req = (struct blk_req){ .op = w[0] };
	memcpy(&req->id, w + abi->id, sizeof(req->id));
	memcpy(&sector, w + abi->sector, sizeof(sector));
	switch (w[0]) {
	case BLKIF_OP_READ:
		write = false;
		/* fallthrough */
	case BLKIF_OP_WRITE:
		if (!w[1])
			return error("no segments");
		/* fallthrough */
	case BLKIF_OP_FLUSH_DISKCACHE:
	case BLKIF_OP_WRITE_BARRIER:
		if (w[1] > BLK_SEGS)
			return error("more than 11 segments");
		req->nseg = w[1];
		if (!req->nseg) /* and then the sector number says nothing */
			return V_OK;
		break;
	case BLKIF_OP_INDIRECT:
		/* xen-blkfront disables the disk if the inner one does not come back. */
		req->op = w[1];
		memcpy(&req->nseg, w + 2, sizeof(req->nseg));
		memcpy(&req->gref, w + abi->gref, sizeof(req->gref));
		req->flags = BLK_REQ_INDIRECT;
		if (w[1] != BLKIF_OP_READ && w[1] != BLKIF_OP_WRITE)
			return error("an indirect operation is neither read nor write");
		if (!req->nseg)
			return error("no segments");
		if (req->nseg > BLK_INDIRECT_MAX)
			return error("more than 256 indirect segments");
		write = w[1] == BLKIF_OP_WRITE;
		break;
	case BLKIF_OP_DISCARD:
		if (lim->discard)
			break;
		/* fallthrough */
	default: /* what was not offered is answered as what nobody knows */
		return refuse(fault, BLKIF_RSP_EOPNOTSUPP,
		              "the operation was not offered");
	}
	if (write && lim->ro)
		return error("a write to a read-only disk");
	if (req_start(lim, sector, req, fault) != V_OK)
		return V_REJECT;
	if (w[0] != BLKIF_OP_DISCARD)
		return V_OK;
	memcpy(&tail, w + abi->tail, sizeof(tail));
	return req_discard(lim, tail, w[1], req, fault);
}

enum verdict blk_req_segments(const struct blk_lim *lim, struct blk_req *req,
                              struct blk_seg *seg, struct blk_fault *fault)
{
	uint32_t mask = unit_mask(lim), len = 0;

	for (uint32_t i = 0; i < req->nseg; i++) {
		struct blk_part p;
		uint32_t n;

		memcpy(&p, &seg[i], sizeof(p));
		if (p.last >= BLK_PAGE_SECTORS)
			return error("a segment ends behind its page");
		if (p.first > p.last)
			return error("a segment ends before it begins");
		n = p.last - p.first + 1U;
		if ((p.first | n) & mask)
			return error("a segment is not made of whole sectors");
		seg[i].off = (uint16_t)(p.first * BLK_SECTOR);
		seg[i].len = (uint16_t)(n * BLK_SECTOR);
		len += n;
	}
	/* @off is within the disk: nothing overflows. */
	if (len > lim->sectors - req->off / BLK_SECTOR)
		return error("it ends behind the disk");
	req->len = len * BLK_SECTOR;
	return V_OK;
}
