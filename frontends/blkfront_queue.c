/* SPDX-License-Identifier: MIT */
#include "blkfront_queue.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "log.h"

/*
 * Pages that all queues together have granted for data, if requests are not larger: a
 * guest cannot grant without end, and in small ones the memory is what ends.
 */
#define PAGES_MAX     8192U
#define SEGS_PER_PAGE (XEN_PAGE / sizeof(struct blkif_request_segment))

_Static_assert(BLKFRONT_INDIRECT / SEGS_PER_PAGE == BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST,
               "pages of segments");

/**
 * struct slot - A request and what it shares
 * @pages:	Granted pages, or NULL
 * @npages:	How many
 * @refs:	Their grants
 * @writable:	The backend may write to them
 * @uses:	Requests since they were granted
 * @segs:	Pages of segments, or NULL; the backend only reads them
 * @nsegs:	How many pages
 */
struct slot {
	struct blkfront_req req;
	enum {
		SLOT_FREE,
		SLOT_HELD, /* got and not queued yet, or answered and not put back yet */
		SLOT_INFLIGHT,
	} state;
	void *pages;
	unsigned int npages;
	uint32_t *refs;
	bool writable;
	unsigned int uses;
	struct blkif_request_segment *segs;
	unsigned int nsegs;
	uint32_t segs_ref[BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST];
};

static void slot_unshare(struct bfq *q, struct slot *s)
{
	front_chan_unshare(&q->chan, s->pages, s->npages);
	front_chan_unshare(&q->chan, s->segs, s->nsegs);
	free(take_ptr(s->refs));
	q->shared -= s->npages;
	s->pages = NULL;
	s->segs = NULL;
	s->npages = s->nsegs = 0;
}

int bfq_open(struct bfq *q, uint32_t domid)
{
	unsigned int size = BLKFRONT_SLOTS(q->info->order);
	int rc = front_chan_open(&q->chan, domid, q->tag);

	if (rc)
		return rc;
	q->npages = 1U << q->info->order;
	rc = front_chan_share(&q->chan, q->npages, true, q->refs, &q->pages);
	if (rc) {
		log_err(q->tag, "cannot grant a ring of %u pages: %s", q->npages,
		        strerror(-rc));
		return rc;
	}
	q->depth = q->conf->depth && q->conf->depth < size ? q->conf->depth : size;
	q->slot = calloc(q->depth, sizeof(*q->slot));
	q->free = calloc(q->depth, sizeof(*q->free));
	if (!q->slot || !q->free)
		return -ENOMEM;
	/* The first that is taken is slot 0. */
	for (q->nfree = 0; q->nfree < q->depth; q->nfree++)
		q->free[q->nfree] = q->depth - 1 - q->nfree;
	return blkfront_ring_init(&q->ring, q->pages, q->info->order, q->conf->protocol);
}

void bfq_close(struct bfq *q)
{
	for (unsigned int i = 0; q->slot && i < q->depth; i++)
		slot_unshare(q, &q->slot[i]);
	front_chan_unshare(&q->chan, q->pages, q->npages);
	q->pages = NULL;
	q->past.notifies += q->chan.sent;
	q->past.events += q->chan.received;
	front_chan_close(&q->chan);
	q->chan = (struct front_chan){ 0 };
	blkfront_ring_free(&q->ring);
	free(take_ptr(q->slot));
	free(take_ptr(q->free));
	q->nfree = q->inflight = q->depth = 0;
}

struct blkfront_stats bfq_stats(const struct bfq *q)
{
	return (struct blkfront_stats){
		.requests = q->requests,
		.notifies = q->past.notifies + q->chan.sent,
		.events = q->past.events + q->chan.received,
	};
}

/* ---- Pages ----------------------------------------------------------------------- */

static bool no_room(int rc)
{
	return rc == -ENOMEM || rc == -ENOSPC;
}

static int share(struct bfq *q, unsigned int n, bool writable, uint32_t *refs, void **out)
{
	int rc = front_chan_share(&q->chan, n, writable, refs, out);

	/* Of what may only have to wait the one who gives up says so. */
	if (rc && !no_room(rc))
		log_err(q->tag, "cannot grant %u pages: %s", n, strerror(-rc));
	return rc;
}

/* Kept pages grow by doubling, so that a slot that has seen all sizes is at rest. */
static unsigned int pages_kept(const struct bfq *q, unsigned int npages)
{
	unsigned int n = 1;

	while (n < npages)
		n *= 2;
	if (n > q->info->segments && npages <= q->info->segments)
		n = q->info->segments;
	return n;
}

