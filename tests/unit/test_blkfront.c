/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "blkfront_fixture.h"
#include "blkfront_io.h"
#include "pattern.h"

static void disk_fill(void)
{
	pattern_fill(fake.disk, DISK, 1, 0, 1);
}

/* ---- Data ------------------------------------------------------------------------ */

static void any_length_at_any_sector(void **state)
{
	static const struct {
		uint32_t offset, len;
		unsigned int requests;
	} row[] = {
		{ 0, 512, 1 },          { 512, 512, 1 },      { 3584, 1024, 1 },
		{ 0, 11 * 4096, 1 },    { 0, 12 * 4096, 2 },  { 512, 11 * 4096, 2 },
		{ 512, 44544, 1 },      { 1024, 300032, 7 },  { 0, DISK, 24 },
		{ DISK - 512, 512, 1 }, { 7 * 512, 8192, 1 }, { 4096, 0, 0 },
	};
	static uint8_t buf[DISK + 1];

	(void)state;
	assert_int_equal(open_disk(), 0);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		uint8_t *at = fake.disk + row[i].offset;

		disk_fill();
		memset(buf, 0xaa, sizeof(buf));
		fake.served = 0;
		assert_int_equal(blkio_sync(bf, BLKIF_OP_READ, row[i].offset, buf + 1,
		                            row[i].len, TIMEOUT),
		                 0);
		assert_int_equal(fake.served, row[i].requests);
		assert_memory_equal(buf + 1, at, row[i].len);
		memset(at, 0, row[i].len);
		assert_int_equal(blkio_sync(bf, BLKIF_OP_WRITE, row[i].offset, buf + 1,
		                            row[i].len, TIMEOUT),
		                 0);
		assert_memory_equal(buf + 1, at, row[i].len);
	}
}

static void segments_are_as_in_the_page_cache(void **state)
{
	uint8_t buf[8192];

	(void)state;
	assert_int_equal(open_disk(), 0);
	assert_int_equal(blkio_sync(bf, BLKIF_OP_READ, 7680, buf, 5120, TIMEOUT), 0);
	assert_int_equal(fake.last.sector_number, 15);
	assert_int_equal(fake.last.nr_segments, 3);
	assert_int_equal(fake.last.handle, 51712);
	assert_int_equal(fake.last.seg[0].first_sect, 7);
	assert_int_equal(fake.last.seg[0].last_sect, 7);
	assert_int_equal(fake.last.seg[1].first_sect, 0);
	assert_int_equal(fake.last.seg[1].last_sect, 7);
	assert_int_equal(fake.last.seg[2].first_sect, 0);
	assert_int_equal(fake.last.seg[2].last_sect, 0);
}

static void many_at_once_share_the_ring(void **state)
{
	static uint8_t buf[64][16384];
	struct blkio io[64];
	struct blkio_queue q;
	unsigned int done = 0;

	(void)state;
	disk_fill();
	conf.depth = 5;
	assert_int_equal(open_disk(), 0);
	blkio_init(&q, bf, 0);
	for (unsigned int i = 0; i < 64; i++) {
		io[i] = (struct blkio){ .op = BLKIF_OP_READ,
			                .offset = (uint64_t)i * 16384,
			                .buf = buf[i],
			                .len = 16384 };
		blkio_submit(&q, &io[i]);
	}
	for (blkio_run(&q); done < 64; blkio_run(&q)) {
		while (blkio_next(&q))
			done++;
		/* Never more pages than the depth allows, and the ring's own. */
		assert_true(fake.shared <= 5 * 11 + 1);
	}
	assert_memory_equal(buf, fake.disk, DISK);
}

/*
 * Fewer grants than requests of all sizes need: they wait for each other. The backend
 * answers when it is looked at, so that many are in flight.
 */
