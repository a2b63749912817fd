/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "blk_req.h"

static const struct blk_lim disk = { .sectors = 1000, .sector_size = 512 };
static const struct blk_lim disk_4k = { .sectors = 1000, .sector_size = 4096 };
static const struct blk_lim disk_2k = { .sectors = 1000, .sector_size = 2048 };
static const struct blk_lim disk_ro = { .sectors = 1000, .sector_size = 512, .ro = true };
static const struct blk_lim trim = { .sectors = 1000,
	                             .sector_size = 512,
	                             .discard = true };
static const struct blk_lim trim_4k = { .sectors = 1000,
	                                .sector_size = 4096,
	                                .discard = true };
static const struct blk_lim trim_ro = {
	.sectors = 1000, .sector_size = 512, .ro = true, .discard = true
};
static const struct blk_lim erase = {
	.sectors = 1000, .sector_size = 512, .discard = true, .secure = true
};

#define READ    BLKIF_OP_READ
#define WRITE   BLKIF_OP_WRITE
#define FLUSH   BLKIF_OP_FLUSH_DISKCACHE
#define BARRIER BLKIF_OP_WRITE_BARRIER
#define ERROR   BLKIF_RSP_ERROR
#define NOT_SUP BLKIF_RSP_EOPNOTSUPP

/* Every segment of a request is like the first, but for the one at @odd. */
struct row {
	const char *what;
	const struct blk_lim *lim;
	uint8_t op, nseg;
	uint64_t sector;
	uint8_t first, last;
	uint8_t odd, odd_first, odd_last;
	int16_t status;
	const char *why; /* NULL: accepted */
};

#define NO_ODD 0xff, 0, 0

