/* SPDX-License-Identifier: MIT */
/*
 * Persistent grants: pages of the guest that stay mapped while it uses them, found by
 * their grant reference.
 *
 * A grant that is new is copied; it is mapped, many in one call, when it has proved to
 * come back or enough have gathered. When the budget is used up, what has not been used
 * for long makes room; until then the new ones go on being copied. So nothing is ever
 * mapped or unmapped for one request.
 */
#ifndef PVB_BLK_PMAP_H
#define PVB_BLK_PMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "blk_conf.h"
#include "compiler.h"
#include "gnt.h"
#include "store.h"

/* Most pages: 4.1 MiB of the guest's memory. The books take 90 KiB of ours. */
#define BLK_PMAP_MAX   BLK_PERSISTENT_MAX
/* Grants in one call; and how many gather, or come back, before there is one. */
#define BLK_PMAP_CHUNK 64U
#define BLK_PMAP_WANT  32U
#define BLK_PMAP_AGAIN 16U
/* Requests for which a page has not been used when it makes room for others. */
#define BLK_PMAP_AGE   16384U
/* Uses of grants without room before room is sought. */
#define BLK_PMAP_TRY   256U

struct blk_pmap;

/** blk_pmap_new() - @max: pages, 1 to BLK_PMAP_MAX */
int must_check blk_pmap_new(struct gnt *g, uint32_t max, struct blk_pmap **out);

/** blk_pmap_free() - Unmap everything; NULL is accepted */
void blk_pmap_free(struct blk_pmap *p);

/* Pieces of the engine's memory: the first is bounce memory, then chunks of grants. */
#define BLK_PIECE_NONE   0U
#define BLK_PIECE_BOUNCE 1U
#define BLK_PIECE_CHUNKS 2U

/**
 * blk_pmap_find() - Address of a grant's page, writable
 * @now:	Number of the request that uses it, free-running
 * @piece:	The engine's piece that it is in, or BLK_PIECE_NONE
 *
 * Return: NULL when it is not mapped, now or ever: copy. It is remembered as wanted.
 */
void *blk_pmap_find(struct blk_pmap *p, uint32_t gref, uint32_t now, uint32_t *piece);

/** blk_pmap_due() - Time for blk_pmap_fill() */
bool blk_pmap_due(const struct blk_pmap *p);

/**
 * blk_pmap_fill() - Map what is wanted, making room if need be, and tell the engine
 * @s:		It
 * @oldest:	Number of the oldest request that may still use what it has found
 * @unmapped:	Pages unmapped
 *
 * A grant that cannot be mapped is remembered as such, and not tried again before it has
 * been forgotten like one that is not used: the calls that a guest can make fail are few.
 *
 * Return: pages mapped.
 */
uint32_t blk_pmap_fill(struct blk_pmap *p, struct store *s, uint32_t oldest,
                       uint32_t *unmapped);

#endif
