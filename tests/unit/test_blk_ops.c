/* SPDX-License-Identifier: MIT */
/* Serving a ring: what it takes beyond reads, writes and flushes of one small ring. */
#include "ring_fixture.h"

static int setup_copy(void **state)
{
	(void)state;
	return setup_as(&(struct how){ 0 });
}

static int setup_persistent(void **state)
{
	(void)state;
	return setup_as(&(struct how){ .persistent = BLK_PERSISTENT_MAX });
}

static int setup_i386(void **state)
{
	(void)state;
	return setup_as(&(struct how){ .protocol = BLK_PROTO_X86_32 });
}

static int setup_i386_persistent(void **state)
{
	(void)state;
	return setup_as(&(struct how){ .protocol = BLK_PROTO_X86_32, .persistent = 500 });
}

static int setup_ro(void **state)
{
	(void)state;
	return setup_as(&(struct how){ .ro = true });
}

static int setup_16_pages(void **state)
{
	(void)state;
	return setup_as(&(struct how){ .pages = 16 });
}

static int setup_16_pages_i386(void **state)
{
	(void)state;
	return setup_as(&(struct how){ .pages = 16, .protocol = BLK_PROTO_X86_32 });
}

static void write_all_read_all(uint32_t n, uint8_t nseg)
{
	size_t len = PAGE * nseg;

	fill(0, n * nseg, 3);
	for (uint32_t i = 0; i < n; i++)
		push(WRITE, nseg, i * nseg, i * nseg * 8U);
	finish();
	for (uint32_t i = 0; i < n; i++)
		assert_memory_equal(fake.disk + i * len, guest_page(i * nseg), len);
	memset(guest_page(0), 0, n * len);
	for (uint32_t i = 0; i < n; i++)
		push(READ, nseg, i * nseg, i * nseg * 8U);
	finish();
	assert_memory_equal(fake.disk, guest_page(0), n * len);
	for (uint32_t i = 0; i < front.pushed; i++)
		assert_int_equal(front.status[i], OKAY);
}

/* Every operation of the layout, with all fields in their places. */
static void all_operations(void **state)
{
	(void)state;
	write_all_read_all(32, 11);
	fill(400, 2, 77);
	push(FLUSH, 2, 400, 800);
	push(BARRIER, 2, 400, 900);
	push_discard(100, 50);
	push_indirect(READ, 40, 600, 602, 800);
	finish();
	assert_memory_equal(guest_page(602), fake.disk + SECT * 800, PAGE * 40);
	for (uint32_t i = front.pushed - 4; i < front.pushed; i++)
		assert_int_equal(front.status[i], OKAY);
	for (size_t i = SECT * 100; i < SECT * 150; i++)
		assert_int_equal(fake.disk[i], 0);
	assert_int_equal(front.op[front.pushed - 1], READ);
}

/* Trap: the response has the inner operation. All sizes, in either direction. */
static void indirect(void **state)
{
	static const uint16_t sizes[] = { 1, 11, 12, 31, 32, 33, 255, 256 };

	(void)state;
	for (uint32_t i = 0; i < 2 * ARRAY_SIZE(sizes); i++) {
		uint16_t n = sizes[i / 2];
		uint64_t id;

		fill(100, n, (uint8_t)i);
		id = push_indirect(WRITE, n, 0, 100, 8 * i);
		finish();
		assert_int_equal(front.status[id], OKAY);
		assert_int_equal(front.op[id], WRITE);
		assert_memory_equal(fake.disk + SECT * 8 * i, guest_page(100), PAGE * n);
		memset(guest_page(100), 0, PAGE * n);
		id = push_indirect(READ, n, 1, 100, 8 * i);
		finish();
		assert_int_equal(front.op[id], READ);
		assert_memory_equal(fake.disk + SECT * 8 * i, guest_page(100), PAGE * n);
	}
	assert_int_equal(stats.counter.indirect, front.pushed);
	if (r.pmap) {
		assert_true(guest.mapped > 256);
		assert_true(guest.copy_calls < front.pushed);
	}
}

