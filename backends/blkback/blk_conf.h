/* SPDX-License-Identifier: MIT */
/*
 * What blkback's supervisor half tells its worker half: the blob of CONNECT, together
 * with descriptors: of the image, one for each ring, then BLK_FDS more. Data only: no
 * pointers, no padding.
 */
#ifndef PVB_BLK_CONF_H
#define PVB_BLK_CONF_H

#include <stdint.h>

/* The disk. */
#define BLK_RO         0x1U  /* mode r: the descriptor is O_RDONLY as well */
#define BLK_DIRECT     0x2U  /* the descriptor is O_DIRECT */
#define BLK_DISCARD    0x10U /* feature-discard was offered */
#define BLK_SECURE     0x20U /* and discard-secure */
/* The guest. */
#define BLK_PERSISTENT 0x4U /* the frontend offered feature-persistent */
/*
 * An orderly stop left the ring with every request answered: go on at its own rsp_prod
 * instead of 0.
 */
#define BLK_RESUME     0x8U
/* The engine; neither is the best one that can be had. */
#define BLK_URING      0x40U
#define BLK_THREADS    0x80U
/* What fails because storage is full; because it is away: is kept and tried again. */
#define BLK_HOLD_SPACE 0x200U
#define BLK_HOLD_ERROR 0x400U
/* A worker has served the rings until it died: go on where the journal says it was. */
#define BLK_RECOVER    0x100U

/* After the images. */
enum {
	BLK_FD_JOURNAL,    /* memfd with the journals of all rings, one after the other */
	BLK_FD_FENCE_LOOK, /* the fence's file, for a supervisor that comes later */
	BLK_FD_FENCE, /* the same, locked: to be kept open for as long as I/O may last */
	BLK_FDS
};

/* Requests that a page of ring holds. */
#define BLK_RING_SLOTS     32U
/* Most that a guest can have: rings of a disk, and pages of each (order 4). */
#define BLK_QUEUES_MAX     8U
#define BLK_RING_ORDER_MAX 4U
#define BLK_RING_PAGES_MAX (1U << BLK_RING_ORDER_MAX)
/* Most segments of an indirect request. */
#define BLK_INDIRECT_MAX   256U
/*
 * Most persistent grants of a ring: what Linux's blkfront uses at most, 32 requests of 32
 * segments and the page that lists them.
 */
#define BLK_PERSISTENT_MAX (32U * (32U + 1U))

/** enum blk_protocol - Layout of the rings, as xen/io/protocols.h names it */
enum blk_protocol {
	BLK_PROTO_NATIVE, /* as this host lays its structures out */
	BLK_PROTO_X86_64, /* "x86_64-abi" */
	BLK_PROTO_X86_32, /* "x86_32-abi" */
	BLK_PROTO_N
};

/**
 * struct blk_conf_queue - A ring
 * @evtchn:	Port of the guest to bind to
 * @ref:	Grants of its pages
 */
struct blk_conf_queue {
	uint32_t evtchn;
	uint32_t ref[BLK_RING_PAGES_MAX];
};

/**
 * struct blk_conf - A disk and the rings of the guest it is for
 * @sectors:		Capacity in 512-byte units
 * @sector_size:	Unit the guest addresses, bytes: 512 or 4096
 * @align:		What the descriptor needs of offset, length and memory, bytes: 1,
 *		or the logical block size with BLK_DIRECT
 * @flags:		BLK_*
 * @protocol:		enum blk_protocol
 * @nqueues:		1 to BLK_QUEUES_MAX; there is a descriptor of the image for each
 * @ring_pages:		Of each ring: a power of two up to BLK_RING_PAGES_MAX
 * @persistent:		Most persistent grants to keep mapped, for each ring
 */
struct blk_conf {
	uint64_t sectors;
	uint32_t sector_size;
	uint32_t align;
	uint32_t flags;
	uint32_t protocol;
	uint32_t nqueues;
	uint32_t ring_pages;
	uint32_t persistent;
	uint32_t pad;
	struct blk_conf_queue queue[BLK_QUEUES_MAX];
};

/**
 * struct blk_update - Blob of UPDATE
 * @sectors:	Capacity, not less than before
 * @resume:	Not the number before: try again what is kept
 */
struct blk_update {
	uint64_t sectors;
	uint32_t resume;
	uint32_t pad;
};

_Static_assert(sizeof(struct blk_update) == 16, "no padding on the socket");
_Static_assert(sizeof(struct blk_conf) ==
                       40 + BLK_QUEUES_MAX * 4 * (1 + BLK_RING_PAGES_MAX),
               "no padding on the socket");

#endif