static const struct row rows[] = {
	{ "read of one sector", &disk, READ, 1, 0, 0, 0, NO_ODD, 0, NULL },
	{ "read of the last sector of a page", &disk, READ, 1, 0, 7, 7, NO_ODD, 0, NULL },
	{ "read of the last sector", &disk, READ, 1, 999, 0, 0, NO_ODD, 0, NULL },
	{ "read that ends with the disk", &disk, READ, 11, 912, 0, 7, NO_ODD, 0, NULL },
	{ "write of 11 pages", &disk, WRITE, 11, 0, 0, 7, NO_ODD, 0, NULL },
	{ "flush", &disk, FLUSH, 0, 0, 0, 0, NO_ODD, 0, NULL },
	{ "flush, sector number means nothing", &disk, FLUSH, 0, UINT64_MAX, 0, 0, NO_ODD,
	  0, NULL },
	{ "flush with data", &disk, FLUSH, 2, 8, 0, 7, NO_ODD, 0, NULL },

	{ "write barrier", &disk, BARRIER, 1, 0, 0, 0, NO_ODD, 0, NULL },
	{ "empty write barrier", &disk, BARRIER, 0, UINT64_MAX, 0, 0, NO_ODD, 0, NULL },
	{ "write barrier with 12 segments", &disk, BARRIER, 12, 0, 0, 0, NO_ODD, ERROR,
	  "more than 11" },
	{ "write barrier across the end", &disk, BARRIER, 1, 999, 0, 7, NO_ODD, ERROR,
	  "behind the disk" },

	{ "reserved operation 4", &disk, BLKIF_OP_RESERVED_1, 1, 0, 0, 0, NO_ODD, NOT_SUP,
	  "not offered" },
	{ "discard", &disk, BLKIF_OP_DISCARD, 0, 0, 0, 0, NO_ODD, NOT_SUP,
	  "not offered" },
	{ "operation 7", &disk, 7, 1, 0, 0, 0, NO_ODD, NOT_SUP, "not offered" },
	{ "operation 255", &disk, 255, 1, 0, 0, 0, NO_ODD, NOT_SUP, "not offered" },
	{ "unknown operation, bad in all else", &disk_ro, 200, 255, UINT64_MAX, 9, 8,
	  NO_ODD, NOT_SUP, "not offered" },

	{ "read of nothing", &disk, READ, 0, 0, 0, 0, NO_ODD, ERROR, "no segments" },
	{ "write of nothing", &disk, WRITE, 0, 0, 0, 0, NO_ODD, ERROR, "no segments" },
	{ "12 segments", &disk, READ, 12, 0, 0, 0, NO_ODD, ERROR, "more than 11" },
	{ "255 segments", &disk, WRITE, 255, 0, 0, 0, NO_ODD, ERROR, "more than 11" },
	{ "flush with 12 segments", &disk, FLUSH, 12, 0, 0, 0, NO_ODD, ERROR,
	  "more than 11" },

	{ "sector 8 of a page", &disk, READ, 1, 0, 0, 8, NO_ODD, ERROR, "ends behind" },
	{ "sector 255 of a page", &disk, READ, 1, 0, 0, 255, NO_ODD, ERROR,
	  "ends behind" },
	{ "sector 8 to 8", &disk, READ, 1, 0, 8, 8, NO_ODD, ERROR, "ends behind" },
	{ "segment from 1 to 0", &disk, READ, 1, 0, 1, 0, NO_ODD, ERROR, "before it" },
	{ "segment from 255 to 7", &disk, WRITE, 1, 0, 255, 7, NO_ODD, ERROR,
	  "before it" },
	{ "the last segment is bad", &disk, READ, 11, 0, 0, 7, 10, 0, 8, ERROR,
	  "ends behind" },
	{ "a middle segment is bad", &disk, WRITE, 11, 0, 0, 7, 5, 3, 2, ERROR,
	  "before it" },
	{ "a segment beyond nr_segments is bad", &disk, WRITE, 5, 0, 0, 7, 5, 3, 2, 0,
	  NULL },

	{ "one sector behind the end", &disk, READ, 1, 1000, 0, 0, NO_ODD, ERROR,
	  "behind the disk" },
	{ "two sectors across the end", &disk, READ, 1, 999, 0, 1, NO_ODD, ERROR,
	  "behind the disk" },
	{ "88 sectors, one behind the end", &disk, WRITE, 11, 913, 0, 7, NO_ODD, ERROR,
	  "behind the disk" },
	{ "sum wraps to 0", &disk, READ, 1, UINT64_MAX, 0, 0, NO_ODD, ERROR,
	  "behind the disk" },
	{ "sum wraps to 7", &disk, WRITE, 1, UINT64_MAX, 0, 7, NO_ODD, ERROR,
	  "behind the disk" },
	{ "byte offset would wrap", &disk, READ, 1, 1ULL << 55, 0, 0, NO_ODD, ERROR,
	  "behind the disk" },
	{ "flush with data behind the end", &disk, FLUSH, 1, 1000, 0, 0, NO_ODD, ERROR,
	  "behind the disk" },

	{ "read-only: read", &disk_ro, READ, 1, 0, 0, 7, NO_ODD, 0, NULL },
	{ "read-only: write", &disk_ro, WRITE, 1, 0, 0, 7, NO_ODD, ERROR, "read-only" },
	{ "read-only: flush", &disk_ro, FLUSH, 0, 0, 0, 0, NO_ODD, 0, NULL },
	{ "read-only: flush with data", &disk_ro, FLUSH, 1, 0, 0, 7, NO_ODD, ERROR,
	  "read-only" },
	{ "read-only: barrier", &disk_ro, BARRIER, 0, 0, 0, 0, NO_ODD, 0, NULL },
	{ "read-only: barrier with data", &disk_ro, BARRIER, 1, 0, 0, 7, NO_ODD, ERROR,
	  "read-only" },

	{ "2048: half a page", &disk_2k, READ, 1, 4, 4, 7, NO_ODD, 0, NULL },
	{ "2048: as much, but across blocks", &disk_2k, READ, 1, 4, 2, 5, NO_ODD, ERROR,
	  "whole" },
	{ "4096: one block", &disk_4k, READ, 1, 8, 0, 7, NO_ODD, 0, NULL },
	{ "4096: sector number 1", &disk_4k, READ, 1, 1, 0, 7, NO_ODD, ERROR,
	  "multiple" },
	{ "4096: half a block", &disk_4k, WRITE, 1, 0, 0, 3, NO_ODD, ERROR, "whole" },
	{ "4096: half a block, twice", &disk_4k, WRITE, 2, 0, 0, 3, NO_ODD, ERROR,
	  "whole" },
	{ "4096: one segment of half a block", &disk_4k, READ, 3, 0, 0, 7, 1, 4, 7, ERROR,
	  "whole" },
};

