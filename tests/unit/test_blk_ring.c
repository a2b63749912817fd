/* SPDX-License-Identifier: MIT */
/* Serving a ring: a real ring page, a guest's memory, and a store that does as told. */
#include "ring_fixture.h"

#define ALL_PAGES (PAGE * 32 * 11)

static int setup_copy(void **state)
{
	(void)state;
	return setup_as(&(struct how){ 0 });
}

static int setup_persistent(void **state)
{
	(void)state;
	return setup_as(&(struct how){ .persistent = 32 * 11 });
}

static int setup_ro(void **state)
{
	(void)state;
	return setup_as(&(struct how){ .ro = true });
}

/* Either kind of grant: write everything, read it back to other pages. */
static void data_arrives(void **state)
{
	(void)state;
	fill(0, 32 * 11, 1);
	for (uint32_t i = 0; i < 32; i++)
		push(WRITE, 11, i * 11, i * 88);
	finish();
	assert_memory_equal(fake.disk, guest_page(0), ALL_PAGES);
	memset(guest_page(0), 0, ALL_PAGES);
	for (uint32_t i = 0; i < 32; i++)
		push(READ, 11, i * 11, i * 88);
	finish();
	assert_memory_equal(fake.disk, guest_page(0), ALL_PAGES);
	for (uint32_t i = 0; i < 64; i++)
		assert_int_equal(front.status[i], OKAY);
	if (r.pmap) {
		/* The first time they are copied, then mapped, many in a call. */
		assert_int_equal(guest.map_calls, (32 * 11 + 63) / 64);
		assert_int_equal(guest.copy_calls, 1);
	} else {
		/* Thirty-two requests, one call, each way. */
		assert_int_equal(guest.copy_calls, 2);
	}
	assert_int_equal(stats.counter.reads, 32);
	assert_int_equal(stats.counter.writes, 32);
	assert_int_equal(stats.counter.write_bytes, ALL_PAGES);
}

/* Bounced or mapped, the engine has been told where the data is. */
static void memory_is_known_to_the_engine(void **state)
{
	(void)state;
	for (uint32_t round = 1; round <= 3; round++) {
		/* Apart on the disk, so that none is merged. */
		for (uint32_t i = 0; i < 32; i++)
			push(READ, 1, i, i * 80);
		finish();
		assert_int_equal(fake.pieced, round * 32);
	}
	assert_int_equal(stats.counter.map_pages, r.pmap ? 32 : 0);
}

/* Neighbours in our memory that were mapped one after the other are of two pieces. */
static void neighbours_may_be_of_two_pieces(void **state)
{
	static const uint8_t edge[] = { 0, 31, 32, 63, 64, 95 };

	(void)state;
	for (uint32_t i = 0; i < 96; i++) {
		push(READ, 1, i, i * 80);
		if (i % 32 == 31)
			finish();
	}
	assert_int_equal(guest.map_calls, 3);
	fill(0, 96, 3);
	for (uint32_t a = 0; a < ARRAY_SIZE(edge); a++)
		for (uint32_t b = 0; b < ARRAY_SIZE(edge); b++) {
			uint32_t at = (uint32_t)push(WRITE, 2, edge[a], 0);

			slot_seg(at, 1)->gref = GUEST_REF + edge[b];
			finish();
			assert_memory_equal(fake.disk, guest_page(edge[a]), PAGE);
			assert_memory_equal(fake.disk + PAGE, guest_page(edge[b]), PAGE);
		}
}

static void parts_of_pages(void **state)
{
	(void)state;
	fill(0, 3, 9);
	push(WRITE, 3, 0, 100);
	slot_seg(0, 0)->first_sect = 3;
	slot_seg(0, 1)->first_sect = slot_seg(0, 1)->last_sect = 5;
	slot_seg(0, 2)->last_sect = 0;
	finish();
	assert_memory_equal(fake.disk + SECT * 100, guest_page(0) + SECT * 3, SECT * 5);
	assert_memory_equal(fake.disk + SECT * 105, guest_page(1) + SECT * 5, SECT);
	assert_memory_equal(fake.disk + SECT * 106, guest_page(2), SECT);
	for (size_t i = SECT * 107; i < SECT * 120; i++)
		assert_int_equal(fake.disk[i], 0);
}

