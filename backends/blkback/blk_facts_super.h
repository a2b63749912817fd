/* SPDX-License-Identifier: MIT */
/* What an administrator is told about a vbd. */
#ifndef PVB_BLK_FACTS_SUPER_H
#define PVB_BLK_FACTS_SUPER_H

#include "backend.h"

extern const struct bdev_stats blk_bdev_stats;

/* Operations of struct super_backend. */
void blk_name(uint32_t devid, char name[BDEV_NAME_MAX]);
void blk_describe(const struct bdev *d, const struct bdev_conf *conf,
                  struct bdev_facts *f);

#endif
