/* SPDX-License-Identifier: MIT */
#include "blk_req.h"

#include <string.h>

static enum verdict refuse(struct blk_fault *fault, int16_t status, const char *why)
{
	*fault = (struct blk_fault){ status, why };
	return V_REJECT;
}

#define error(why) refuse(fault, BLKIF_RSP_ERROR, why)

/*
 * An indirect request's inner operation sits where nr_segments is in the others, and the
 * frontend expects that one back (xen-blkfront disables the disk otherwise).
 */
static uint8_t req_echo(const struct blkif_request *wire)
{
	return wire->operation == BLKIF_OP_INDIRECT ? wire->nr_segments : wire->operation;
}

_Static_assert(offsetof(struct blkif_request, nr_segments) ==
                       offsetof(struct blkif_request_indirect, indirect_op),
               "indirect op");
_Static_assert(offsetof(struct blkif_request, id) ==
                               offsetof(struct blkif_request_indirect, id) &&
                       offsetof(struct blkif_request, id) ==
                               offsetof(struct blkif_request_discard, id),
               "one place for the id");

static enum verdict req_segments(const struct blkif_request *wire,
                                 const struct blk_lim *lim, struct blk_req *req,
                                 struct blk_fault *fault)
{
	uint32_t unit = lim->sector_size / BLK_SECTOR;

	for (uint32_t i = 0; i < wire->nr_segments; i++) {
		const struct blkif_request_segment *s = &wire->seg[i];
		uint32_t n;

		if (s->last_sect >= BLK_PAGE_SECTORS)
			return error("a segment ends behind its page");
		if (s->first_sect > s->last_sect)
			return error("a segment ends before it begins");
		n = s->last_sect - s->first_sect + 1U;
		if (s->first_sect % unit || n % unit)
			return error("a segment is not made of whole sectors");
		req->seg[i] = (struct blk_seg){
			.gref = s->gref,
			.off = (uint16_t)(s->first_sect * BLK_SECTOR),
			.len = (uint16_t)(n * BLK_SECTOR),
		};
		req->len += n * BLK_SECTOR;
	}
	return V_OK;
}

enum verdict blk_req_parse(const struct blkif_request *wire, const struct blk_lim *lim,
                           struct blk_req *req, struct blk_fault *fault)
{
	uint64_t end;

	memset(req, 0, sizeof(*req));
	req->id = wire->id;
	req->op = req_echo(wire);
	/* Operations that were not offered are answered as unknown ones are. */
	if (wire->operation != BLKIF_OP_READ && wire->operation != BLKIF_OP_WRITE &&
	    wire->operation != BLKIF_OP_FLUSH_DISKCACHE)
		return refuse(fault, BLKIF_RSP_EOPNOTSUPP,
		              "the operation was not offered");
	if (wire->nr_segments > BLK_SEGS)
		return error("more than 11 segments");
	req->nseg = wire->nr_segments;
	if (!req->nseg) /* and then the sector number says nothing */
		return wire->operation == BLKIF_OP_FLUSH_DISKCACHE ? V_OK
		                                                   : error("no segments");
	if (wire->operation != BLKIF_OP_READ && lim->ro)
		return error("a write to a read-only disk");
	if (req_segments(wire, lim, req, fault) != V_OK)
		return V_REJECT;
	if (__builtin_add_overflow(wire->sector_number, req->len / BLK_SECTOR, &end) ||
	    end > lim->sectors)
		return error("it ends behind the disk");
	if (wire->sector_number % (lim->sector_size / BLK_SECTOR))
		return error("the sector number is not a multiple of the sector size");
	req->off = wire->sector_number * BLK_SECTOR;
	return V_OK;
}
