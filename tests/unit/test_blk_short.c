/* SPDX-License-Identifier: MIT */
/* The short way of whole pages: that it is one, and what happens to those that leave it.
 */
#include "ring_fixture.h"

/* ---- The judge -------------------------------------------------------------------- */

static struct blk_short_head head_of(const struct blkif_request *q)
{
	struct blk_short_head h;

	memcpy(&h.word, q, sizeof(h.word));
	h.id = q->id;
	h.sector = q->sector_number;
	memcpy(&h.part, q->seg, sizeof(h.part));
	return h;
}

/* The long way: is it one whole page, and allowed? */
static bool is_page(const struct blkif_request *q, const struct blk_lim *lim,
                    struct blk_req *req)
{
	struct blk_fault f;
	struct blk_seg seg[BLK_SEGS];

	if (blk_req_head(&blk_abi[BLK_PROTO_X86_64], q, lim, req, &f) != V_OK ||
	    !req->nseg || req->flags)
		return false;
	memcpy(seg, q->seg, sizeof(seg));
	return blk_req_segments(lim, req, seg, &f) == V_OK && req->op <= WRITE &&
	       req->nseg == 1 && seg[0].off == 0 && seg[0].len == PAGE;
}

/* It takes what the long way takes as that, all of it and nothing else. */
static bool judged_alike(const struct blkif_request *q, const struct blk_lim *lim)
{
	struct blk_short_lim s = blk_short_lim(lim);
	struct blk_short_head h = head_of(q);
	struct blk_req req;
	bool good = is_page(q, lim, &req);

	assert_int_equal(blk_short_req(&s, &h), good);
	if (good) {
		assert_int_equal(h.word & 0xff, req.op);
		assert_int_equal(h.sector * 512, req.off);
		assert_int_equal(req.len, PAGE);
	}
	return good;
}

static void a_short_cut_and_no_other_way(void **state)
{
	static const struct blk_lim lim[] = {
		{ .sectors = 1000, .sector_size = 512 },
		{ .sectors = 1000, .sector_size = 4096, .discard = true },
		{ .sectors = 1000, .sector_size = 2048 },
		{ .sectors = 1000, .sector_size = 512, .ro = true },
		{ .sectors = 7, .sector_size = 512 },
		{ .sectors = 8, .sector_size = 4096 },
		{ .sectors = 0, .sector_size = 512 },
	};
	static const uint64_t sector[] = {
		0,          1,          4,
		8,          12,         984,
		991,        992,        993,
		996,        999,        1000,
		1001,       1ULL << 32, 1ULL << 54,
		1ULL << 55, 1ULL << 63, UINT64_MAX - 7,
		UINT64_MAX,
	};
	uint32_t taken = 0;

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(lim) * ARRAY_SIZE(sector); k++)
		for (uint32_t i = 0; i < 8 * 4 * 10 * 10 * 2; i++) {
			struct blkif_request q = {
				.operation = (uint8_t)(i % 8),
				.nr_segments = (uint8_t)(i / 8 % 4),
				/* Of an indirect request the upper half of the number. */
				.handle = (uint16_t)(i / 3200 * 0x100),
				.sector_number = sector[k / ARRAY_SIZE(lim)],
				.id = k,
			};

			for (uint32_t s = 0; s < BLK_SEGS; s++)
				q.seg[s] = (struct blkif_request_segment){
					.gref = 0xfffffff0 + s,
					.first_sect = (uint8_t)(i / 32 % 10),
					.last_sect = (uint8_t)(i / 320 % 10),
				};
			taken += judged_alike(&q, &lim[k % ARRAY_SIZE(lim)]);
		}
	/* Sectors that are good: 8, 4 with 4096, 6 with 2048, 8; none; 1; none. By hand.
	 */
	assert_int_equal(taken, 2 * (2 * 8 + 2 * 4 + 2 * 6 + 8 + 2 * 1));
}

/* ---- In a ring -------------------------------------------------------------------- */

