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

enum blk_pmap_state {
	PMAP_FREE,
	PMAP_WANTED,
	PMAP_MAPPED,
	PMAP_BAD, /* cannot be mapped */
};

/**
 * struct blk_pmap_slot - A grant
 * @page:	NULL unless it is mapped
 * @piece:	The engine's piece that it is in, or BLK_PIECE_NONE
 */
struct blk_pmap_slot {
	void *page;
	uint32_t gref;
	uint16_t chunk;
	uint8_t piece;
	uint8_t state;
};

_Static_assert(STORE_PIECES <= UINT8_MAX, "piece");

/**
 * struct blk_pmap_chunk - One gnt_map(): undone as it was done; or one grant that was bad
 * @addr:	NULL: bad
 * @n:		Grants; 0: not in use
 * @used:	Number of the last request that used any of them, or of a later one
 */
struct blk_pmap_chunk {
	char *addr;
	uint32_t n;
	uint32_t used;
};

/* Open addressing; half full at most. */
#define BLK_PMAP_BITS  12U
#define BLK_PMAP_SLOTS (1U << BLK_PMAP_BITS)
_Static_assert(BLK_PMAP_SLOTS >= 2 * BLK_PMAP_MAX, "probe sequences stay short");

/**
 * struct blk_pmap - @used slots of @max are not free
 * @again:	Uses of grants that are wanted, since the last fill
 * @missed:	Uses of grants for which there was no slot
 * @now:	Number of the latest request
 */
struct blk_pmap {
	struct gnt *g;
	uint32_t max;
	uint32_t used;
	uint32_t nwant;
	uint32_t again;
	uint32_t missed;
	uint32_t now;
	uint32_t want[BLK_PMAP_MAX];
	struct blk_pmap_chunk chunk[BLK_PMAP_MAX];
	struct blk_pmap_slot slot[BLK_PMAP_SLOTS];
};

/** blk_pmap_new() - @max: pages, 1 to BLK_PMAP_MAX */
int must_check blk_pmap_new(struct gnt *g, uint32_t max, struct blk_pmap **out);

/** blk_pmap_free() - Unmap everything; NULL is accepted */
void blk_pmap_free(struct blk_pmap *p);

/* Pieces of the engine's memory: the first is bounce memory, then chunks of grants. */
#define BLK_PIECE_NONE   0U
#define BLK_PIECE_BOUNCE 1U
#define BLK_PIECE_CHUNKS 2U

/**
 * blk_pmap_now() - Requests up to number @now, free-running, find pages from here on
 *
 * Numbers only grow; requests with smaller ones may still come to it.
 */
static inline void blk_pmap_now(struct blk_pmap *p, uint32_t now)
{
	p->now = now;
}

static inline uint32_t blk_pmap_home(uint32_t gref)
{
	return gref * 2654435769U >> (32 - BLK_PMAP_BITS);
}

/* Not where it would be at first, or not mapped. */
const struct blk_pmap_slot *blk_pmap_search(struct blk_pmap *p, uint32_t gref, bool want);

static inline const struct blk_pmap_slot *blk_pmap_look(struct blk_pmap *p, uint32_t gref,
                                                        bool want)
{
	const struct blk_pmap_slot *s = &p->slot[blk_pmap_home(gref)];

	if (s->gref != gref || !s->page)
		return blk_pmap_search(p, gref, want);
	p->chunk[s->chunk].used = p->now;
	return s;
}

/**
 * blk_pmap_find() - A grant, its page writable
 *
 * Return: NULL when it is not mapped, now or ever: copy. It is remembered as wanted.
 */
static inline const struct blk_pmap_slot *blk_pmap_find(struct blk_pmap *p, uint32_t gref)
{
	return blk_pmap_look(p, gref, true);
}

/** blk_pmap_peek() - The same, but it is not remembered */
static inline const struct blk_pmap_slot *blk_pmap_peek(struct blk_pmap *p, uint32_t gref)
{
	return blk_pmap_look(p, gref, false);
}

/** blk_pmap_due() - Time for blk_pmap_fill() */
static inline bool blk_pmap_due(const struct blk_pmap *p)
{
	return p->nwant >= BLK_PMAP_WANT || p->again >= BLK_PMAP_AGAIN ||
	       p->missed >= BLK_PMAP_TRY;
}

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