static unsigned int pages_max(const struct bfq *q)
{
	unsigned int n = PAGES_MAX / q->info->queues;

	return n > q->info->segments ? n : q->info->segments;
}

/* A read's pages are writable, a write's not; those that are kept serve for both. */
static bool slot_fits(const struct bfq *q, const struct slot *s, unsigned int npages,
                      bool writable)
{
	bool keep = q->conf->persistent;

	return s->npages >= npages && s->writable == (writable || keep) &&
	       (keep || s->uses < q->conf->rotate);
}

/* Pages as the request needs them, in place of what the slot has. */
static int slot_share(struct bfq *q, struct slot *s, unsigned int npages, bool writable)
{
	int rc;

	if (q->conf->persistent)
		npages = pages_kept(q, npages);
	slot_unshare(q, s);
	if (q->shared + npages > pages_max(q))
		return -ENOSPC;
	s->refs = calloc(npages, sizeof(*s->refs));
	if (!s->refs)
		return -ENOMEM;
	s->writable = writable || q->conf->persistent;
	rc = share(q, npages, s->writable, s->refs, &s->pages);
	if (rc)
		return rc;
	s->npages = npages;
	s->uses = 0;
	q->shared += npages;
	return 0;
}

/* The free slot to take next: one that fits, one that has nothing, any. */
static struct slot *slot_pick(struct bfq *q, unsigned int npages, bool writable)
{
	unsigned int top = q->nfree - 1, empty = top;

	if (!npages || slot_fits(q, &q->slot[q->free[top]], npages, writable))
		return &q->slot[q->free[top]];
	/* Where nothing is kept the others have nothing, either. */
	if (!q->conf->persistent && !q->slot[q->free[top]].npages)
		return &q->slot[q->free[top]];
	for (unsigned int i = top; i-- > 0;) {
		const struct slot *s = &q->slot[q->free[i]];
		bool fits = slot_fits(q, s, npages, writable);

		if (!fits && s->npages)
			continue;
		empty = i;
		if (fits)
			break;
	}
	if (empty != top) {
		unsigned int number = q->free[empty];

		q->free[empty] = q->free[top];
		q->free[top] = number;
	}
	return &q->slot[q->free[top]];
}

static int slot_prepare(struct bfq *q, struct slot *s, unsigned int npages, bool writable)
{
	int rc;

	if (slot_fits(q, s, npages, writable))
		return 0;
	rc = slot_share(q, s, npages, writable);
	if (!no_room(rc) || q->inflight)
		return rc;
	for (unsigned int i = 0; i < q->nfree; i++)
		slot_unshare(q, &q->slot[q->free[i]]);
	return slot_share(q, s, npages, writable);
}

static int slot_share_segments(struct bfq *q, struct slot *s, unsigned int nsegs)
{
	void *pages;
	int rc;

	if (s->nsegs >= nsegs)
		return 0;
	front_chan_unshare(&q->chan, s->segs, s->nsegs);
	s->segs = NULL;
	s->nsegs = 0;
	/* Kept like the data, it is mapped like it: with write access (blkif.h). */
	rc = share(q, nsegs, q->conf->persistent, s->segs_ref, &pages);
	if (rc)
		return rc;
	s->segs = pages;
	s->nsegs = nsegs;
	return 0;
}

/* ---- Requests -------------------------------------------------------------------- */

static bool is_transfer(uint8_t op)
{
	return op == BLKIF_OP_READ || op == BLKIF_OP_WRITE;
}

static unsigned int pages_of(uint64_t offset, uint64_t len)
{
	return (unsigned int)((offset % XEN_PAGE + len + XEN_PAGE - 1) / XEN_PAGE);
}

static bool is_indirect(const struct bfq *q, uint8_t op, unsigned int npages)
{
	return is_transfer(op) && (npages > BLKFRONT_DIRECT ||
	                           (q->conf->indirect && q->info->offer.segments));
}

int bfq_get(struct bfq *q, uint8_t op, uint64_t offset, uint64_t len,
            struct blkfront_req **out)
{
	unsigned int npages = op == BLKIF_OP_DISCARD ? 0 : pages_of(offset, len);
	struct slot *s;
	int rc = 0;

	assert(len <= blkfront_req_max(q->info, op, offset));
	if (!q->nfree)
		return -EAGAIN;
	s = slot_pick(q, npages, op == BLKIF_OP_READ);
	if (npages)
		rc = slot_prepare(q, s, npages, op == BLKIF_OP_READ);
	if (!rc && npages && is_indirect(q, op, npages))
		rc = slot_share_segments(
			q, s,
			(unsigned int)((npages + SEGS_PER_PAGE - 1) / SEGS_PER_PAGE));
	/* What is in flight gives pages back. */
	if (no_room(rc) && q->inflight)
		return -EAGAIN;
	if (no_room(rc))
		log_err(q->tag, "cannot grant %u pages: %s", npages, strerror(-rc));
	if (rc)
		return rc;
	q->nfree--;
	s->state = SLOT_HELD;
	s->req = (struct blkfront_req){
		.buf = npages ? (uint8_t *)s->pages + offset % XEN_PAGE : NULL,
		.offset = offset,
		.len = len,
		.op = op,
		.queue = q->index,
	};
	*out = &s->req;
	return 0;
}

