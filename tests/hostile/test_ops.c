/* SPDX-License-Identifier: MIT */
/* A guest that lies with all that blkif has beyond one small ring of reads and writes. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk.h"

#define BARRIER       BLKIF_OP_WRITE_BARRIER
#define DISCARD       BLKIF_OP_DISCARD
#define NO_SUCH_GRANT 0x10000U

static struct worker w;
static struct disk d;

static struct disk_rig copies = { .w = &w, .disk = { &d }, .flags = BLK_DISCARD };
static struct disk_rig persistent = { .w = &w,
	                              .disk = { &d },
	                              .flags = BLK_DISCARD | BLK_PERSISTENT };

/* The list is page @list of the disk. */
static uint64_t add_indirect(struct disk *k, uint8_t inner, uint16_t nseg, uint32_t list,
                             uint64_t sector)
{
	struct blkif_request_indirect *q;
	uint64_t id = disk_add(k, BLKIF_OP_INDIRECT, inner, 0, sector)->id;

	q = (void *)disk_slot(k, k->pushed - 1);
	q->nr_segments = nseg;
	q->handle = 0;
	q->sector_number = sector;
	q->indirect_grefs[0] = k->refs[list];
	return id;
}

static struct blkif_request_segment *list_of(struct disk *k, uint32_t list)
{
	return (void *)disk_page(k, list);
}

static void fill_list(struct disk *k, uint32_t list, uint32_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		list_of(k, list)[i] = (struct blkif_request_segment){
			.gref = k->refs[first + i % (RIG_PAGES - first)], .last_sect = 7
		};
}

static void indirect_rules(void **state)
{
	static const struct {
		const char *what;
		uint8_t inner;
		uint16_t nseg;
		uint64_t sector;
		int16_t status;
	} rows[] = {
		{ "read of 1", READ, 1, 0, OKAY },
		{ "read of 256", READ, 256, 0, OKAY },
		{ "write of 256", WRITE, 256, 8, OKAY },
		{ "none", READ, 0, 0, ERROR },
		{ "257", READ, 257, 0, ERROR },
		{ "65535", WRITE, 65535, 0, ERROR },
		{ "flush inside", FLUSH, 1, 0, ERROR },
		{ "barrier inside", BARRIER, 1, 0, ERROR },
		{ "discard inside", DISCARD, 1, 0, ERROR },
		{ "indirect inside", BLKIF_OP_INDIRECT, 1, 0, ERROR },
		{ "unknown inside", 200, 1, 0, ERROR },
		{ "across the end", WRITE, 256, DISK_SECTORS - 2047, ERROR },
		{ "up to the end", READ, 256, DISK_SECTORS - 2048, OKAY },
		{ "the sum wraps", READ, 1, UINT64_MAX - 3, ERROR },
	};

	(void)state;
	fill_list(&d, 0, 1, 512);
	for (uint32_t round = 0; round < 5; round++)
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			uint64_t id = add_indirect(&d, rows[i].inner, rows[i].nseg, 0,
			                           rows[i].sector);

			print_message("%s\n", rows[i].what);
			disk_push(&d);
			disk_wait(&d);
			assert_int_equal(d.status[id], rows[i].status);
			assert_int_equal(d.op[id], rows[i].inner);
		}
	disk_works(&d);
}

/* XSA-361 and 365: a bad grant of the list, or at each place of it, among good ones. */
static void indirect_bad_grants(void **state)
{
	(void)state;
	for (uint32_t bad = 0; bad < 64; bad++) {
		uint64_t first = d.pushed;

		for (uint32_t i = 0; i < 4; i++) {
			fill_list(&d, i, 4, 64);
			add_indirect(&d, i & 1 ? READ : WRITE, 64, i, 0);
		}
		list_of(&d, 1)[bad].gref = NO_SUCH_GRANT + bad;
		((struct blkif_request_indirect *)disk_slot(&d, (uint32_t)first + 2))
			->indirect_grefs[0] = NO_SUCH_GRANT + 100 + bad;
		disk_push(&d);
		disk_wait(&d);
		assert_int_equal(d.status[first], OKAY);
		assert_int_equal(d.status[first + 1], ERROR);
		assert_int_equal(d.status[first + 2], ERROR);
		assert_int_equal(d.status[first + 3], OKAY);
	}
	disk_works(&d);
}

