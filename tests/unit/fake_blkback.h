/* SPDX-License-Identifier: MIT */
/* The backend's end of the rings, for fake_xen.h: the native layout, any order. */
#ifndef PVB_FAKE_BLKBACK_H
#define PVB_FAKE_BLKBACK_H

/* The ring whose events come by channel @chan; its pages are contiguous. */
static struct blkif_sring *fake_ring(size_t chan)
{
	char path[96];

	for (unsigned int i = 0; i < 4; i++) {
		const char *ref, *page = i % 2 ? "ring-ref0" : "ring-ref";

		snprintf(path, sizeof(path), FRONT "/queue-%zu/%s", chan, page);
		if (i < 2)
			snprintf(path, sizeof(path), FRONT "/%s", page);
		ref = fake_get(path);
		if (ref)
			return (void *)fake.ref[atoi(ref)].page;
	}
	return NULL;
}

static uint32_t fake_ring_mask(void)
{
	const char *order = fake_get(FRONT "/ring-page-order");

	return (32U << (order ? atoi(order) : 0)) - 1;
}

/* Return: status. A grant that is not right for the request is a fault of ours. */
static int16_t fake_move(bool read, const struct blkif_request_segment *seg,
                         unsigned int n, uint64_t sector)
{
	uint64_t at = sector * BLK_SECTOR;

	for (unsigned int i = 0; i < n; i++) {
		const struct blkif_request_segment *s = &seg[i];
		uint8_t *page = fake.ref[s->gref].page;
		size_t skip = s->first_sect * BLK_SECTOR;
		size_t len = (s->last_sect + 1U) * BLK_SECTOR - skip;

		if (!page || at + len > DISK || (read && !fake.ref[s->gref].writable))
			return BLKIF_RSP_ERROR;
		if (read)
			memcpy(page + skip, fake.disk + at, len);
		else
			memcpy(fake.disk + at, page + skip, len);
		at += len;
	}
	return BLKIF_RSP_OKAY;
}

/*
 * One page of segments is enough here. Sets the operation to the inner one. Of a frontend
 * that keeps its grants a backend maps them with write access, the segments' page, too.
 */
static int16_t fake_indirect(uint8_t *op)
{
	const struct blkif_request_indirect *in = &fake.other.indirect;
	bool keeps = fake_get(FRONT "/feature-persistent") != NULL;

	*op = in->indirect_op;
	if (in->nr_segments > 512 || fake.ref[in->indirect_grefs[0]].writable != keeps)
		return BLKIF_RSP_ERROR;
	return fake_move(*op == BLKIF_OP_READ,
	                 (void *)fake.ref[in->indirect_grefs[0]].page, in->nr_segments,
	                 in->sector_number);
}

static int16_t fake_do(const struct blkif_request *req, uint8_t *op)
{
	const struct blkif_request_discard *d = &fake.other.discard;

	fake.last = *req;
	memcpy(&fake.other, req, sizeof(fake.other));
	*op = req->operation;
	if (*op == BLKIF_OP_INDIRECT)
		return fake_indirect(op);
	if (*op != BLKIF_OP_DISCARD)
		return fake_move(*op == BLKIF_OP_READ, req->seg, req->nr_segments,
		                 req->sector_number);
	if (d->sector_number + d->nr_sectors > DISK / BLK_SECTOR)
		return BLKIF_RSP_ERROR;
	memset(fake.disk + d->sector_number * BLK_SECTOR, 0, d->nr_sectors * BLK_SECTOR);
	return BLKIF_RSP_OKAY;
}

static void fake_serve(size_t chan)
{
	struct blkif_sring *ring = fake_ring(chan);
	RING_IDX *cons = &fake.chan[chan].req_cons;

	while (*cons != ring->req_prod) {
		RING_IDX at = (*cons)++;
		/* Xen declares ring[1]. */
		union blkif_sring_entry *e = ring->ring;
		struct blkif_request req;
		uint8_t op;
		int16_t status;

		e += at & fake_ring_mask();
		req = e->req;
		status = fake_do(&req, &op);
		memset(&e->rsp, 0, sizeof(e->rsp));
		e->rsp.id = req.id;
		e->rsp.operation = op;
		e->rsp.status = status;
		fake.served++;
		ring->rsp_prod = at + 1;
		if (fake.spoil)
			fake.spoil(ring, at);
	}
	ring->req_event = *cons + 1;
	eventfd_write(fake.chan[chan].fd, 1);
}

int xenevtchn_notify(xenevtchn_handle *xce, evtchn_port_t port)
{
	if (!fake.deaf)
		fake_serve(fake_chan(xce));
	return port == PORT + fake_chan(xce) ? 0 : -1;
}

#endif
