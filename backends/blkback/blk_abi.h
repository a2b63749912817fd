/* SPDX-License-Identifier: MIT */
/*
 * What a request and a response look like on the ring, for each kind of guest: 32-bit x86
 * aligns 64-bit numbers to 4 bytes, 64-bit x86 to 8. The native layout is this host's.
 * Source: xen/io/blkif.h; every offset is pinned below.
 */
#ifndef PVB_BLK_ABI_H
#define PVB_BLK_ABI_H

#include <stdint.h>

#include "blk_conf.h"
#include "xenabi.h"

#define BLK_SEGS BLKIF_MAX_SEGMENTS_PER_REQUEST

/** struct blk_part - A segment of a request, or of an indirect page; the same for all */
struct blk_part {
	uint32_t gref;
	uint8_t first;
	uint8_t last;
	uint16_t pad;
};

/*
 * A request is one of three. The first eight bytes after the sector number say all that
 * is not in the segments: the first of them, or how many sectors to discard, or handle
 * and grant of the first indirect page.
 */
#define BLK_ABI(bits, attr)                      \
	struct blk##bits##_rw {                  \
		uint8_t op;                      \
		uint8_t nseg;                    \
		uint16_t handle;                 \
		uint64_t id;                     \
		uint64_t sector;                 \
		struct blk_part seg[BLK_SEGS];   \
	} attr;                                  \
	struct blk##bits##_discard {             \
		uint8_t op;                      \
		uint8_t flag;                    \
		uint16_t handle;                 \
		uint64_t id;                     \
		uint64_t sector;                 \
		uint64_t nsect;                  \
	} attr;                                  \
	struct blk##bits##_indirect {            \
		uint8_t op;                      \
		uint8_t inner;                   \
		uint16_t nseg;                   \
		uint64_t id;                     \
		uint64_t sector;                 \
		uint16_t handle;                 \
		uint16_t pad;                    \
		uint32_t gref[8];                \
		uint32_t pad2[(64 - bits) / 16]; \
	} attr;                                  \
	struct blk##bits##_rsp {                 \
		uint64_t id;                     \
		uint8_t op;                      \
		uint8_t pad;                     \
		int16_t status;                  \
	} attr

BLK_ABI(64, );
BLK_ABI(32, __attribute__((packed, aligned(4))));

/**
 * struct blk_abi - A layout: sizes and offsets, bytes
 * @slot:	A slot of the ring
 * @head:	As much of a request as says all that the other segments do not
 * @rsp:	A response
 * @id:		Also of requests with unknown operations
 * @tail:	First segment, or number of sectors to discard
 * @gref:	Grant of the first indirect page
 */
struct blk_abi {
	uint16_t slot;
	uint8_t head;
	uint8_t rsp;
	uint8_t id;
	uint8_t sector;
	uint8_t tail;
	uint8_t gref;
};

/* Largest of @head, and of @slot. */
#define BLK_HEAD_MAX 32U
#define BLK_WIRE_MAX 112U

/*
 * A response is its id, then a number with the operation in the lowest byte, the status
 * from this bit on, and zeros: in all layouts, as far as they are long.
 */
#define BLK_RSP_STATUS 16
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "x86");

