/* SPDX-License-Identifier: MIT */
#include "blk_pmap.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "xenabi.h"

int blk_pmap_new(struct gnt *g, uint32_t max, struct blk_pmap **out)
{
	struct blk_pmap *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	assert(max && max <= BLK_PMAP_MAX);
	p->g = g;
	p->max = max;
	*out = p;
	return 0;
}

void blk_pmap_free(struct blk_pmap *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; i < p->max; i++)
		if (p->chunk[i].addr)
			gnt_unmap(p->g, p->chunk[i].addr, p->chunk[i].n);
	free(p);
}

/* The slot of @gref, or the free one where it would be. */
static struct blk_pmap_slot *pmap_probe(struct blk_pmap *p, uint32_t gref)
{
	uint32_t i = blk_pmap_home(gref);

	while (p->slot[i].state != PMAP_FREE && p->slot[i].gref != gref)
		i = (i + 1) % BLK_PMAP_SLOTS;
	return &p->slot[i];
}

/* Not there, or there and of no use. */
static void pmap_miss(struct blk_pmap *p, struct blk_pmap_slot *s, uint32_t gref)
{
	if (s->state == PMAP_WANTED) {
		p->again++;
	} else if (s->state == PMAP_FREE && p->used == p->max) {
		p->missed++;
	} else if (s->state == PMAP_FREE) {
		*s = (struct blk_pmap_slot){ .gref = gref, .state = PMAP_WANTED };
		p->used++;
		p->want[p->nwant++] = gref;
	}
}

const struct blk_pmap_slot *blk_pmap_search(struct blk_pmap *p, uint32_t gref, bool want)
{
	struct blk_pmap_slot *s = pmap_probe(p, gref);

	if (!s->page) {
		if (want)
			pmap_miss(p, s, gref);
		return NULL;
	}
	p->chunk[s->chunk].used = p->now;
	return s;
}

static uint16_t pmap_chunk(struct blk_pmap *p)
{
	uint32_t i = 0;

	/* Each chunk in use has a slot of its own at least. */
	while (p->chunk[i].n)
		i++;
	return (uint16_t)i;
}

/* There are more chunks than pieces; the first ones have one. */
static uint8_t pmap_piece(uint32_t chunk)
{
	return (uint8_t)(chunk + BLK_PIECE_CHUNKS > STORE_PIECES
	                         ? BLK_PIECE_NONE
	                         : chunk + BLK_PIECE_CHUNKS);
}

static void pmap_tell(struct store *s, uint32_t chunk, void *addr, uint32_t pages)
{
	if (pmap_piece(chunk) != BLK_PIECE_NONE)
		store_memory(s, pmap_piece(chunk), addr, (size_t)pages * XEN_PAGE);
}

static bool pmap_map(struct blk_pmap *p, struct store *s, const uint32_t *refs,
                     uint32_t n)
{
	uint16_t c = pmap_chunk(p);
	void *addr;

	/* Writable, as the same page may be read into next; the guest knows. */
	if (gnt_map(p->g, refs, n, true, &addr))
		return false;
	p->chunk[c] = (struct blk_pmap_chunk){ addr, n, p->now };
	pmap_tell(s, c, addr, n);
	for (uint32_t i = 0; i < n; i++) {
		struct blk_pmap_slot *slot = pmap_probe(p, refs[i]);

		slot->page = (char *)addr + (size_t)i * XEN_PAGE;
		slot->chunk = c;
		slot->piece = pmap_piece(c);
		slot->state = PMAP_MAPPED;
	}
	return true;
}

static void pmap_bad(struct blk_pmap *p, uint32_t gref)
{
	struct blk_pmap_slot *s = pmap_probe(p, gref);

	s->chunk = pmap_chunk(p);
	s->state = PMAP_BAD;
	p->chunk[s->chunk] = (struct blk_pmap_chunk){ NULL, 1, p->now };
}

static uint32_t pmap_map_some(struct blk_pmap *p, struct store *s, const uint32_t *refs,
                              uint32_t n)
{
	uint32_t mapped = 0;

	if (pmap_map(p, s, refs, n))
		return n;
	for (uint32_t i = 0; i < n; i++)
		if (n > 1 && pmap_map(p, s, &refs[i], 1))
			mapped++;
		else
			pmap_bad(p, refs[i]);
	return mapped;
}

/* Close the gap: entries that were pushed behind slot @i move up. */
static void pmap_delete(struct blk_pmap *p, uint32_t i)
{
	uint32_t j = i;

	for (;;) {
		uint32_t home;

		p->slot[i] = (struct blk_pmap_slot){ 0 };
		do {
			j = (j + 1) % BLK_PMAP_SLOTS;
			if (p->slot[j].state == PMAP_FREE)
				return;
			home = blk_pmap_home(p->slot[j].gref);
			/* It stays if its home is behind the gap. */
		} while ((j - home) % BLK_PMAP_SLOTS < (j - i) % BLK_PMAP_SLOTS);
		p->slot[i] = p->slot[j];
		i = j;
	}
}

/* The chunk that has not been used for longest, if nothing in flight can use it. */
static int pmap_oldest(const struct blk_pmap *p, uint32_t oldest)
{
	uint32_t age = BLK_PMAP_AGE - 1;
	int found = -1;

	for (uint32_t i = 0; i < p->max; i++) {
		const struct blk_pmap_chunk *c = &p->chunk[i];

		if (c->n && p->now - c->used > age && (int32_t)(c->used - oldest) < 0) {
			age = p->now - c->used;
			found = (int)i;
		}
	}
	return found;
}

/* Return: pages unmapped. */
static uint32_t pmap_make_room(struct blk_pmap *p, struct store *s, uint32_t oldest)
{
	int victim = pmap_oldest(p, oldest);
	struct blk_pmap_chunk c;

	if (victim < 0)
		return 0;
	c = p->chunk[victim];
	for (uint32_t i = 0; i < BLK_PMAP_SLOTS; i++)
		while (p->slot[i].state > PMAP_WANTED && p->slot[i].chunk == victim)
			pmap_delete(p, i);
	p->chunk[victim] = (struct blk_pmap_chunk){ 0 };
	p->used -= c.n;
	if (!c.addr)
		return 0;
	pmap_tell(s, (uint32_t)victim, NULL, 0);
	gnt_unmap(p->g, c.addr, c.n);
	return c.n;
}

uint32_t blk_pmap_fill(struct blk_pmap *p, struct store *s, uint32_t oldest,
                       uint32_t *unmapped)
{
	uint32_t mapped = 0;

	*unmapped = p->missed >= BLK_PMAP_TRY ? pmap_make_room(p, s, oldest) : 0;
	for (uint32_t i = 0; i < p->nwant; i += BLK_PMAP_CHUNK) {
		uint32_t n = p->nwant - i;

		mapped += pmap_map_some(p, s, p->want + i,
		                        n < BLK_PMAP_CHUNK ? n : BLK_PMAP_CHUNK);
	}
	p->nwant = p->again = p->missed = 0;
	return mapped;
}