static void indirect_breaks_a_rule(void **state)
{
	uint32_t bad = GUEST_REF + GUEST_PAGES;

	(void)state;
	push_indirect(FLUSH, 8, 0, 1, 0);
	push_indirect(BLKIF_OP_INDIRECT, 8, 0, 1, 0);
	push_indirect(READ, 0, 0, 1, 0);
	push_indirect(WRITE, 257, 0, 1, 0);
	push_indirect(WRITE, 256, 0, 1, DISK_SECTORS - 8 * 256 + 8);
	push_indirect(READ, 3, 300, 1, 0);
	((struct blkif_request_segment *)guest_page(300))[2].last_sect = 8;
	push_indirect(READ, 3, 301, 1, 0);
	put(front.pushed - 1, 28, 24, &bad, sizeof(bad));
	finish();
	for (uint32_t i = 0; i < front.pushed; i++)
		assert_int_equal(front.status[i], ERROR);
	assert_int_equal(front.op[0], FLUSH);
	assert_int_equal(front.op[1], BLKIF_OP_INDIRECT);
	assert_int_equal(front.op[2], READ);
	assert_int_equal(front.op[3], WRITE);
	assert_int_equal(fake.nops, 0);
	assert_int_equal(stats.counter.refused, 7);
	assert_int_equal(stats.counter.bad_grants, 1);
}

/* XSA-155: the list is copied once; what becomes of the page does not matter. */
static void indirect_page_changes_after_the_copy(void **state)
{
	(void)state;
	fill(100, 200, 1);
	for (uint32_t k = 0; k < 200; k++) {
		uint64_t id;

		fake.go = false;
		id = push_indirect(READ, 64, 0, 100, 0);
		turn();
		/* It is under way: now the list points everywhere. */
		memset(guest_page(0), (int)k, PAGE);
		fake.go = true;
		finish();
		assert_int_equal(front.status[id], OKAY);
		assert_memory_equal(guest_page(100), fake.disk, PAGE * 64);
	}
}

/* More than there is memory for: they take turns, and all of them come to their end. */
static void memory_runs_out(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 6; round++) {
		fake.go = false;
		for (uint32_t i = 0; i < 32; i++) {
			uint16_t n = (uint16_t)(round % 2 ? 256 : 40 + i * 3);

			if (i % 4)
				push_indirect(i % 2 ? WRITE : READ, n, i, 100, 8 * i);
			else
				push(i % 8 ? WRITE : READ, 11, 100, 0);
		}
		for (int i = 0; i < 3; i++)
			turn();
		fake.go = true;
		finish();
	}
	for (uint32_t i = 0; i < front.pushed; i++)
		assert_int_equal(front.status[i], OKAY);
	if (!r.pmap)
		assert_true(stats.counter.held > 0);
}

/* What waits has been taken: stopping serves it, and takes nothing more. */
static void stopping_serves_what_is_held(void **state)
{
	(void)state;
	fake.go = false;
	for (uint32_t i = 0; i < 5; i++)
		push_indirect(READ, 256, i, 100, 0);
	turn();
	assert_true(r.held);
	assert_int_equal(blk_ring_taken(&r), 3);
	fake.go = true;
	for (int i = 0; i < 8; i++) {
		assert_int_equal(blk_ring_turn(&r, false), V_OK);
		collect();
	}
	assert_true(blk_ring_idle(&r));
	assert_int_equal(front.answers[2], 1);
	assert_int_equal(front.answers[3], 0);
	assert_int_equal(blk_ring_taken(&r), 3);
	finish();
}

/* Everything before it is done, then flush, write, flush; nothing after it overtakes. */
static void barrier_is_one(void **state)
{
	(void)state;
	fill(0, 8, 1);
	fake.go = false;
	push(WRITE, 1, 0, 0);
	push(READ, 1, 1, 400);
	push(BARRIER, 2, 2, 100);
	push(WRITE, 1, 4, 100);
	push(READ, 1, 5, 100);
	/* Data of a write is copied before it is submitted: the read is first. */
	turn();
	assert_string_equal(fake.order, "rw");
	for (int i = 0; i < 3; i++)
		turn();
	assert_string_equal(fake.order, "rw");
	fake.go = true;
	turn();
	assert_string_equal(fake.order, "rwf");
	fake.go = false;
	turn();
	assert_string_equal(fake.order, "rwf");
	assert_int_equal(blk_ring_taken(&r), 3);
	fake.go = true;
	finish();
	assert_string_equal(fake.order, "rwfwfrw");
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(front.status[i], OKAY);
	assert_memory_equal(fake.disk + SECT * 100, guest_page(4), PAGE);
	assert_memory_equal(fake.disk + SECT * 108, guest_page(3), PAGE);
	assert_int_equal(front.op[2], BARRIER);
	assert_int_equal(stats.counter.barriers, 1);
}

