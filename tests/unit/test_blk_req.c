/* SPDX-License-Identifier: MIT */
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

#define READ    BLKIF_OP_READ
#define WRITE   BLKIF_OP_WRITE
#define FLUSH   BLKIF_OP_FLUSH_DISKCACHE
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

	{ "write barrier", &disk, BLKIF_OP_WRITE_BARRIER, 1, 0, 0, 0, NO_ODD, NOT_SUP,
	  "not offered" },
	{ "empty write barrier", &disk, BLKIF_OP_WRITE_BARRIER, 0, 0, 0, 0, NO_ODD,
	  NOT_SUP, "not offered" },
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

static struct blkif_request row_request(const struct row *r)
{
	struct blkif_request w;

	/* What the guest did not write may be anything. */
	memset(&w, 0xa5, sizeof(w));
	w.operation = r->op;
	w.nr_segments = r->nseg;
	w.handle = 0xffff;
	w.id = 0x1122334455667788;
	w.sector_number = r->sector;
	for (uint8_t i = 0; i < BLK_SEGS; i++) {
		w.seg[i].gref = 100U + i;
		w.seg[i].first_sect = i == r->odd ? r->odd_first : r->first;
		w.seg[i].last_sect = i == r->odd ? r->odd_last : r->last;
	}
	return w;
}

static void accepted_is_what_was_asked_for(const struct row *r, const struct blk_req *req)
{
	uint32_t each = (r->last - r->first + 1U) * 512;

	assert_int_equal(req->nseg, r->nseg);
	assert_int_equal(req->len, each * r->nseg);
	if (r->nseg)
		assert_int_equal(req->off, r->sector * 512);
	for (uint32_t i = 0; i < r->nseg; i++) {
		assert_int_equal(req->seg[i].gref, 100 + i);
		assert_int_equal(req->seg[i].off, r->first * 512);
		assert_int_equal(req->seg[i].len, each);
	}
}

static void every_rule(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		struct blkif_request w = row_request(r);
		struct blk_fault f = { 77, "untouched" };
		struct blk_req req;
		enum verdict v = blk_req_parse(&w, r->lim, &req, &f);

		print_message("%s\n", r->what);
		assert_int_equal(v, r->why ? V_REJECT : V_OK);
		assert_int_equal(req.id, w.id);
		assert_int_equal(req.op, r->op);
		if (r->why) {
			assert_int_equal(f.status, r->status);
			assert_non_null(strstr(f.why, r->why));
		} else {
			accepted_is_what_was_asked_for(r, &req);
		}
	}
}

/* Not offered, so refused; but xen-blkfront compares the inner operation. */
static void indirect_echoes_the_inner_operation(void **state)
{
	struct blkif_request_indirect ind = { .operation = BLKIF_OP_INDIRECT,
		                              .indirect_op = BLKIF_OP_WRITE,
		                              .nr_segments = 256,
		                              .id = 42 };
	struct blkif_request w = { 0 };
	struct blk_fault f;
	struct blk_req req;

	(void)state;
	memcpy(&w, &ind, sizeof(ind));
	assert_int_equal(blk_req_parse(&w, &disk, &req, &f), V_REJECT);
	assert_int_equal(f.status, NOT_SUP);
	assert_int_equal(req.id, 42);
	assert_int_equal(req.op, BLKIF_OP_WRITE);
}

/* No input, however formed, gives an accepted request that leaves its bounds. */
static void accepted_stays_within_bounds(void **state)
{
	const struct blk_lim *lims[] = { &disk, &disk_4k, &disk_ro };
	uint64_t x = 88172645463325252;
	uint32_t ok = 0;

	(void)state;
	for (int round = 0; round < 300000; round++) {
		const struct blk_lim *lim = lims[round % 3];
		struct blkif_request w;
		struct blk_req req;
		struct blk_fault f;
		uint64_t sum = 0;
		uint8_t *b = (uint8_t *)&w;

		for (size_t i = 0; i < sizeof(w); i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			b[i] = (uint8_t)(x % 7 ? x % 13 : x);
		}
		w.sector_number %= 1100;
		if (blk_req_parse(&w, lim, &req, &f) != V_OK)
			continue;
		ok++;
		assert_true(req.nseg <= BLK_SEGS);
		for (uint32_t i = 0; i < req.nseg; i++) {
			assert_true(req.seg[i].off + req.seg[i].len <= 4096);
			assert_true(req.seg[i].len % lim->sector_size == 0);
			assert_true(req.seg[i].len > 0);
			sum += req.seg[i].len;
		}
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
		cmocka_unit_test(every_rule),
		cmocka_unit_test(indirect_echoes_the_inner_operation),
		cmocka_unit_test(accepted_stays_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