static void grants_run_out(void **state)
{
	static uint8_t buf[DISK];
	struct blkio io[40];

	(void)state;
	disk_fill();
	for (unsigned int i = 0; i < 4; i++) {
		unsigned int done = 0, at = 0;
		struct blkio_queue q;

		conf.persistent = i % 2;
		fake.grants = i < 2 ? 1 + 16 : 1 + 33;
		fake.deaf = true;
		memset(buf, 0, sizeof(buf));
		assert_int_equal(open_disk(), 0);
		blkio_init(&q, bf, 0);
		for (unsigned int k = 0; k < 40; k++) {
			uint32_t len = (k * 7 % 11 + 1) * XEN_PAGE;

			io[k] = (struct blkio){ .op = BLKIF_OP_READ,
				                .offset = at,
				                .buf = buf + at,
				                .len = len };
			at += len;
			blkio_submit(&q, &io[k]);
		}
		for (unsigned int turn = 0; done < 40 && turn < 100; turn++) {
			struct blkio *one;

			blkio_run(&q);
			fake_serve(0);
			while ((one = blkio_next(&q))) {
				assert_int_equal(one->result, 0);
				done++;
			}
		}
		assert_int_equal(done, 40);
		assert_memory_equal(buf, fake.disk, at);
		blkfront_close(bf);
		bf = NULL;
	}
	/* Not even one: that is an error. */
	fake.grants = 1 + 10;
	assert_int_equal(open_disk(), 0);
	assert_int_equal(
		blkio_sync(bf, BLKIF_OP_READ, 0, buf, (size_t)11 * XEN_PAGE, TIMEOUT),
		-ENOSPC);
	assert_int_equal(blkfront_error(bf), 0);
}

static void a_flush_has_no_place(void **state)
{
	(void)state;
	assert_int_equal(open_disk(), 0);
	assert_int_equal(blkio_sync(bf, BLKIF_OP_FLUSH_DISKCACHE, 0, NULL, 0, TIMEOUT),
	                 0);
	assert_int_equal(fake.last.operation, BLKIF_OP_FLUSH_DISKCACHE);
	assert_int_equal(fake.last.nr_segments, 0);
	assert_true(fake.last.sector_number == UINT64_MAX);
}

static void refuses_what_cannot_be(void **state)
{
	uint8_t b[512];

	(void)state;
	fake_set(BACK "/feature-flush-cache", "0");
	fake_set(BACK "/info", "4");
	assert_int_equal(open_disk(), 0);
	assert_int_equal(blkio_sync(bf, BLKIF_OP_READ, 1, b, 512, 0), -EINVAL);
	assert_int_equal(blkio_sync(bf, BLKIF_OP_READ, 0, b, 100, 0), -EINVAL);
	assert_int_equal(blkio_sync(bf, BLKIF_OP_READ, DISK, b, 512, 0), -ENOSPC);
	assert_int_equal(blkio_sync(bf, BLKIF_OP_READ, UINT64_MAX - 511, b, 512, 0),
	                 -ENOSPC);
	assert_int_equal(blkio_sync(bf, BLKIF_OP_WRITE, 0, b, 512, 0), -EROFS);
	assert_int_equal(blkio_sync(bf, BLKIF_OP_FLUSH_DISKCACHE, 0, NULL, 0, 0),
	                 -EOPNOTSUPP);
	assert_int_equal(fake.served, 0);
	/* No overflow makes it fit. */
	assert_int_equal(blkfront_check(blkfront_info(bf), BLKIF_OP_READ, 512, -512ULL),
	                 -ENOSPC);
}

/* ---- Grants ---------------------------------------------------------------------- */

static uint32_t gref_of_next(uint8_t op)
{
	uint8_t b[4096] = { 0 };

	assert_int_equal(blkio_sync(bf, op, 0, b, sizeof(b), TIMEOUT), 0);
	return fake.last.seg[0].gref;
}

static void persistent_grants_stay(void **state)
{
	uint32_t ref;

	(void)state;
	assert_int_equal(open_disk(), 0);
	ref = gref_of_next(BLKIF_OP_READ);
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(gref_of_next(i % 2 ? BLKIF_OP_WRITE : BLKIF_OP_READ),
		                 ref);
	assert_true(fake.ref[ref].writable);
}

static void others_are_revoked_after_their_uses(void **state)
{
	uint32_t a, b;

	(void)state;
	conf.persistent = false;
	conf.rotate = 2;
	assert_int_equal(open_disk(), 0);
	assert_null(fake_get(FRONT "/feature-persistent"));
	assert_false(blkfront_info(bf)->persistent);
	a = gref_of_next(BLKIF_OP_READ);
	assert_int_equal(fake.shared, 2);
	assert_int_equal(gref_of_next(BLKIF_OP_READ), a);
	assert_int_equal(fake.shared, 1);
	assert_null(fake.ref[a].page);
	b = gref_of_next(BLKIF_OP_READ);
	assert_int_not_equal(a, b);
	/* What the backend only reads it may not write. */
	assert_int_not_equal(gref_of_next(BLKIF_OP_WRITE), b);
	assert_false(fake.ref[fake.last.seg[0].gref].writable);
}

