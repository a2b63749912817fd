/* SPDX-License-Identifier: MIT */
/* A ring in memory, the guest at its other end, and a store that does as told. */
#ifndef PVB_RING_FIXTURE_H
#define PVB_RING_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "blk_ring.h"
#include "fake_disk.h"
#include "fake_guest.h"

#define PAGE    ((size_t)XEN_PAGE)
#define SECT    ((size_t)BLK_SECTOR)
#define READ    BLKIF_OP_READ
#define WRITE   BLKIF_OP_WRITE
#define FLUSH   BLKIF_OP_FLUSH_DISKCACHE
#define BARRIER BLKIF_OP_WRITE_BARRIER
#define DISCARD BLKIF_OP_DISCARD
#define OKAY    BLKIF_RSP_OKAY
#define ERROR   BLKIF_RSP_ERROR
#define NOT_SUP BLKIF_RSP_EOPNOTSUPP

static union {
	uint8_t bytes[BLK_RING_PAGES_MAX * XEN_PAGE];
	struct blkif_sring ring;
} page;

/* Requests of the largest ring. */
static uint8_t journal[BLK_DEPTH_MAX * 160] __attribute__((aligned(4096)));

static struct blk_ring r;
static bool flush_failed;

/* Where a worker has them in the memfd. */
static struct {
	struct blk_stats counter;
	struct hist hist[BLK_NHISTS];
} stats;

/* The guest's side: its layout, requests pushed, answers seen. */
static struct {
	bool narrow; /* x86_32 */
	uint32_t slots;
	uint32_t pushed, seen;
	uint32_t answers[4096]; /* by id */
	int16_t status[4096];
	uint8_t op[4096];
	char order[128]; /* of answers, by id modulo 10 */
} front;

/* How a test wants it; persistent grants: how many. */
struct how {
	uint32_t pages;
	uint32_t persistent;
	enum blk_protocol protocol;
	bool ro;
};

static inline int setup_as(const struct how *h)
{
	char text[128];
	struct blk_ring_conf c = { .page = &page,
		                   .journal = journal,
		                   .pages = h->pages ? h->pages : 1,
		                   .protocol = h->protocol,
		                   .persistent = h->persistent,
		                   .fixed = BLK_BOUNCE_FIXED };
	int rc;

	guest_up();
	memset(&fake, 0, sizeof(fake));
	memset(&r, 0, sizeof(r));
	memset(&front, 0, sizeof(front));
	memset(&page, 0xa5, sizeof(page));
	page.ring.req_prod = page.ring.rsp_prod = 0;
	page.ring.req_event = page.ring.rsp_event = 1;
	front.narrow = h->protocol == BLK_PROTO_X86_32;
	front.slots = 32 * c.pages;
	memset(&stats, 0, sizeof(stats));
	r.stats = &stats.counter;
	for (int i = 0; i < BLK_NHISTS; i++)
		r.hist[i] = &stats.hist[i];
	r.tag = "guest 1 vbd-51712";
	r.flush_failed = &flush_failed;
	flush_failed = false;
	r.lim = (struct blk_lim){
		.sectors = DISK_SECTORS, .sector_size = 512, .ro = h->ro, .discard = true
	};
	fake.store.ops = &fake_ops;
	fake.go = true;
	r.store = &fake.store;
	log_set_level(LOG_LVL_ERR);
	memset(journal, 0, sizeof(journal));
	rc = blk_ring_open(&r, &c, text, sizeof(text));
	if (r.fixed)
		store_memory(r.store, BLK_PIECE_BOUNCE, r.bounce,
		             (size_t)r.fixed * XEN_PAGE);
	assert_int_equal(r.ring.size, front.slots);
	return rc;
}

static inline int teardown(void **state)
{
	(void)state;
	blk_ring_close(&r);
	assert_int_equal(guest.mapped, 0);
	guest_down();
	return 0;
}

/* Fields by hand, in either layout: not taken from what is tested. */
static inline uint8_t *slot(uint32_t index)
{
	return page.bytes + 64 +
	       (size_t)(index % front.slots) * (front.narrow ? 108 : 112);
}

static inline void put(uint32_t index, size_t wide, size_t narrow, const void *v,
                       size_t len)
{
	memcpy(slot(index) + (front.narrow ? narrow : wide), v, len);
}

static inline struct blkif_request_segment *slot_seg(uint32_t index, uint32_t i)
{
	return (void *)(slot(index) + (front.narrow ? 20 : 24) + 8 * (size_t)i);
}

