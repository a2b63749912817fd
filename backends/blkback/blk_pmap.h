/* SPDX-License-Identifier: MIT */
/*
 * Persistent grants: pages of the guest that stay mapped until it disconnects, found by
 * their grant reference.
 */
#ifndef PVB_BLK_PMAP_H
#define PVB_BLK_PMAP_H

#include <stdint.h>

#include "blk_req.h"
#include "compiler.h"
#include "gnt.h"

/*
 * The guest's right to mapped pages, per ring: what 32 requests of 11 segments can use at
 * once, and so all that a frontend that recycles its grants ever shows. 1.4 MiB.
 */
#define BLK_PMAP_MAX (32U * BLK_SEGS)

struct blk_pmap;

int must_check blk_pmap_new(struct gnt *g, struct blk_pmap **out);

/** blk_pmap_free() - Unmap everything; NULL is accepted */
void blk_pmap_free(struct blk_pmap *p);

/** blk_pmap_want() - Have @gref mapped by the next blk_pmap_fill(), if it is not yet */
void blk_pmap_want(struct blk_pmap *p, uint32_t gref);

/**
 * blk_pmap_fill() - Map what is wanted, in one call where every grant is good
 *
 * A grant that cannot be mapped is remembered as such and not tried again, so the calls
 * that a guest can make fail are bounded by BLK_PMAP_MAX.
 *
 * Return: pages mapped.
 */
uint32_t blk_pmap_fill(struct blk_pmap *p);

/**
 * blk_pmap_find() - Address of a grant's page, writable
 *
 * Return: NULL when it is not mapped: its budget is used up, or it could not be. It can
 * still be copied.
 */
void *blk_pmap_find(const struct blk_pmap *p, uint32_t gref);

#endif