#define BLK_ABI_ROW(bits)                                                        \
	{                                                                        \
		.slot = sizeof(struct blk##bits##_rw),                           \
		.head = offsetof(struct blk##bits##_rw, seg) + sizeof(uint64_t), \
		.rsp = sizeof(struct blk##bits##_rsp),                           \
		.id = offsetof(struct blk##bits##_rw, id),                       \
		.sector = offsetof(struct blk##bits##_rw, sector),               \
		.tail = offsetof(struct blk##bits##_rw, seg),                    \
		.gref = offsetof(struct blk##bits##_indirect, gref),             \
	}

/* By enum blk_protocol. */
static const struct blk_abi blk_abi[BLK_PROTO_N] = {
	[BLK_PROTO_NATIVE] = BLK_ABI_ROW(64),
	[BLK_PROTO_X86_64] = BLK_ABI_ROW(64),
	[BLK_PROTO_X86_32] = BLK_ABI_ROW(32),
};

/* ---- The proof ------------------------------------------------------------------- */

#define BLK_AT(s, field, off) _Static_assert(offsetof(struct s, field) == (off), #s)
#define BLK_SIZE(s, size)     _Static_assert(sizeof(struct s) == (size), #s)

/* The first three, id and sector number are in one place in all that a layout has. */
#define BLK_ABI_PIN(bits, at_id, at_sector, at_tail)       \
	BLK_AT(blk##bits##_rw, op, 0);                     \
	BLK_AT(blk##bits##_rw, nseg, 1);                   \
	BLK_AT(blk##bits##_rw, handle, 2);                 \
	BLK_AT(blk##bits##_rw, id, at_id);                 \
	BLK_AT(blk##bits##_rw, sector, at_sector);         \
	BLK_AT(blk##bits##_rw, seg, at_tail);              \
	BLK_AT(blk##bits##_discard, op, 0);                \
	BLK_AT(blk##bits##_discard, flag, 1);              \
	BLK_AT(blk##bits##_discard, id, at_id);            \
	BLK_AT(blk##bits##_discard, sector, at_sector);    \
	BLK_AT(blk##bits##_discard, nsect, at_tail);       \
	BLK_AT(blk##bits##_indirect, op, 0);               \
	BLK_AT(blk##bits##_indirect, inner, 1);            \
	BLK_AT(blk##bits##_indirect, nseg, 2);             \
	BLK_AT(blk##bits##_indirect, id, at_id);           \
	BLK_AT(blk##bits##_indirect, sector, at_sector);   \
	BLK_AT(blk##bits##_indirect, handle, at_tail);     \
	BLK_AT(blk##bits##_indirect, gref, (at_tail) + 4); \
	BLK_AT(blk##bits##_rsp, id, 0);                    \
	BLK_AT(blk##bits##_rsp, op, 8);                    \
	BLK_AT(blk##bits##_rsp, status, 10);               \
	_Static_assert((at_tail) + 8 <= BLK_HEAD_MAX, "head")

BLK_ABI_PIN(64, 8, 16, 24);
BLK_SIZE(blk64_rw, 112);
BLK_SIZE(blk64_discard, 32);
BLK_SIZE(blk64_indirect, 64);
BLK_SIZE(blk64_rsp, 16);

BLK_ABI_PIN(32, 4, 12, 20);
BLK_SIZE(blk32_rw, 108);
BLK_SIZE(blk32_discard, 28);
BLK_SIZE(blk32_indirect, 64);
BLK_SIZE(blk32_rsp, 12);

BLK_SIZE(blk_part, 8);

/* The header's own structures, compiled here, are the 64-bit ones. */
#define BLK_SAME(ours, theirs, o, t) \
	_Static_assert(offsetof(struct ours, o) == offsetof(struct theirs, t), #theirs)

BLK_SAME(blk64_rw, blkif_request, op, operation);
BLK_SAME(blk64_rw, blkif_request, nseg, nr_segments);
BLK_SAME(blk64_rw, blkif_request, handle, handle);
BLK_SAME(blk64_rw, blkif_request, id, id);
BLK_SAME(blk64_rw, blkif_request, sector, sector_number);
BLK_SAME(blk64_rw, blkif_request, seg, seg);
BLK_SAME(blk64_discard, blkif_request_discard, flag, flag);
BLK_SAME(blk64_discard, blkif_request_discard, id, id);
BLK_SAME(blk64_discard, blkif_request_discard, sector, sector_number);
BLK_SAME(blk64_discard, blkif_request_discard, nsect, nr_sectors);
BLK_SAME(blk64_indirect, blkif_request_indirect, inner, indirect_op);
BLK_SAME(blk64_indirect, blkif_request_indirect, nseg, nr_segments);
BLK_SAME(blk64_indirect, blkif_request_indirect, id, id);
BLK_SAME(blk64_indirect, blkif_request_indirect, sector, sector_number);
BLK_SAME(blk64_indirect, blkif_request_indirect, handle, handle);
BLK_SAME(blk64_indirect, blkif_request_indirect, gref, indirect_grefs);
BLK_SAME(blk64_rsp, blkif_response, id, id);
BLK_SAME(blk64_rsp, blkif_response, op, operation);
BLK_SAME(blk64_rsp, blkif_response, status, status);
BLK_SAME(blk_part, blkif_request_segment, gref, gref);
BLK_SAME(blk_part, blkif_request_segment, first, first_sect);
BLK_SAME(blk_part, blkif_request_segment, last, last_sect);
_Static_assert(sizeof(struct blk64_rw) == sizeof(union blkif_sring_entry), "a slot");
_Static_assert(sizeof(struct blk64_rsp) == sizeof(struct blkif_response), "response");

#endif