/* XSA-361: a bad grant at each place of a batch, all else is served. */
static void one_bad_grant_fails_one_request(void **state)
{
	(void)state;
	for (uint32_t bad = 0; bad < 32; bad++) {
		/* A grant that is mapped cannot turn bad: new ones each time, if so. */
		uint32_t base = r.pmap ? bad * 11 : 0, first = front.pushed;

		guest.bad[base + bad % 10] = true;
		fill(base, 10, (uint8_t)bad);
		for (uint32_t i = 0; i < 5; i++)
			push(bad & 1 ? READ : WRITE, 2, base + i * 2, i * 16);
		finish();
		for (uint32_t i = 0; i < 5; i++)
			assert_int_equal(front.status[first + i],
			                 i == bad % 10 / 2 ? ERROR : OKAY);
		guest.bad[base + bad % 10] = false;
	}
	assert_int_equal(stats.counter.bad_grants, 32);
}

static void all_grants_bad(void **state)
{
	(void)state;
	memset(guest.bad, true, sizeof(guest.bad));
	for (uint32_t i = 0; i < 32; i++)
		push(i & 1 ? READ : WRITE, 11, i * 11, 0);
	finish();
	for (uint32_t i = 0; i < 32; i++)
		assert_int_equal(front.status[i], ERROR);
}

static void write_48_requests(void)
{
	for (uint32_t i = 0; i < 48; i++) {
		fill(i * 11, 11, (uint8_t)i);
		push(WRITE, 11, i * 11, i * 88);
		finish();
		assert_memory_equal(fake.disk + SECT * 88 * i, guest_page(i * 11),
		                    PAGE * 11);
	}
}

static void beyond_the_budget_data_is_copied(void **state)
{
	uint32_t copies;

	(void)state;
	write_48_requests();
	write_48_requests();
	assert_int_equal(guest.mapped, 352);
	copies = guest.copy_calls;
	write_48_requests();
	assert_int_equal(guest.mapped, 352);
	assert_int_equal(guest.copy_calls - copies, 16);
	assert_int_equal(stats.counter.unmap_pages, 0);
}

static void storage_fault_fails_its_request(void **state)
{
	(void)state;
	fake.fail[STORE_READ] = -EIO;
	push(WRITE, 1, 0, 0);
	push(READ, 1, 1, 0);
	push(FLUSH, 0, 0, 0);
	finish();
	assert_int_equal(front.status[0], OKAY);
	assert_int_equal(front.status[1], ERROR);
	assert_int_equal(front.status[2], OKAY);
	assert_int_equal(stats.counter.io_errors, 1);
	fake.fail[STORE_READ] = 0;
	push(READ, 1, 1, 0);
	finish();
	assert_int_equal(front.status[3], OKAY);
}

static void flush_with_data_flushes_first(void **state)
{
	(void)state;
	fill(0, 2, 5);
	push(FLUSH, 2, 0, 8);
	finish();
	assert_string_equal(fake.order, "fw");
	assert_memory_equal(fake.disk + SECT * 8, guest_page(0), PAGE * 2);
	assert_int_equal(front.op[0], FLUSH);
}

/* A flush that failed is never made good by another that succeeds. */
static void failed_flush_is_remembered(void **state)
{
	(void)state;
	log_set_level(LOG_LVL_WARN);
	fake.fail[STORE_FLUSH] = -EIO;
	push(FLUSH, 0, 0, 0);
	finish();
	fake.fail[STORE_FLUSH] = 0;
	push(FLUSH, 0, 0, 0);
	push(WRITE, 1, 0, 0);
	push(FLUSH, 1, 0, 0);
	finish();
	assert_int_equal(front.status[0], ERROR);
	assert_int_equal(front.status[1], ERROR);
	assert_int_equal(front.status[2], OKAY);
	assert_int_equal(front.status[3], ERROR);
	assert_string_equal(fake.order, "fW");
}

static void read_only_flush_reaches_no_storage(void **state)
{
	(void)state;
	push(FLUSH, 0, 0, 0);
	push(WRITE, 1, 0, 0);
	push(FLUSH, 1, 0, 0);
	push(READ, 1, 0, 0);
	finish();
	assert_int_equal(front.status[0], OKAY);
	assert_int_equal(front.status[1], ERROR);
	assert_int_equal(front.status[2], ERROR);
	assert_int_equal(front.status[3], OKAY);
	assert_string_equal(fake.order, "r");
}

static void refused_are_answered_among_others(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 32; i++)
		push(i % 3 == 0 ? BLKIF_OP_RESERVED_1 : READ, 1, i,
		     i % 3 == 1 ? DISK_SECTORS : 0);
	finish();
	for (uint32_t i = 0; i < 32; i++) {
		static const int16_t want[] = { NOT_SUP, ERROR, OKAY };

		assert_int_equal(front.status[i], want[i % 3]);
		assert_int_equal(front.op[i], i % 3 == 0 ? BLKIF_OP_RESERVED_1 : READ);
	}
	assert_int_equal(stats.counter.refused, 22);
}