/* ---- When things go wrong -------------------------------------------------------- */

static void spoil_status(struct blkif_sring *ring, RING_IDX at)
{
	ring->ring[at % 32].rsp.status = at == 2 ? BLKIF_RSP_ERROR : BLKIF_RSP_OKAY;
}

static void one_bad_part_fails_the_whole(void **state)
{
	static uint8_t buf[DISK];

	(void)state;
	fake.spoil = spoil_status;
	assert_int_equal(open_disk(), 0);
	assert_int_equal(blkio_sync(bf, BLKIF_OP_READ, 0, buf, DISK, TIMEOUT), -EIO);
	assert_int_equal(blkfront_error(bf), 0);
	assert_int_equal(blkio_sync(bf, BLKIF_OP_READ, 0, buf, DISK, TIMEOUT), 0);
}

/* Put eight requests on the ring, for a backend that does not look. */
static void eight_in_flight(void)
{
	fake.deaf = true;
	assert_int_equal(open_disk(), 0);
	for (unsigned int i = 0; i < 8; i++) {
		struct blkfront_req *req;

		assert_int_equal(blkfront_get(bf, 0, BLKIF_OP_READ, i * UINT64_C(4096),
		                              4096, &req),
		                 0);
		blkfront_queue(bf, req);
	}
	blkfront_kick(bf, 0);
}

/* Each comes back once, with @error, and then nothing works any more. */
static void all_fail(int error, unsigned int n)
{
	struct blkfront_req *req;

	for (unsigned int i = 0; i < n; i++) {
		assert_int_equal(blkfront_reap(bf, 0, &req), 1);
		assert_int_equal(req->result, error);
		blkfront_put(bf, req);
	}
	assert_int_equal(blkfront_reap(bf, 0, &req), error);
	assert_int_equal(blkfront_error(bf), error);
	assert_int_equal(blkfront_get(bf, 0, BLKIF_OP_READ, 0, 512, &req), error);
	assert_int_equal(blkfront_wait(bf, 0, -1), 0);
}

static void spoil_id(struct blkif_sring *ring, RING_IDX at)
{
	if (at == 3)
		ring->ring[at % 32].rsp.id ^= 1;
}

static void a_breach_disables_the_disk(void **state)
{
	struct blkfront_req *req;

	(void)state;
	fake.spoil = spoil_id;
	eight_in_flight();
	fake_serve(0);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(blkfront_reap(bf, 0, &req), 1);
		assert_int_equal(req->result, 0);
		blkfront_put(bf, req);
	}
	all_fail(-EPROTO, 5);
	assert_int_equal(blkfront_close(bf), 0);
	bf = NULL;
	assert_string_equal(fake.states, "3456");
}

static void the_backend_leaves(void **state)
{
	(void)state;
	eight_in_flight();
	fake_back_state("5");
	assert_int_equal(blkfront_wait(bf, 0, 60000), 0);
	all_fail(-ENODEV, 8);
	assert_int_equal(blkfront_close(bf), 0);
	bf = NULL;
	assert_string_equal(fake.states, "3456");
}

static void the_toolstack_removes_it(void **state)
{
	(void)state;
	eight_in_flight();
	fake_rm(FRONT);
	fake_watch_fires();
	assert_int_equal(blkfront_wait(bf, 0, 60000), 0);
	all_fail(-ENODEV, 8);
	assert_int_equal(blkfront_close(bf), 0);
	bf = NULL;
	assert_null(fake_get(FRONT "/state"));
}

static void no_answer_is_no_hang(void **state)
{
	uint8_t b[512];

	(void)state;
	fake.deaf = true;
	assert_int_equal(open_disk(), 0);
	assert_int_equal(blkio_sync(bf, BLKIF_OP_READ, 0, b, 512, TIMEOUT), -ETIMEDOUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(any_length_at_any_sector),     T(segments_are_as_in_the_page_cache),
		T(many_at_once_share_the_ring),  T(grants_run_out),
		T(a_flush_has_no_place),         T(refuses_what_cannot_be),
		T(persistent_grants_stay),       T(others_are_revoked_after_their_uses),
		T(one_bad_part_fails_the_whole), T(a_breach_disables_the_disk),
		T(the_backend_leaves),           T(the_toolstack_removes_it),
		T(no_answer_is_no_hang),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