/*
 * Where the fields are, by hand from xen/io/blkif.h and the rules of the ABIs: not taken
 * from what is tested.
 */
static const struct layout {
	const char *name;
	enum blk_protocol protocol;
	size_t id, sector, tail, size;
} layouts[] = {
	{ "native", BLK_PROTO_NATIVE, 8, 16, 24, 112 },
	{ "x86_64", BLK_PROTO_X86_64, 8, 16, 24, 112 },
	{ "x86_32", BLK_PROTO_X86_32, 4, 12, 20, 108 },
};

#define ID 0x1122334455667788

struct wire {
	uint8_t b[112];
};

static void put(struct wire *w, size_t at, const void *v, size_t len)
{
	memcpy(w->b + at, v, len);
}

static struct wire wire_of(const struct layout *l, uint8_t op, uint8_t second,
                           uint64_t sector)
{
	uint64_t id = ID;
	struct wire w;

	/* What the guest did not write may be anything. */
	memset(&w, 0xa5, sizeof(w));
	w.b[0] = op;
	w.b[1] = second;
	put(&w, l->id, &id, sizeof(id));
	put(&w, l->sector, &sector, sizeof(sector));
	return w;
}

static struct wire row_wire(const struct layout *l, const struct row *r)
{
	struct wire w = wire_of(l, r->op, r->nseg, r->sector);

	for (uint8_t i = 0; i < BLK_SEGS; i++) {
		struct blkif_request_segment s = {
			.gref = 100U + i,
			.first_sect = i == r->odd ? r->odd_first : r->first,
			.last_sect = i == r->odd ? r->odd_last : r->last,
		};

		put(&w, l->tail + i * sizeof(s), &s, sizeof(s));
	}
	return w;
}

/* Both steps, as for a request that is all in the ring. */
static enum verdict judge(const struct layout *l, const struct wire *w,
                          const struct blk_lim *lim, struct blk_req *req,
                          struct blk_seg *seg, struct blk_fault *f)
{
	const struct blk_abi *abi = &blk_abi[l->protocol];
	uint8_t head[BLK_HEAD_MAX];

	/* No more than it says that it needs. */
	memset(head, 0x5a, sizeof(head));
	memcpy(head, w->b, abi->head);
	if (blk_req_head(abi, head, lim, req, f) != V_OK)
		return V_REJECT;
	if (!req->nseg)
		return V_OK;
	assert(seg);
	memcpy(seg, w->b + l->tail, BLK_SEGS * sizeof(*seg));
	return blk_req_segments(lim, req, seg, f);
}

static void layouts_have_their_sizes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++)
		assert_int_equal(blk_abi[layouts[i].protocol].slot, layouts[i].size);
	assert_int_equal(blk_abi[BLK_PROTO_X86_64].rsp, 16);
	assert_int_equal(blk_abi[BLK_PROTO_X86_32].rsp, 12);
}