/* Pages 0 to 31 are mapped, and nothing has happened. */
static int mapped_as(enum blk_protocol protocol)
{
	struct how h = { .persistent = BLK_PERSISTENT_MAX, .protocol = protocol };
	int rc = setup_as(&h);

	for (uint32_t n = 0; n < 3; n++) {
		for (uint32_t i = 0; i < 32; i++)
			push(READ, 1, i, i * 24);
		finish();
	}
	assert_int_equal(guest.mapped, 32);
	return rc;
}

static int mapped_wide(void **state)
{
	(void)state;
	return mapped_as(BLK_PROTO_X86_64);
}

static int mapped_narrow(void **state)
{
	(void)state;
	return mapped_as(BLK_PROTO_X86_32);
}

static uint32_t in_state(enum blk_state s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r.ring.size; i++)
		n += r.io[i].state == s;
	return n;
}

static void pages_go_it(void **state)
{
	uint32_t copies = guest.copy_calls;

	(void)state;
	fill(0, 16, 5);
	fake.go = false;
	for (uint32_t i = 0; i < 16; i++)
		push(i % 2 ? WRITE : READ, 1, i, i * 24);
	turn();
	assert_int_equal(in_state(BLK_SHORT), 16);
	fake.go = true;
	finish();
	for (uint32_t i = 0; i < 16; i++) {
		assert_memory_equal(fake.disk + (size_t)i * 24 * SECT, guest_page(i),
		                    PAGE);
		assert_int_equal(front.status[96 + i], OKAY);
		assert_int_equal(front.op[96 + i], i % 2 ? WRITE : READ);
	}
	assert_int_equal(guest.copy_calls, copies);
	assert_int_equal(stats.counter.write_bytes, 8 * PAGE);
}

/* What is not a whole page, or not mapped, or not good, is served between them. */
static void others_between_them(void **state)
{
	static const uint8_t op[] = { READ, FLUSH, WRITE, BARRIER, DISCARD };
	uint64_t bad;

	(void)state;
	for (uint32_t i = 0; i < 30; i++) {
		uint8_t o = op[i / 2 % ARRAY_SIZE(op)];

		if (i % 2)
			push(WRITE, 1, i, i * 16);
		else if (o == DISCARD)
			push_discard(4000, 8);
		else if (o == FLUSH)
			push(FLUSH, 0, 0, 0);
		else
			push(o, 2, 100 + i, 4008);
	}
	bad = push(READ, 1, 0, DISK_SECTORS - 7);
	slot_seg((uint32_t)push(READ, 1, 1, 800), 0)->first_sect = 3;
	finish();
	assert_int_equal(front.status[bad], ERROR);
	assert_int_equal(front.status[bad + 1], OKAY);
	assert_int_equal(stats.counter.refused, 1);
}

static void neighbours_leave_it(void **state)
{
	(void)state;
	fill(0, 16, 9);
	fake.nops = 0;
	for (uint32_t i = 0; i < 16; i++)
		push(WRITE, 1, i, i * 8);
	fake.go = false;
	turn();
	assert_int_equal(in_state(BLK_SUBMITTED), 16);
	fake.go = true;
	finish();
	assert_int_equal(fake.nops, 1);
	for (uint32_t i = 0; i < 16; i++)
		assert_memory_equal(fake.disk + i * PAGE, guest_page(i), PAGE);
}

static int fails_together(const struct store_io *io)
{
	return io->off <= 2 * PAGE && io->off + io->iov[0].iov_len > 2 * PAGE ? -EIO
	       : io->niov > 1                                                 ? -EIO
	                                                                      : 0;
}

/* Three as one fail, then only the one that is to blame. */
static void neighbours_fail_alone(void **state)
{
	(void)state;
	fill(0, 8, 3);
	fake.judge = fails_together;
	push(WRITE, 1, 1, 8);
	push(WRITE, 1, 3, 16);
	push(WRITE, 1, 5, 24);
	finish();
	assert_int_equal(front.status[96], OKAY);
	assert_int_equal(front.status[97], ERROR);
	assert_int_equal(front.status[98], OKAY);
	assert_memory_equal(fake.disk + 1 * PAGE, guest_page(1), PAGE);
	assert_memory_equal(fake.disk + 3 * PAGE, guest_page(5), PAGE);
}

