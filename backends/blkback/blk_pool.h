/* SPDX-License-Identifier: MIT */
/*
 * Runs of consecutive units out of a few hundred; which memory they stand for is the
 * user's matter. Lowest first, so that what is used stays in few pages. Pure.
 */
#ifndef PVB_BLK_POOL_H
#define PVB_BLK_POOL_H

#include <stdint.h>

#include "compiler.h"

#define BLK_POOL_MAX  512U
#define BLK_POOL_NONE UINT16_MAX

/**
 * struct blk_pool - @n units
 * @free:	A bit for each
 */
struct blk_pool {
	uint32_t n;
	uint64_t free[BLK_POOL_MAX / 64];
};

/** blk_pool_init() - All @n units are free; up to BLK_POOL_MAX */
void blk_pool_init(struct blk_pool *p, uint32_t n);

/** blk_pool_take() - First of @n consecutive units, or BLK_POOL_NONE */
uint16_t must_check blk_pool_take(struct blk_pool *p, uint32_t n);

/** blk_pool_put() - Give back what was taken, or a part of it */
void blk_pool_put(struct blk_pool *p, uint32_t first, uint32_t n);

#endif