static void accepted_is_what_was_asked_for(const struct row *r, const struct blk_req *req,
                                           const struct blk_seg *seg)
{
	uint32_t each = (r->last - r->first + 1U) * 512;

	assert_int_equal(req->nseg, r->nseg);
	assert_int_equal(req->flags, 0);
	assert_int_equal(req->len, each * r->nseg);
	if (r->nseg)
		assert_int_equal(req->off, r->sector * 512);
	for (uint32_t i = 0; i < r->nseg; i++) {
		assert_int_equal(seg[i].gref, 100 + i);
		assert_int_equal(seg[i].off, r->first * 512);
		assert_int_equal(seg[i].len, each);
	}
}

static void row_in_layout(const struct layout *l, const struct row *r)
{
	struct wire w = row_wire(l, r);
	struct blk_fault f = { 77, "untouched" };
	struct blk_seg seg[BLK_SEGS] = { 0 };
	struct blk_req req;
	enum verdict v = judge(l, &w, r->lim, &req, seg, &f);

	print_message("%s: %s\n", l->name, r->what);
	assert_int_equal(v, r->why ? V_REJECT : V_OK);
	assert_int_equal(req.id, ID);
	assert_int_equal(req.op, r->op);
	if (r->why) {
		assert_int_equal(f.status, r->status);
		assert_non_null(strstr(f.why, r->why));
	} else {
		accepted_is_what_was_asked_for(r, &req, seg);
	}
}

static void every_rule(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(layouts); k++)
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
			row_in_layout(&layouts[k], &rows[i]);
}

static void every_rule_of_discard(void **state)
{
	static const struct {
		const char *what;
		const struct blk_lim *lim;
		uint8_t flag;
		uint64_t sector, n;
		int16_t status;
		const char *why;
		bool secure;
	} row[] = {
		{ "not offered", &disk, 0, 0, 8, NOT_SUP, "not offered", false },
		{ "one sector", &trim, 0, 999, 1, 0, NULL, false },
		{ "all of the disk", &trim, 0, 0, 1000, 0, NULL, false },
		{ "nothing", &trim, 0, 0, 0, ERROR, "no sectors", false },
		{ "nothing, at the end", &trim, 0, 1000, 0, ERROR, "no sectors", false },
		{ "one behind the end", &trim, 0, 1000, 1, ERROR, "behind", false },
		{ "across the end", &trim, 0, 1, 1000, ERROR, "behind", false },
		{ "the sum wraps to 0", &trim, 0, 8, UINT64_MAX - 7, ERROR, "behind",
		  false },
		{ "the sum wraps to a sector", &trim, 0, 8, UINT64_MAX, ERROR, "behind",
		  false },
		{ "the first sector is too far", &trim, 0, UINT64_MAX, 2, ERROR, "behind",
		  false },
		{ "the number of bytes wraps", &trim, 0, 0, 1ULL << 55, ERROR, "behind",
		  false },
		{ "read-only", &trim_ro, 0, 0, 8, ERROR, "read-only", false },
		{ "4096: one block", &trim_4k, 0, 8, 8, 0, NULL, false },
		{ "4096: half a block", &trim_4k, 0, 8, 4, ERROR, "whole", false },
		{ "4096: across blocks", &trim_4k, 0, 4, 8, ERROR, "multiple", false },
		{ "secure", &erase, BLKIF_DISCARD_SECURE, 8, 8, 0, NULL, true },
		{ "not secure", &erase, 0, 8, 8, 0, NULL, false },
		{ "secure, not offered", &trim, BLKIF_DISCARD_SECURE, 8, 8, 0, NULL,
		  false },
		{ "unknown flags", &erase, 0xfe, 8, 8, 0, NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row) * ARRAY_SIZE(layouts); i++) {
		const struct layout *l = &layouts[i % ARRAY_SIZE(layouts)];
		size_t k = i / ARRAY_SIZE(layouts);
		struct wire w = wire_of(l, BLKIF_OP_DISCARD, row[k].flag, row[k].sector);
		struct blk_fault f = { 77, "untouched" };
		struct blk_req req;

		print_message("%s: discard, %s\n", l->name, row[k].what);
		put(&w, l->tail, &row[k].n, sizeof(row[k].n));
		assert_int_equal(judge(l, &w, row[k].lim, &req, NULL, &f),
		                 row[k].why ? V_REJECT : V_OK);
		assert_int_equal(req.id, ID);
		assert_int_equal(req.op, BLKIF_OP_DISCARD);
		if (row[k].why) {
			assert_int_equal(f.status, row[k].status);
			assert_non_null(strstr(f.why, row[k].why));
			continue;
		}
		assert_int_equal(req.nseg, 0);
		assert_int_equal(req.off, row[k].sector * 512);
		assert_int_equal(req.len, row[k].n * 512);
		assert_int_equal(req.flags, row[k].secure ? BLK_REQ_SECURE : 0);
	}
}

