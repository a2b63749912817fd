/* SPDX-License-Identifier: MIT */
/*
 * The layouts that a block ring may have. A guest's word size decides where the fields of
 * a request are: i386 aligns 64-bit numbers to 4 bytes, x86_64 to 8. This is written from
 * xen/io/blkif.h as a table of offsets, apart from what the backend has, so that each is
 * a test of the other.
 */
#ifndef PVB_BLKFRONT_ABI_H
#define PVB_BLKFRONT_ABI_H

#include <stdint.h>

#include "compiler.h"
#include "xenabi.h"

enum blkfront_protocol {
	BLKFRONT_X86_64, /* the native one of this program */
	BLKFRONT_X86_32,
};

/* The largest request of any layout, bytes. */
#define BLKFRONT_SLOT_MAX 112U
/* Bytes of a slot that a response of any layout covers. */
#define BLKFRONT_RSP_MAX  16U

/**
 * struct blkfront_abi - Where things are in a slot, bytes
 * @key:	What the protocol key says
 * @slot:	Distance of two slots
 * @rsp:	Size of a response
 * @id:		In requests of every kind; a response has it at 0
 * @sector:	In requests of every kind
 * @seg:	Segments of a direct request
 * @discard_sectors: How many sectors a discard covers
 * @indirect_handle: Where an indirect request has the handle
 * @indirect_refs: Grants of its pages of segments
 */
struct blkfront_abi {
	const char *key;
	uint8_t slot;
	uint8_t rsp;
	uint8_t id;
	uint8_t sector;
	uint8_t seg;
	uint8_t discard_sectors;
	uint8_t indirect_handle;
	uint8_t indirect_refs;
};

/**
 * struct blkfront_wire - A request, before it is laid out
 * @op:		BLKIF_OP_*; of an indirect request the inner one
 * @flag:	BLKIF_DISCARD_SECURE or 0
 * @sectors:	Of a discard
 * @nr_segments: Of all others
 * @seg:	The segments, or NULL: they are in pages of their own, and it is indirect
 * @refs:	Grants of these pages
 */
struct blkfront_wire {
	uint8_t op;
	uint8_t flag;
	uint16_t handle;
	uint16_t nr_segments;
	uint64_t id;
	uint64_t sector;
	uint64_t sectors;
	const struct blkif_request_segment *seg;
	const uint32_t *refs;
};

/** blkfront_abi_of() - The layout of a protocol */
const struct blkfront_abi *blkfront_abi_of(enum blkfront_protocol protocol);

/**
 * blkfront_abi_request() - Lay a request out
 * @slot:	BLKFRONT_SLOT_MAX bytes
 *
 * Return: how many of them mean something.
 */
size_t blkfront_abi_request(const struct blkfront_abi *abi, const struct blkfront_wire *w,
                            uint8_t *slot);

#endif
