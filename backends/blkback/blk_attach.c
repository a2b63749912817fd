/* SPDX-License-Identifier: MIT */
/* A ring's memory, and where the ring is taken up: at its beginning, or where it was
 * left. */
#include "blk_ring.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

size_t blk_ring_journal_size(uint32_t pages)
{
	return blk_journal_size(BLK_DEPTH * pages, BLK_WIRE_MAX);
}

/* Where the ring is gone on with, and with what. */
static int ring_attach(struct blk_ring *r, const struct blk_ring_conf *c, char *text,
                       size_t size)
{
	int rc;

	/* A worker that died before it came to this ring took nothing from it. */
	if (!c->recover || !blk_journal_made(c->journal))
		blk_journal_make(c->journal, r->ring.size, BLK_WIRE_MAX);
	rc = blk_journal_open(&r->journal, c->journal, blk_ring_journal_size(c->pages),
	                      r->ring.size, BLK_WIRE_MAX, text, size);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < r->ring.size; i++)
		r->io[i].journal = blk_journal_rec(&r->journal, i);
	if (blk_journal_started(&r->journal))
		return blk_recover(r, text, size);
	if (c->resume && ring_resume(&r->ring) != V_OK) {
		snprintf(text, size, "the ring's indices cannot be");
		return -EPROTO;
	}
	blk_journal_start(&r->journal, r->ring.rsp_prod);
	return 0;
}

static int ring_memory(struct blk_ring *r, const struct blk_ring_conf *c)
{
	int rc;

	blk_pool_init(&r->pages, BLK_BOUNCE_PAGES);
	blk_pool_init(&r->big, BLK_BIG_UNITS);
	r->fixed = c->fixed;
	r->io = calloc(r->ring.size, sizeof(r->io[0]));
	r->seg = calloc((size_t)BLK_BIG_UNITS * BLK_BIG_SEGS, sizeof(r->seg[0]));
	r->iov = calloc((size_t)BLK_BIG_UNITS * BLK_BIG_SEGS, sizeof(r->iov[0]));
	if (!r->io || !r->seg || !r->iov)
		return -ENOMEM;
	for (uint32_t i = 0; i < r->ring.size; i++) {
		r->io[i].vec = r->io[i].iov;
		r->io[i].room = BLK_SEGS;
	}
	r->bounce = mmap(NULL, BLK_BOUNCE_PAGES * (size_t)XEN_PAGE,
	                 PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (r->bounce == MAP_FAILED) {
		r->bounce = NULL;
		return -errno;
	}
	rc = gnt_batch_new(c->gnt, r->ring.size * BLK_SEGS + BLK_BIG_UNITS * BLK_BIG_SEGS,
	                   &r->batch);
	if (!rc && c->persistent)
		rc = blk_pmap_new(c->gnt, c->persistent, &r->pmap);
	return rc;
}

int blk_ring_open(struct blk_ring *r, const struct blk_ring_conf *c, char *text,
                  size_t text_size)
{
	int rc;

	r->abi = &blk_abi[c->protocol];
	blk_chain_reset(&r->chain);
	ring_init(&r->ring, c->page, (size_t)c->pages * XEN_PAGE, r->abi->slot);
	assert(r->ring.size == BLK_DEPTH * c->pages);
	rc = ring_memory(r, c);
	if (rc) {
		snprintf(text, text_size, "no memory for the ring: %s", strerror(-rc));
		return rc;
	}
	rc = ring_attach(r, c, text, text_size);
	if (rc)
		return rc;
	for (uint32_t i = 0, index = r->ring.req_cons; i < r->ring.size; i++)
		if (r->io[i].state == BLK_FREE)
			*blk_at(r, index++) = &r->io[i];
	return 0;
}

void blk_ring_close(struct blk_ring *r)
{
	blk_pmap_free(r->pmap);
	gnt_batch_free(r->batch);
	if (r->bounce)
		munmap(r->bounce, BLK_BOUNCE_PAGES * (size_t)XEN_PAGE);
	free(r->iov);
	free(r->seg);
	free(r->io);
	free(r->left);
}
