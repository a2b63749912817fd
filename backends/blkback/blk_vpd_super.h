/* SPDX-License-Identifier: MIT */
/*
 * What a disk says that it is: SCSI vital product data, as a frontend for Windows wants
 * it in XenStore, below sm-data/scsi/0x12. Without it each disk of a guest has the same
 * serial number.
 */
#ifndef PVB_BLK_VPD_SUPER_H
#define PVB_BLK_VPD_SUPER_H

#include "backend.h"
#include "compiler.h"

/* A page in base64, and its NUL. */
#define BLK_VPD_MAX 64

/** struct blk_vpd - Pages 0x80, serial number, and 0x83, identification, in base64 */
struct blk_vpd {
	char serial[BLK_VPD_MAX];
	char id[BLK_VPD_MAX];
};

/**
 * blk_vpd_make() - Of an image; pure
 * @image:	As the toolstack names it: the same name, the same number, on every host
 *		and after every start
 */
void blk_vpd_make(const char *image, struct blk_vpd *v);

/** blk_vpd_offer() - Write them, unless the toolstack has written its own */
int must_check blk_vpd_offer(struct bdev *d, xst_t t, const char *image);

#endif