static struct wire indirect_of(const struct layout *l, uint8_t inner, uint16_t nseg,
                               uint64_t sector)
{
	struct wire w = wire_of(l, BLKIF_OP_INDIRECT, inner, sector);
	uint32_t gref = 77;

	put(&w, 2, &nseg, sizeof(nseg));
	put(&w, l->tail + 4, &gref, sizeof(gref));
	return w;
}

static void every_rule_of_indirect(void **state)
{
	static const struct {
		const char *what;
		const struct blk_lim *lim;
		uint8_t inner;
		uint16_t nseg;
		uint64_t sector;
		const char *why;
	} row[] = {
		{ "read of 1", &disk, READ, 1, 0, NULL },
		{ "read of 256", &disk, READ, 256, 0, NULL },
		{ "write of 12", &disk, WRITE, 12, 999, NULL },
		{ "none", &disk, READ, 0, 0, "no segments" },
		{ "257", &disk, WRITE, 257, 0, "more than 256" },
		{ "4096, what the protocol allows", &disk, READ, 4096, 0,
		  "more than 256" },
		{ "65535", &disk, READ, 65535, 0, "more than 256" },
		{ "flush inside", &disk, FLUSH, 1, 0, "neither" },
		{ "barrier inside", &disk, BARRIER, 1, 0, "neither" },
		{ "discard inside", &trim, BLKIF_OP_DISCARD, 1, 0, "neither" },
		{ "indirect inside", &disk, BLKIF_OP_INDIRECT, 1, 0, "neither" },
		{ "unknown inside", &disk, 255, 1, 0, "neither" },
		{ "write to a read-only disk", &disk_ro, WRITE, 1, 0, "read-only" },
		{ "read of a read-only disk", &disk_ro, READ, 1, 0, NULL },
		{ "behind the end", &disk, READ, 1, 1001, "behind" },
		{ "far behind the end", &disk, READ, 1, UINT64_MAX, "behind" },
		{ "4096: in a block", &disk_4k, READ, 1, 4, "multiple" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row) * ARRAY_SIZE(layouts); i++) {
		const struct layout *l = &layouts[i % ARRAY_SIZE(layouts)];
		size_t k = i / ARRAY_SIZE(layouts);
		struct wire w = indirect_of(l, row[k].inner, row[k].nseg, row[k].sector);
		struct blk_fault f = { 77, "untouched" };
		struct blk_req req;

		print_message("%s: indirect, %s\n", l->name, row[k].what);
		assert_int_equal(
			blk_req_head(&blk_abi[l->protocol], w.b, row[k].lim, &req, &f),
			row[k].why ? V_REJECT : V_OK);
		/* xen-blkfront compares the inner operation. */
		assert_int_equal(req.id, ID);
		assert_int_equal(req.op, row[k].inner);
		if (row[k].why) {
			assert_int_equal(f.status, ERROR);
			assert_non_null(strstr(f.why, row[k].why));
			continue;
		}
		assert_int_equal(req.flags, BLK_REQ_INDIRECT);
		assert_int_equal(req.nseg, row[k].nseg);
		assert_int_equal(req.gref, 77);
	}
}