/* The start of a request. Return: the id. */
static inline uint64_t begin(uint8_t op, uint8_t second, uint64_t sector)
{
	uint32_t at = front.pushed++;
	uint64_t id = at;

	slot(at)[0] = op;
	slot(at)[1] = second;
	put(at, 8, 4, &id, sizeof(id));
	put(at, 16, 12, &sector, sizeof(sector));
	return id;
}

/* @nseg whole pages from page @first on, sector number @sector. Return: the id. */
static inline uint64_t push(uint8_t op, uint8_t nseg, uint32_t first, uint32_t sector)
{
	uint64_t id = begin(op, nseg, sector);

	for (uint32_t i = 0; i < nseg; i++)
		*slot_seg((uint32_t)id, i) = (struct blkif_request_segment){
			.gref = GUEST_REF + first + i, .first_sect = 0, .last_sect = 7
		};
	page.ring.req_prod = front.pushed;
	return id;
}

static inline uint64_t push_discard(uint64_t sector, uint64_t n)
{
	uint64_t id = begin(DISCARD, 0, sector);

	put((uint32_t)id, 24, 20, &n, sizeof(n));
	page.ring.req_prod = front.pushed;
	return id;
}

/* The page @list says where the data is: from page @first on. */
static inline uint64_t push_indirect(uint8_t inner, uint16_t nseg, uint32_t list,
                                     uint32_t first, uint32_t sector)
{
	uint64_t id = begin(BLKIF_OP_INDIRECT, inner, sector);
	uint32_t gref = GUEST_REF + list;
	struct blkif_request_segment *seg = (void *)guest_page(list);

	put((uint32_t)id, 2, 2, &nseg, sizeof(nseg));
	put((uint32_t)id, 28, 24, &gref, sizeof(gref));
	for (uint32_t i = 0; i < nseg && i < 512; i++)
		seg[i] = (struct blkif_request_segment){ .gref = GUEST_REF + first + i,
			                                 .first_sect = 0,
			                                 .last_sect = 7 };
	page.ring.req_prod = front.pushed;
	return id;
}

static inline void collect(void)
{
	blk_ring_publish(&r);
	while (front.seen != page.ring.rsp_prod) {
		uint8_t *raw = slot(front.seen);
		static const uint8_t zero[4];
		struct blkif_response rsp;

		memcpy(&rsp, raw, 12);
		assert_true(rsp.id < front.pushed);
		front.answers[rsp.id]++;
		front.status[rsp.id] = rsp.status;
		front.op[rsp.id] = rsp.operation;
		if (front.seen < sizeof(front.order) - 1)
			front.order[front.seen] = (char)('0' + rsp.id % 10);
		front.seen++;
		/* XSA-216 */
		assert_int_equal(raw[9], 0);
		if (!front.narrow)
			assert_memory_equal(raw + 12, zero, 4);
	}
}

static inline void turn(void)
{
	assert_int_equal(blk_ring_turn(&r, true), V_OK);
	collect();
}

/* Everything is counted once, by the counters and by the histograms. */
static inline void counted(void)
{
	const struct blk_stats *c = &stats.counter;

	assert_int_equal(c->requests, front.pushed);
	assert_int_equal(c->answers, front.pushed);
	assert_int_equal(stats.hist[BLK_HIST_read].count, c->reads);
	assert_int_equal(stats.hist[BLK_HIST_write].count, c->writes);
	assert_int_equal(stats.hist[BLK_HIST_flush].count, c->flushes);
	assert_int_equal(stats.hist[BLK_HIST_barrier].count, c->barriers);
	assert_int_equal(stats.hist[BLK_HIST_discard].count, c->discards);
}

/* Until everything is answered: a request needs at most a handful of turns. */
static inline void finish(void)
{
	for (int i = 0; i < 5 || (i < 1000 && !blk_ring_idle(&r)); i++)
		turn();
	assert_true(blk_ring_idle(&r));
	for (uint32_t i = 0; i < front.pushed; i++)
		assert_int_equal(front.answers[i], 1);
	counted();
	/* Nothing is kept. */
	for (uint32_t w = 0; w < BLK_POOL_MAX; w++) {
		if (w < r.pages.n)
			assert_true(r.pages.free[w / 64] >> w % 64 & 1);
		if (w < r.big.n)
			assert_true(r.big.free[w / 64] >> w % 64 & 1);
	}
}

static inline void fill(uint32_t first, uint32_t n, uint8_t seed)
{
	for (size_t i = 0; i < n * PAGE; i++)
		guest_page(first)[i] = (uint8_t)(seed + i * 31 + i / PAGE);
}

#endif