static void barrier_without_data(void **state)
{
	(void)state;
	push(WRITE, 1, 0, 0);
	push(BARRIER, 0, 0, 0);
	push(BARRIER, 0, 0, 0);
	push(WRITE, 1, 0, 0);
	finish();
	assert_string_equal(fake.order, "wffw");
	assert_string_equal(front.order, "0123");
}

/* A barrier that fails is answered, and what comes after it is served. */
static void barrier_fails(void **state)
{
	(void)state;
	fake.fail[STORE_WRITE] = -EIO;
	push(BARRIER, 1, 0, 0);
	push(READ, 1, 0, 0);
	finish();
	assert_int_equal(front.status[0], ERROR);
	assert_int_equal(front.status[1], OKAY);
	assert_string_equal(fake.order, "fwr");
	guest.bad[7] = true;
	push(BARRIER, 1, 7, 0);
	push(READ, 1, 0, 0);
	finish();
	assert_int_equal(front.status[2], ERROR);
	assert_int_equal(front.status[3], OKAY);
	fake.fail[STORE_WRITE] = 0;
	fake.fail[STORE_FLUSH] = -EIO;
	push(BARRIER, 1, 0, 0);
	push(BARRIER, 1, 0, 0);
	push(WRITE, 1, 0, 0);
	finish();
	assert_int_equal(front.status[4], ERROR);
	assert_int_equal(front.status[5], ERROR);
	assert_int_equal(front.status[6], OKAY);
	assert_true(flush_failed);
}

/* Trap: empty flush and barrier of a disk that nobody writes succeed. */
static void read_only(void **state)
{
	(void)state;
	push(FLUSH, 0, 0, 0);
	push(BARRIER, 0, 0, 0);
	push(BARRIER, 1, 0, 0);
	push_discard(0, 8);
	push_indirect(WRITE, 8, 0, 1, 0);
	push_indirect(READ, 8, 0, 1, 0);
	finish();
	assert_int_equal(front.status[0], OKAY);
	assert_int_equal(front.status[1], OKAY);
	assert_int_equal(front.status[2], ERROR);
	assert_int_equal(front.status[3], ERROR);
	assert_int_equal(front.status[4], ERROR);
	assert_int_equal(front.status[5], OKAY);
	assert_string_equal(fake.order, "r");
}

static void discard(void **state)
{
	(void)state;
	memset(fake.disk, 0xff, sizeof(fake.disk));
	push_discard(8, 16);
	push_discard(DISK_SECTORS - 1, 1);
	push_discard(0, DISK_SECTORS + 1);
	push_discard(8, UINT64_MAX - 7);
	finish();
	assert_int_equal(front.status[0], OKAY);
	assert_int_equal(front.status[1], OKAY);
	assert_int_equal(front.status[2], ERROR);
	assert_int_equal(front.status[3], ERROR);
	assert_string_equal(fake.order, "dd");
	for (size_t i = 0; i < sizeof(fake.disk); i++)
		assert_int_equal(fake.disk[i],
		                 (i >= 8 * SECT && i < 24 * SECT) ||
		                                 i >= (DISK_SECTORS - 1) * SECT
		                         ? 0
		                         : 0xff);
	assert_int_equal(stats.counter.discards, 2);
	assert_int_equal(stats.counter.discard_bytes, 17 * SECT);
	fake.fail[STORE_DISCARD] = -EOPNOTSUPP;
	push_discard(0, 8);
	finish();
	assert_int_equal(front.status[4], NOT_SUP);
	fake.fail[STORE_DISCARD] = -EIO;
	push_discard(0, 8);
	finish();
	assert_int_equal(front.status[5], ERROR);
}

/* A discard that takes for ever holds up nothing else. */
static void discard_is_not_waited_for(void **state)
{
	(void)state;
	fake.go = false;
	push_discard(0, 4096);
	turn();
	assert_int_equal(fake.nheld, 1);
	for (uint32_t i = 0; i < 100; i++) {
		struct store_io *kept = fake.held[0];

		push(READ, 1, i, 5000 + i);
		turn();
		/* All but the discard. */
		assert_int_equal(fake.nheld, 2);
		fake.held[0] = fake.held[1];
		fake.nheld = 1;
		fake.go = true;
		turn();
		fake.go = false;
		fake.held[fake.nheld++] = kept;
		turn();
		assert_int_equal(front.answers[i + 1], 1);
	}
	assert_int_equal(front.answers[0], 0);
	fake.go = true;
	finish();
}