static void full_ring_waits_for_answers(void **state)
{
	(void)state;
	fake.go = false;
	for (uint32_t i = 0; i < 32; i++)
		push(READ, 1, i, 0);
	turn();
	assert_int_equal(fake.nheld, 32);
	assert_int_equal(front.seen, 0);
	/* One more than the ring holds is a lie; those taken are answered all the same.
	 */
	page.ring.req_prod++;
	assert_int_equal(blk_ring_turn(&r, true), V_FATAL);
	fake.go = true;
	assert_int_equal(blk_ring_turn(&r, false), V_OK);
	assert_int_equal(blk_ring_turn(&r, false), V_OK);
	collect();
	assert_int_equal(front.seen, 32);
	assert_true(blk_ring_idle(&r));
}

static void stopping_takes_nothing(void **state)
{
	(void)state;
	fake.go = false;
	push(READ, 1, 0, 0);
	turn();
	push(READ, 1, 1, 0);
	fake.go = true;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(blk_ring_turn(&r, false), V_OK);
		collect();
	}
	assert_true(blk_ring_idle(&r));
	assert_int_equal(front.answers[0], 1);
	assert_int_equal(front.answers[1], 0);
}

/* Requests of all kinds come and go, over the wrap of the indices. */
static void each_id_is_answered_once(void **state)
{
	uint32_t x = 1;

	(void)state;
	r.ring.req_cons = r.ring.rsp_prod = r.ring.rsp_pub = UINT32_MAX - 500;
	page.ring.req_prod = page.ring.rsp_prod = front.seen = UINT32_MAX - 500;
	while (front.pushed < 1000) {
		uint32_t base = UINT32_MAX - 500;

		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		for (uint32_t n = x % 33; n; n--) {
			uint32_t at = base + front.pushed, id = front.pushed;
			uint64_t sector = (x >> 4) % (DISK_SECTORS + 100), long_id = id;
			uint16_t nseg = (uint16_t)((x >> 9) % 270);

			if (at - front.seen >= 32 || front.pushed == 1000)
				break;
			front.pushed++;
			slot(at)[0] = (uint8_t)(x >> 8) % 7;
			slot(at)[1] = (uint8_t)((x >> 16) % 13);
			put(at, 2, 2, &nseg, sizeof(nseg));
			put(at, 8, 4, &long_id, sizeof(long_id));
			put(at, 16, 12, &sector, sizeof(sector));
			for (uint32_t i = 0; i < BLK_SEGS; i++)
				*slot_seg(at, i) = (struct blkif_request_segment){
					.gref = GUEST_REF + (x >> i) % 1030,
					.first_sect = (uint8_t)(x >> (12 + i)) % 3,
					.last_sect = 7,
				};
			page.ring.req_prod = base + front.pushed;
			x = x * 1664525 + 1013904223;
		}
		fake.go = x >> 30;
		turn();
	}
	fake.go = true;
	finish();
	assert_true(stats.counter.reads > 50 && stats.counter.writes > 50 &&
	            stats.counter.refused > 50);
}

int main(void)
{
#define TEST(f, how)                                                     \
	{                                                                \
		.name = #f " (" #how ")", f, setup_##how, teardown, NULL \
	}
	const struct CMUnitTest tests[] = {
		TEST(data_arrives, copy),
		TEST(data_arrives, persistent),
		TEST(memory_is_known_to_the_engine, copy),
		TEST(memory_is_known_to_the_engine, persistent),
		TEST(neighbours_may_be_of_two_pieces, persistent),
		TEST(parts_of_pages, copy),
		TEST(parts_of_pages, persistent),
		TEST(one_bad_grant_fails_one_request, copy),
		TEST(one_bad_grant_fails_one_request, persistent),
		TEST(all_grants_bad, copy),
		TEST(all_grants_bad, persistent),
		TEST(beyond_the_budget_data_is_copied, persistent),
		TEST(storage_fault_fails_its_request, copy),
		TEST(storage_fault_fails_its_request, persistent),
		TEST(flush_with_data_flushes_first, copy),
		TEST(flush_with_data_flushes_first, persistent),
		TEST(failed_flush_is_remembered, copy),
		TEST(read_only_flush_reaches_no_storage, ro),
		TEST(refused_are_answered_among_others, copy),
		TEST(full_ring_waits_for_answers, copy),
		TEST(stopping_takes_nothing, persistent),
		TEST(each_id_is_answered_once, copy),
		TEST(each_id_is_answered_once, persistent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