/* Segments of an indirect request obey the rules of those in the ring. */
static void indirect_segments(void **state)
{
	const struct layout *l = &layouts[1];
	struct wire w = indirect_of(l, WRITE, 256, 0);
	static const struct blk_lim big = { .sectors = 4096, .sector_size = 512 };
	struct blk_part part[256];
	struct blk_seg seg[256];
	struct blk_fault f = { 0 };
	struct blk_req req;

	(void)state;
	for (uint32_t i = 0; i < 256; i++)
		part[i] = (struct blk_part){ .gref = i, .last = 7, .pad = 0xa5a5 };
	for (uint32_t bad = 0; bad <= 256; bad++) {
		assert_int_equal(blk_req_head(&blk_abi[l->protocol], w.b, &big, &req, &f),
		                 V_OK);
		memcpy(seg, part, sizeof(seg));
		if (bad < 256)
			((struct blk_part *)seg)[bad].last = 8;
		assert_int_equal(blk_req_segments(&big, &req, seg, &f),
		                 bad < 256 ? V_REJECT : V_OK);
	}
	assert_int_equal(req.len, 256 * 4096);
	assert_int_equal(seg[255].gref, 255);
	/* 2048 sectors from 2049 on end one behind the disk. */
	w = indirect_of(l, WRITE, 256, 2049);
	assert_int_equal(blk_req_head(&blk_abi[l->protocol], w.b, &big, &req, &f), V_OK);
	memcpy(seg, part, sizeof(seg));
	assert_int_equal(blk_req_segments(&big, &req, seg, &f), V_REJECT);
	assert_non_null(strstr(f.why, "behind"));
}

/* No input, however formed, gives an accepted request that leaves its bounds. */
static void accepted_stays_within_bounds(void **state)
{
	const struct blk_lim *lims[] = { &disk, &disk_4k, &disk_ro, &erase };
	uint64_t x = 88172645463325252;
	uint32_t ok = 0;

	(void)state;
	for (int round = 0; round < 400000; round++) {
		const struct layout *l = &layouts[(round / 4) % 3];
		const struct blk_lim *lim = lims[round % 4];
		struct blk_seg seg[BLK_SEGS];
		struct blk_req req;
		struct blk_fault f;
		struct wire w;
		uint64_t sum = 0, sector;

		for (size_t i = 0; i < sizeof(w); i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			w.b[i] = (uint8_t)(x % 7 ? x % 13 : x);
		}
		/* An indirect page is not in the ring: at most as many here. */
		w.b[3] = 0;
		memcpy(&sector, w.b + l->sector, sizeof(sector));
		sector %= 1100;
		put(&w, l->sector, &sector, sizeof(sector));
		if (w.b[0] == BLKIF_OP_INDIRECT && w.b[2] > BLK_SEGS)
			continue;
		if (judge(l, &w, lim, &req, seg, &f) != V_OK)
			continue;
		ok++;
		assert_true(req.nseg <= BLK_SEGS);
		for (uint32_t i = 0; i < req.nseg; i++) {
			assert_true(seg[i].off + seg[i].len <= 4096);
			assert_true(seg[i].len % lim->sector_size == 0);
			assert_true(seg[i].len > 0);
			sum += seg[i].len;
		}
		if (req.op != BLKIF_OP_DISCARD)
			assert_int_equal(sum, req.len);
		assert_true(req.off + req.len <= lim->sectors * 512);
		assert_true(!lim->ro || req.op == READ || req.nseg == 0);
	}
	/* The generator reaches the accepting paths. */
	assert_true(ok > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layouts_have_their_sizes),
		cmocka_unit_test(every_rule),
		cmocka_unit_test(every_rule_of_discard),
		cmocka_unit_test(every_rule_of_indirect),
		cmocka_unit_test(indirect_segments),
		cmocka_unit_test(accepted_stays_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