/* 512 requests at once, all slots of the largest ring. */
static void largest_ring(void **state)
{
	(void)state;
	fake.go = false;
	for (uint32_t i = 0; i < 512; i++)
		push(READ, 1, i, i * 16);
	turn();
	assert_int_equal(fake.nheld, 512);
	page.ring.req_prod++;
	assert_int_equal(blk_ring_turn(&r, true), V_FATAL);
	page.ring.req_prod--;
	fake.go = true;
	finish();
	/* Six times as much as there is bounce memory. */
	for (uint32_t k = 0; k < 3; k++) {
		for (uint32_t i = 0; i < 512; i++)
			push(k % 2 ? READ : WRITE, 6, i % 16 * 50, i * 10);
		finish();
	}
	for (uint32_t i = 0; i < front.pushed; i++)
		assert_int_equal(front.status[i], OKAY);
	assert_true(stats.counter.held > 0);
}

/* Small neighbours are one I/O, each with its answer. */
static void neighbours_are_merged(void **state)
{
	(void)state;
	fake.go = false;
	fill(0, 32, 5);
	for (uint32_t i = 0; i < 11; i++)
		push(WRITE, 1, i, i * 8);
	push(WRITE, 1, 20, 800);
	push(READ, 1, 21, 808);
	push(READ, 1, 22, 816);
	push(READ, 1, 23, 832);
	turn();
	assert_string_equal(fake.order, "rrww");
	fake.go = true;
	finish();
	assert_memory_equal(fake.disk, guest_page(0), PAGE * 11);
	assert_memory_equal(fake.disk + SECT * 800, guest_page(20), PAGE);
	assert_memory_equal(fake.disk + SECT * 816, guest_page(22), PAGE);
	assert_int_equal(stats.counter.merged, 11);
	assert_int_equal(stats.counter.writes, 12);
	assert_int_equal(stats.counter.reads, 3);
}

static void large_neighbours_are_not(void **state)
{
	(void)state;
	fake.go = false;
	for (uint32_t i = 0; i < 8; i++)
		push_indirect(WRITE, 32, i, 100, i * 256);
	turn();
	fake.go = true;
	finish();
	assert_string_equal(fake.order, "wwwwwwww");
}

/* One of them fails: it alone is answered with an error. */
static int fail_third(const struct store_io *io)
{
	return io->off <= 2 * PAGE && io->off + io->len > 2 * PAGE ? -EIO : 0;
}

static void one_of_the_merged_fails(void **state)
{
	(void)state;
	for (uint32_t k = 0; k < 4; k++) {
		uint32_t first = front.pushed;

		fake.judge = fail_third;
		for (uint32_t i = 0; i < 6; i++)
			push(k % 2 ? READ : WRITE, 1, i, i * 8);
		finish();
		for (uint32_t i = 0; i < 6; i++)
			assert_int_equal(front.status[first + i], i == 2 ? ERROR : OKAY);
		fill(0, 6, (uint8_t)(k + 9));
	}
	assert_int_equal(stats.counter.io_errors, 4);
}

int main(void)
{
#define TEST(f, how)                                                     \
	{                                                                \
		.name = #f " (" #how ")", f, setup_##how, teardown, NULL \
	}
	const struct CMUnitTest tests[] = {
		TEST(all_operations, copy),
		TEST(all_operations, persistent),
		TEST(all_operations, i386),
		TEST(all_operations, i386_persistent),
		TEST(all_operations, 16_pages),
		TEST(all_operations, 16_pages_i386),
		TEST(indirect, copy),
		TEST(indirect, persistent),
		TEST(indirect, i386),
		TEST(indirect_breaks_a_rule, copy),
		TEST(indirect_breaks_a_rule, persistent),
		TEST(indirect_page_changes_after_the_copy, copy),
		TEST(indirect_page_changes_after_the_copy, persistent),
		TEST(memory_runs_out, copy),
		TEST(memory_runs_out, persistent),
		TEST(memory_runs_out, 16_pages),
		TEST(stopping_serves_what_is_held, copy),
		TEST(barrier_is_one, copy),
		TEST(barrier_is_one, persistent),
		TEST(barrier_is_one, i386),
		TEST(barrier_without_data, copy),
		TEST(barrier_fails, copy),
		TEST(read_only, ro),
		TEST(discard, copy),
		TEST(discard, i386),
		TEST(discard_is_not_waited_for, copy),
		TEST(largest_ring, 16_pages),
		TEST(largest_ring, 16_pages_i386),
		TEST(neighbours_are_merged, copy),
		TEST(neighbours_are_merged, persistent),
		TEST(large_neighbours_are_not, copy),
		TEST(one_of_the_merged_fails, copy),
		TEST(one_of_the_merged_fails, persistent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