/* XSA-155: the lists change all the time while they are read. */
static atomic_bool flip_stop;
static atomic_uint flips;

static void *flip(void *arg)
{
	struct disk *f = arg;
	uint32_t x = 7654321;

	while (!atomic_load_explicit(&flip_stop, memory_order_relaxed)) {
		uint32_t at;

		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		at = (x >> 8) % (4 * 1024);
		/* A grant of this disk's data pages, or none; or the rest of a segment.
		 */
		__atomic_store_n((uint32_t *)(void *)f->pages + at,
		                 at & 1    ? x % 3 ? 0x0700 : x
		                 : x & 128 ? f->refs[4 + x % (RIG_PAGES - 4)]
		                           : x | NO_SUCH_GRANT,
		                 __ATOMIC_RELAXED);
		atomic_fetch_add_explicit(&flips, 1, memory_order_relaxed);
	}
	return NULL;
}

/* The other thread gets its turn, however busy the machine is. */
static void wait_for_flips(unsigned int n)
{
	uint64_t end = now_ms() + RIG_WAIT_MS;
	unsigned int first = atomic_load(&flips);

	while (atomic_load(&flips) - first < n) {
		assert_true(now_ms() < end);
		sched_yield();
	}
}

static void lists_change_while_they_are_read(void **state)
{
	pthread_t thread;
	struct disk f;
	uint32_t right = 0;

	(void)state;
	disk_up(&f, &w, d.conf.flags);
	for (uint32_t i = 0; i < 4; i++)
		fill_list(&f, i, 4, 512);
	atomic_store(&flip_stop, false);
	assert_int_equal(pthread_create(&thread, NULL, flip, &f), 0);
	for (uint32_t round = 0; round < 200; round++) {
		for (uint32_t i = 0; i < RIG_RING; i++)
			add_indirect(&f, i & 1 ? READ : WRITE,
			             (uint16_t)(i % 8 ? 1 + i % 4 : 256), i % 4,
			             8ULL * i);
		wait_for_flips(20);
		disk_push(&f);
		disk_wait(&f);
	}
	atomic_store(&flip_stop, true);
	pthread_join(thread, NULL);
	for (uint32_t i = 0; i < f.pushed; i++)
		right += f.status[i] == OKAY;
	/* It was no use if all or none of them were good. */
	assert_true(right > 0 && right < f.pushed);
	assert_true(worker_alive(&w) && worker_silent(&w));
	disk_works(&d);
	disk_down(&f);
}

/* Number of the response to request @id, of the last ones on the ring. */
static uint32_t answered_as(struct disk *k, uint64_t id)
{
	for (uint32_t i = 0; i < k->slots; i++) {
		const struct blkif_response *rsp = (void *)disk_slot(k, k->seen - 1 - i);

		if (rsp->id == id)
			return k->seen - 1 - i;
	}
	fail_msg("no response to %llu", (unsigned long long)id);
	return 0;
}

static void barriers_are_in_order(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 100; round++) {
		uint64_t barrier[2], n = d.pushed;
		uint8_t b[XEN_PAGE];

		for (uint32_t i = 0; i < 24; i++) {
			memset(disk_page(&d, i), (int)(round + i + 1), XEN_PAGE);
			/* All of them write the same block. */
			disk_add(&d, i % 8 == 4 ? BARRIER : WRITE, 1, i, 80);
		}
		barrier[0] = n + 4;
		barrier[1] = n + 12;
		disk_push(&d);
		disk_wait(&d);
		for (uint32_t i = 0; i < 24; i++)
			assert_int_equal(d.status[n + i], OKAY);
		for (uint32_t k = 0; k < 2; k++)
			for (uint64_t i = n; i < n + 24; i++)
				if (i != barrier[k])
					assert_int_equal(
						answered_as(&d, i) <
							answered_as(&d, barrier[k]),
						i < barrier[k]);
		/* One of those after the last barrier, or that itself, is what is there.
		 */
		assert_int_equal(pread(d.image, b, sizeof(b), 80L * BLK_SECTOR),
		                 sizeof(b));
		assert_true((uint8_t)(b[0] - round - 1) >= 20 &&
		            (uint8_t)(b[0] - round - 1) < 24);
	}
}

