/* SPDX-License-Identifier: MIT */
#include "blk_pmap.h"

#include <errno.h>
#include <stdbool.h>

#include "xenabi.h"

/* Open addressing, never more than a third full, nothing is ever removed. */
#define PMAP_BITS  10
#define PMAP_SLOTS (1U << PMAP_BITS)
_Static_assert(PMAP_SLOTS >= 2 * BLK_PMAP_MAX, "probe sequences stay short");

struct pmap_slot {
	void *page;
	uint32_t gref;
	bool used;
};

/* One gnt_map(): undone as it was done. */
struct pmap_chunk {
	void *addr;
	uint32_t n;
};

struct blk_pmap {
	struct gnt *g;
	uint32_t used;
	uint32_t nwant;
	uint32_t nchunk;
	uint32_t want[BLK_PMAP_MAX];
	struct pmap_chunk chunk[BLK_PMAP_MAX];
	struct pmap_slot slot[PMAP_SLOTS];
};

int blk_pmap_new(struct gnt *g, struct blk_pmap **out)
{
	struct blk_pmap *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->g = g;
	*out = p;
	return 0;
}

void blk_pmap_free(struct blk_pmap *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; i < p->nchunk; i++)
		gnt_unmap(p->g, p->chunk[i].addr, p->chunk[i].n);
	free(p);
}

/* The slot of @gref, or the free one where it would be. */
static uint32_t pmap_probe(const struct blk_pmap *p, uint32_t gref)
{
	uint32_t i = gref * 2654435769U >> (32 - PMAP_BITS);

	while (p->slot[i].used && p->slot[i].gref != gref)
		i = (i + 1) % PMAP_SLOTS;
	return i;
}

void blk_pmap_want(struct blk_pmap *p, uint32_t gref)
{
	uint32_t i = pmap_probe(p, gref);

	if (p->slot[i].used || p->used == BLK_PMAP_MAX)
		return;
	p->slot[i] = (struct pmap_slot){ .gref = gref, .used = true };
	p->used++;
	p->want[p->nwant++] = gref;
}

static bool pmap_map(struct blk_pmap *p, uint32_t first, uint32_t n)
{
	void *addr;

	/* Writable, as the same page may be read into next; the guest knows. */
	if (gnt_map(p->g, p->want + first, n, true, &addr))
		return false;
	p->chunk[p->nchunk++] = (struct pmap_chunk){ addr, n };
	for (uint32_t i = 0; i < n; i++)
		p->slot[pmap_probe(p, p->want[first + i])].page =
			(char *)addr + (size_t)i * XEN_PAGE;
	return true;
}

uint32_t blk_pmap_fill(struct blk_pmap *p)
{
	uint32_t n = p->nwant, mapped = 0;

	p->nwant = 0;
	if (!n)
		return 0;
	if (pmap_map(p, 0, n))
		return n;
	for (uint32_t i = 0; n > 1 && i < n; i++)
		mapped += pmap_map(p, i, 1);
	return mapped;
}

void *blk_pmap_find(const struct blk_pmap *p, uint32_t gref)
{
	return p->slot[pmap_probe(p, gref)].page;
}
