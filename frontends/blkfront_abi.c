/* SPDX-License-Identifier: MIT */
#include "blkfront_abi.h"

#include <assert.h>
#include <string.h>

/* No layout has more than this before its segments. */
#define HEAD_MAX 32

static const struct blkfront_abi abis[] = {
	[BLKFRONT_X86_64] = {
		.key = XEN_IO_PROTO_ABI_X86_64,
		.slot = 112,
		.rsp = 16,
		.id = 8,
		.sector = 16,
		.seg = 24,
		.discard_sectors = 24,
		.indirect_handle = 24,
		.indirect_refs = 28,
	},
	[BLKFRONT_X86_32] = {
		.key = XEN_IO_PROTO_ABI_X86_32,
		.slot = 108,
		.rsp = 12,
		.id = 4,
		.sector = 12,
		.seg = 20,
		.discard_sectors = 20,
		.indirect_handle = 20,
		.indirect_refs = 24,
	},
};

const struct blkfront_abi *blkfront_abi_of(enum blkfront_protocol protocol)
{
	assert(protocol < ARRAY_SIZE(abis));
	return &abis[protocol];
}

/* x86 has the lower byte first, whatever the layout. */
static void put(uint8_t *slot, size_t at, const void *value, size_t len)
{
	assert(at + len <= BLKFRONT_SLOT_MAX);
	if (len)
		memcpy(slot + at, value, len);
}

static size_t put_indirect(const struct blkfront_abi *abi, const struct blkfront_wire *w,
                           uint8_t *slot)
{
	const size_t per_page = XEN_PAGE / sizeof(struct blkif_request_segment);
	size_t len = (w->nr_segments + per_page - 1) / per_page * sizeof(*w->refs);

	slot[0] = BLKIF_OP_INDIRECT;
	slot[1] = w->op;
	put(slot, 2, &w->nr_segments, sizeof(w->nr_segments));
	put(slot, abi->indirect_handle, &w->handle, sizeof(w->handle));
	put(slot, abi->indirect_refs, w->refs, len);
	return abi->indirect_refs + len;
}

static size_t put_direct(const struct blkfront_abi *abi, const struct blkfront_wire *w,
                         uint8_t *slot)
{
	size_t len = w->nr_segments * sizeof(*w->seg);

	assert(w->nr_segments <= BLKIF_MAX_SEGMENTS_PER_REQUEST);
	slot[0] = w->op;
	slot[1] = (uint8_t)w->nr_segments;
	put(slot, 2, &w->handle, sizeof(w->handle));
	put(slot, abi->seg, w->seg, len);
	return abi->seg + len;
}

static size_t put_discard(const struct blkfront_abi *abi, const struct blkfront_wire *w,
                          uint8_t *slot)
{
	slot[0] = w->op;
	slot[1] = w->flag;
	put(slot, 2, &w->handle, sizeof(w->handle));
	put(slot, abi->discard_sectors, &w->sectors, sizeof(w->sectors));
	return abi->discard_sectors + sizeof(w->sectors);
}

size_t blkfront_abi_request(const struct blkfront_abi *abi, const struct blkfront_wire *w,
                            uint8_t *slot)
{
	size_t len;

	/* What is neither a field nor a segment: padding. */
	memset(slot, 0, HEAD_MAX);
	put(slot, abi->id, &w->id, sizeof(w->id));
	put(slot, abi->sector, &w->sector, sizeof(w->sector));
	if (w->op == BLKIF_OP_DISCARD)
		len = put_discard(abi, w, slot);
	else if (w->refs)
		len = put_indirect(abi, w, slot);
	else
		len = put_direct(abi, w, slot);
	return len;
}