static uint64_t add_discard(struct disk *k, uint64_t sector, uint64_t n, uint8_t flag)
{
	struct blkif_request_discard *q = (void *)disk_add(k, DISCARD, flag, 0, sector);

	q->sector_number = sector;
	q->nr_sectors = n;
	return q->id;
}

static void discards(void **state)
{
	static const struct {
		const char *what;
		uint64_t sector, n;
		int16_t status;
	} rows[] = {
		{ "nothing", 0, 0, ERROR },
		{ "one behind the end", DISK_SECTORS, 1, ERROR },
		{ "across the end", 8, DISK_SECTORS, ERROR },
		{ "the sum wraps to 0", 8, UINT64_MAX - 7, ERROR },
		{ "the sum wraps", 16, UINT64_MAX, ERROR },
		{ "the bytes wrap", 0, 1ULL << 55, ERROR },
		{ "the sector wraps", UINT64_MAX, 1, ERROR },
		{ "the last sector", DISK_SECTORS - 1, 1, OKAY },
		{ "8 of them", 8, 8, OKAY },
	};
	uint8_t before[3 * XEN_PAGE], after[3 * XEN_PAGE];
	static const uint8_t zero[XEN_PAGE];

	(void)state;
	assert_int_equal(pread(d.image, before, sizeof(before), 0), sizeof(before));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t id = add_discard(&d, rows[i].sector, rows[i].n,
		                          (uint8_t)(i & 1 ? BLKIF_DISCARD_SECURE : 0));

		print_message("%s\n", rows[i].what);
		disk_push(&d);
		disk_wait(&d);
		assert_int_equal(d.status[id], rows[i].status);
		assert_int_equal(d.op[id], DISCARD);
	}
	assert_int_equal(pread(d.image, after, sizeof(after), 0), sizeof(after));
	assert_memory_equal(after, before, XEN_PAGE);
	assert_memory_equal(after + XEN_PAGE, zero, XEN_PAGE);
	assert_memory_equal(after + 2 * (size_t)XEN_PAGE, before + 2 * (size_t)XEN_PAGE,
	                    XEN_PAGE);
}

static void discard_not_offered_or_read_only(void **state)
{
	struct disk k;

	(void)state;
	for (int ro = 0; ro < 2; ro++) {
		uint8_t before[XEN_PAGE], after[XEN_PAGE];

		disk_up(&k, &w, ro ? BLK_DISCARD | BLK_RO : 0);
		assert_int_equal(pread(k.image, before, sizeof(before), 0),
		                 sizeof(before));
		add_discard(&k, 0, 64, 0);
		disk_push(&k);
		disk_wait(&k);
		assert_int_equal(k.status[0], ro ? ERROR : NOT_SUP);
		assert_int_equal(k.op[0], DISCARD);
		assert_int_equal(pread(k.image, after, sizeof(after), 0), sizeof(after));
		assert_memory_equal(before, after, sizeof(before));
		disk_down(&k);
	}
}

int main(void)
{
#define TEST(f)       DISK_TEST(f, &copies)
#define PERSISTENT(f) DISK_TEST(f, &persistent)
#define BARE(f)       WORKER_TEST(f, &w)
	const struct CMUnitTest tests[] = {
		TEST(indirect_rules),
		PERSISTENT(indirect_rules),
		TEST(indirect_bad_grants),
		PERSISTENT(indirect_bad_grants),
		TEST(lists_change_while_they_are_read),
		PERSISTENT(lists_change_while_they_are_read),
		TEST(barriers_are_in_order),
		PERSISTENT(barriers_are_in_order),
		TEST(discards),
		BARE(discard_not_offered_or_read_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
