/* SPDX-License-Identifier: MIT */
/*
 * What blkback's supervisor half tells its worker half: the blob of CONNECT, together
 * with descriptor 0, the image. Data only: no pointers, no padding.
 */
#ifndef PVB_BLK_CONF_H
#define PVB_BLK_CONF_H

#include <stdint.h>

/* The disk. */
#define BLK_RO         0x1U /* mode r: the descriptor is O_RDONLY as well */
#define BLK_DIRECT     0x2U /* the descriptor is O_DIRECT */
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

/**
 * struct blk_conf - A disk and the ring of the guest it is for
 * @sectors:		Capacity in 512-byte units
 * @sector_size:	Unit the guest addresses, bytes: 512 or 4096
 * @align:		What the descriptor needs of offset, length and memory, bytes: 1,
 *or the logical block size with BLK_DIRECT
 * @flags:		BLK_*
 * @ring_ref:		Grant of the one ring page
 * @evtchn:		Port of the guest to bind to
 */
struct blk_conf {
	uint64_t sectors;
	uint32_t sector_size;
	uint32_t align;
	uint32_t flags;
	uint32_t ring_ref;
	uint32_t evtchn;
	uint32_t pad;
};

_Static_assert(sizeof(struct blk_conf) == 32, "no padding on the socket");

#endif