static void one_fails(void **state)
{
	(void)state;
	fake.fail[STORE_READ] = -EIO;
	push(READ, 1, 1, 8);
	push(READ, 1, 3, 80);
	push(WRITE, 1, 4, 160);
	finish();
	assert_int_equal(front.status[96], ERROR);
	assert_int_equal(front.status[97], ERROR);
	assert_int_equal(front.status[98], OKAY);
	assert_int_equal(stats.counter.io_errors, 2);
	fake.fail[STORE_READ] = 0;
	push(READ, 1, 1, 8);
	finish();
	assert_int_equal(front.status[99], OKAY);
}

/* After a flush that failed each write is durable, also of a record that is used again.
 */
static void writes_are_durable_after_a_failed_flush(void **state)
{
	(void)state;
	fake.fail[STORE_FLUSH] = -EIO;
	push(FLUSH, 0, 0, 0);
	finish();
	fake.nops = 0;
	for (uint32_t n = 0; n < 40; n++) {
		push(WRITE, 1, n % 32, n * 16);
		finish();
	}
	fake.order[fake.nops] = 0;
	assert_string_equal(fake.order, "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW");
}

/* An I/O does not take the time that copies of others in its turn took. */
static void copies_are_not_storage(void **state)
{
	(void)state;
	fake.go = false;
	push(READ, 1, 1, 80);
	push(WRITE, 2, 500, 160); /* copied */
	turn();
	assert_int_equal(in_state(BLK_SHORT), 0);
	for (uint32_t i = 0; i < r.ring.size; i++)
		if (r.io[i].state == BLK_SUBMITTED)
			assert_true(r.io[i].begun > r.io[i].taken);
	fake.go = true;
	finish();
}

/* Its record is no other's before it is answered, however often the ring comes round. */
static void one_is_slow(void **state)
{
	struct store_io *slow;
	uint64_t id = push(READ, 1, 31, 4000);

	(void)state;
	fake.go = false;
	for (uint32_t i = 0; i < 5; i++)
		push(READ, 1, i, i * 24);
	turn();
	slow = fake.held[0];
	fake.held[0] = fake.held[--fake.nheld];
	fake.go = true;
	for (uint32_t n = 0; n < 400; n++) {
		push(n % 3 ? READ : WRITE, 1, n % 31, n % 31 * 24);
		if (n % 7 == 0)
			turn();
	}
	turn();
	turn();
	assert_int_equal(front.seen, front.pushed - 1);
	assert_int_equal(front.answers[id], 0);
	fake.held[fake.nheld++] = slow;
	finish();
}

/* XSA-216, where the request had something else. */
static void padding_is_zero(void **state)
{
	uint64_t id = UINT64_MAX;
	struct blkif_response rsp;
	uint8_t *raw;

	(void)state;
	push(READ, 1, 1, 80);
	put(front.pushed - 1, 8, 4, &id, sizeof(id));
	raw = slot(front.pushed - 1);
	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(blk_ring_turn(&r, true), V_OK);
	blk_ring_publish(&r);
	assert_int_equal(page.ring.rsp_prod, front.pushed);
	memset(&rsp, 0, sizeof(rsp));
	rsp.id = id;
	rsp.operation = READ;
	assert_memory_equal(raw, &rsp, front.narrow ? 12 : sizeof(rsp));
}

#define both(test)                                                 \
	{ #test " (64)", test, mapped_wide, teardown, NULL },      \
	{                                                          \
#test " (32)", test, mapped_narrow, teardown, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_short_cut_and_no_other_way),
		both(pages_go_it),
		both(others_between_them),
		both(neighbours_leave_it),
		both(neighbours_fail_alone),
		both(one_fails),
		both(writes_are_durable_after_a_failed_flush),
		both(copies_are_not_storage),
		both(one_is_slow),
		both(padding_is_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