void bfq_put(struct bfq *q, struct blkfront_req *req)
{
	struct slot *s = container_of(req, struct slot, req);

	assert(s->state == SLOT_HELD);
	/* Not kept: revoke at once, so that a backend that still maps it is found out. */
	if (!q->conf->persistent && s->uses >= q->conf->rotate)
		slot_unshare(q, s);
	s->state = SLOT_FREE;
	q->free[q->nfree++] = (unsigned int)(s - q->slot);
}

static uint16_t segments_fill(const struct slot *s, struct blkif_request_segment *seg)
{
	uint32_t first = (uint32_t)(s->req.offset % XEN_PAGE / BLK_SECTOR);
	uint64_t left = s->req.len / BLK_SECTOR;
	uint16_t i;

	for (i = 0; left; i++) {
		uint32_t n = BLK_PAGE_SECTORS - first;

		if (n > left)
			n = (uint32_t)left;
		seg[i] = (struct blkif_request_segment){
			.gref = s->refs[i],
			.first_sect = (uint8_t)first,
			.last_sect = (uint8_t)(first + n - 1),
		};
		left -= n;
		first = 0;
	}
	return i;
}

static void request_put(struct bfq *q, const struct slot *s)
{
	struct blkif_request_segment seg[BLKFRONT_DIRECT];
	const struct blkfront_req *req = &s->req;
	struct blkfront_wire wire = {
		.op = req->op,
		.flag = req->flag,
		.handle = q->handle,
		/* A flush has no place on the disk: this is what Linux sends. */
		.sector = req->len ? req->offset / BLK_SECTOR : UINT64_MAX,
		.seg = seg,
	};

	if (req->op == BLKIF_OP_DISCARD) {
		wire.sectors = req->len / BLK_SECTOR;
	} else if (is_indirect(q, req->op, pages_of(req->offset, req->len))) {
		wire.nr_segments = segments_fill(s, s->segs);
		wire.refs = s->segs_ref;
	} else {
		wire.nr_segments = segments_fill(s, seg);
	}
	blkfront_ring_put(&q->ring, (unsigned int)(s - q->slot), &wire);
}

void bfq_queue(struct bfq *q, struct blkfront_req *req, bool dead)
{
	struct slot *s = container_of(req, struct slot, req);

	assert(s->state == SLOT_HELD);
	s->state = SLOT_INFLIGHT;
	s->uses++;
	q->inflight++;
	if (dead)
		return;
	q->requests++;
	request_put(q, s);
}

int bfq_kick(struct bfq *q)
{
	int rc;

	if (!blkfront_ring_push(&q->ring))
		return 0;
	rc = front_chan_notify(&q->chan);
	if (rc)
		log_err(q->tag, "cannot notify the backend: %s", strerror(-rc));
	return rc;
}

static int status_errno(int status)
{
	switch (status) {
	case BLKIF_RSP_OKAY:
		return 0;
	case BLKIF_RSP_EOPNOTSUPP:
		return -EOPNOTSUPP;
	default:
		return -EIO;
	}
}

static int reaped(struct bfq *q, struct slot *s, int result, struct blkfront_req **out)
{
	assert(s->state == SLOT_INFLIGHT);
	s->state = SLOT_HELD;
	s->req.result = result;
	q->inflight--;
	*out = &s->req;
	return 1;
}

int bfq_reap(struct bfq *q, struct blkfront_req **out)
{
	struct blkfront_answer answer;
	char why[256];
	int rc = blkfront_ring_take(&q->ring, &answer, why, sizeof(why));

	if (rc == 0)
		return 0;
	if (rc < 0) {
		log_err(q->tag, "queue %u: the backend breaks the protocol: %s", q->index,
		        why);
		return rc;
	}
	return reaped(q, &q->slot[answer.slot], status_errno(answer.status), out);
}

int bfq_reap_dead(struct bfq *q, int error, struct blkfront_req **out)
{
	for (unsigned int i = 0; q->inflight && i < q->depth; i++)
		if (q->slot[i].state == SLOT_INFLIGHT)
			return reaped(q, &q->slot[i], error, out);
	return error;
}
