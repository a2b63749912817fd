/* SPDX-License-Identifier: MIT */
/*
 * The short way, for what is most frequent: reads and writes of one whole page that is
 * mapped. Request, I/O and response are done in as few steps as there can be; what is not
 * needed for that is neither written nor read. Who leaves it (blk_short_leave()) has the
 * rest filled in, from the journal.
 *
 * The compiler makes a loop for each layout, so that all offsets are constants.
 */
#include "blk_ring.h"

#include <assert.h>
#include <string.h>

/*
 * Word by word through registers: from the ring, where each is read once, to the journal.
 * Only then it is judged.
 */
static forced_inline struct blk_short_head blk_short_read(const void *slot, uint8_t *wire,
                                                          const struct blk_abi *abi)
{
	struct blk_short_head h = { .word = ring_load32(slot, 0),
		                    .id = ring_load64(slot, abi->id),
		                    .sector = ring_load64(slot, abi->sector),
		                    .part = ring_load64(slot, abi->tail) };

	memcpy(wire, &h.word, sizeof(h.word));
	memcpy(wire + abi->id, &h.id, sizeof(h.id));
	memcpy(wire + abi->sector, &h.sector, sizeof(h.sector));
	memcpy(wire + abi->tail, &h.part, sizeof(h.part));
	return h;
}

/* Its page is @s. */
static forced_inline void blk_short_go(struct blk_ring *r, struct blk_io *io,
                                       const struct blk_short_head *h,
                                       const struct blk_pmap_slot *s, uint64_t now)
{
	uint64_t off = h->sector * BLK_SECTOR;

	io->iov[0] = (struct iovec){ s->page, XEN_PAGE };
	io->io.op = (enum store_op)(h->word & 1);
	io->io.off = off;
	io->io.iov = io->iov;
	io->io.niov = 1;
	io->io.piece = s->piece;
	io->taken = now;
	io->state = BLK_SHORT;
	if (r->chain.end == off)
		blk_chain_merge(r, io);
	else
		blk_chain_add(&r->chain, io, off + XEN_PAGE);
}

static forced_inline void blk_short_take_as(struct blk_ring *r, const struct blk_abi *abi,
                                            uint32_t n)
{
	const struct blk_short_lim lim = blk_short_lim(&r->lim);
	const struct ring_back ring = r->ring;
	uint32_t index = ring.req_cons;
	struct blk_pmap *pmap = r->pmap;
	uint64_t now = r->now;

	for (; n; n--, index++) {
		struct blk_io *io = r->order[index & (ring.size - 1)];
		struct blk_short_head h = blk_short_read(
			ring_slot_of(&ring, index, abi->slot), io->journal->req, abi);
		const struct blk_pmap_slot *s;

		if (blk_short_req(&lim, &h) &&
		    (s = blk_pmap_peek(pmap, (uint32_t)h.part))) {
			blk_journal_take(io->journal, index);
			blk_short_go(r, io, &h, s, now);
			continue;
		}
		r->ring.req_cons = index;
		blk_take_head(r, io);
		if (!r->held)
			continue;
		return;
	}
	r->ring.req_cons = index;
}

void blk_short_take(struct blk_ring *r, uint32_t n)
{
	if (r->abi->slot == blk_abi[BLK_PROTO_X86_32].slot)
		blk_short_take_as(r, &blk_abi[BLK_PROTO_X86_32], n);
	else
		blk_short_take_as(r, &blk_abi[BLK_PROTO_X86_64], n);
}

/* ---- And back -------------------------------------------------------------------- */

static void blk_short_count(struct blk_ring *r, enum store_op op, uint64_t taken,
                            uint64_t n)
{
	if (!n)
		return;
	blk_count(r, (uint8_t)op, r->now - taken, n, n * XEN_PAGE);
	blk_count_io(r, r->now - taken, n);
}

static forced_inline struct store_io *
blk_short_done_as(struct blk_ring *r, const struct blk_abi *abi, struct store_io *done)
{
	const struct ring_back ring = r->ring;
	uint32_t index = ring.rsp_prod;
	enum store_op op = STORE_READ;
	uint64_t taken = 0, n = 0;

	for (; done; done = done->next, index++, n++) {
		struct blk_io *io = container_of(done, struct blk_io, io);
		void *slot = ring_slot_of(&ring, index, abi->slot);
		uint64_t id;

		if (io->state != BLK_SHORT || done->err)
			break;
		blk_point(complete, io->journal->req);
		if (io->taken != taken || done->op != op) {
			blk_short_count(r, op, taken, n);
			n = 0;
			taken = io->taken;
			op = done->op;
		}
		memcpy(&id, io->journal->req + abi->id, sizeof(id));
		/* With OKAY, which is 0, and the padding's zeros (XSA-216). */
		ring_store64(slot, 0, id);
		if (abi->rsp == sizeof(struct blk64_rsp))
			ring_store64(slot, sizeof(id), op);
		else
			ring_store32(slot, sizeof(id), op);
		r->order[index & (ring.size - 1)] = io;
		blk_journal_answer(io->journal, index, BLKIF_RSP_OKAY);
		io->state = BLK_FREE;
	}
	blk_short_count(r, op, taken, n);
	r->ring.rsp_prod = index;
	assert(ring.req_cons - index <= ring.size);
	return done;
}

struct store_io *blk_short_done(struct blk_ring *r, struct store_io *done)
{
	if (r->abi->slot == blk_abi[BLK_PROTO_X86_32].slot)
		return blk_short_done_as(r, &blk_abi[BLK_PROTO_X86_32], done);
	return blk_short_done_as(r, &blk_abi[BLK_PROTO_X86_64], done);
}

void blk_short_leave(struct blk_ring *r, struct blk_io *io)
{
	const uint8_t *wire = io->journal->req;
	struct blk_req *req = &io->req;
	uint64_t sector;

	assert(io->state == BLK_SHORT);
	*req = (struct blk_req){ .op = wire[0], .len = XEN_PAGE, .nseg = 1 };
	memcpy(&req->id, wire + r->abi->id, sizeof(req->id));
	memcpy(&sector, wire + r->abi->sector, sizeof(sector));
	req->off = sector * BLK_SECTOR;
	io->seg[0] = (struct blk_seg){ .len = XEN_PAGE };
	memcpy(&io->seg[0].gref, wire + r->abi->tail, sizeof(io->seg[0].gref));
	io->nvec = 1;
	io->piece = (uint8_t)io->io.piece;
	io->io.len = XEN_PAGE;
	io->io.durable = false;
	io->begun = io->taken;
	io->step = 0;
	io->left = io->alone = false;
	io->merged = NULL;
	io->last = io;
	io->state = BLK_SUBMITTED;
}
