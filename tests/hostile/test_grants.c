/* SPDX-License-Identifier: MIT */
/* Grants that are not what the guest says: the request fails, the others do not. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk.h"

#define NO_SUCH_GRANT 0x3fffffU

static struct worker w;
static struct disk d;

static struct disk_rig copies = { .w = &w, .disk = { &d } };
static struct disk_rig persistent = { .w = &w, .disk = { &d }, .flags = BLK_PERSISTENT };

/* A page of data for each request, so that a mix-up is seen. */
static void stamp_pages(uint8_t seed)
{
	for (uint32_t i = 0; i < RIG_PAGES; i++)
		memset(disk_page(&d, i), (int)(i + seed), XEN_PAGE);
}

static void image_has(uint32_t block, const uint8_t *data)
{
	uint8_t b[XEN_PAGE];

	assert_int_equal(pread(d.image, b, sizeof(b), (off_t)block * XEN_PAGE),
	                 sizeof(b));
	assert_memory_equal(b, data, sizeof(b));
}

/* XSA-361: one at each place of a batch of 32; all the others move their data. */
static void one_bad_in_a_batch(void **state)
{
	(void)state;
	for (uint32_t bad = 0; bad < RIG_RING; bad++) {
		uint32_t first = d.pushed;

		stamp_pages((uint8_t)(3 * bad + 1));
		for (uint32_t i = 0; i < RIG_RING; i++) {
			struct blkif_request *q =
				disk_add(&d, WRITE, 1, i, (uint64_t)i * 8);

			if (i == bad)
				q->seg[0].gref = NO_SUCH_GRANT + i;
		}
		disk_push(&d);
		disk_wait(&d);
		for (uint32_t i = 0; i < RIG_RING; i++) {
			assert_int_equal(d.status[first + i], i == bad ? ERROR : OKAY);
			if (i != bad)
				image_has(i, disk_page(&d, i));
		}
	}
	for (uint32_t bad = 0; bad < BLKIF_MAX_SEGMENTS_PER_REQUEST; bad++) {
		struct blkif_request *q = disk_add(&d, READ, 11, 0, 0);
		uint64_t id = q->id;

		q->seg[bad].gref = NO_SUCH_GRANT + 100;
		disk_push(&d);
		disk_wait(&d);
		assert_int_equal(d.status[id], ERROR);
	}
	disk_works(&d);
}

static void all_bad_all_the_time(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 50; round++) {
		uint32_t first = d.pushed;

		for (uint32_t i = 0; i < RIG_RING; i++) {
			struct blkif_request *q =
				disk_add(&d, i & 1 ? READ : WRITE, 11, 0, 0);

			for (uint32_t s = 0; s < 11; s++)
				q->seg[s].gref = NO_SUCH_GRANT + first * 11 + i * 11 + s;
		}
		disk_push(&d);
		disk_wait(&d);
		for (uint32_t i = 0; i < RIG_RING; i++)
			assert_int_equal(d.status[first + i], ERROR);
	}
	disk_works(&d);
}

/* Pages beside those of the rig; @ref is the one to use. */
static struct {
	uint32_t target, pages, ref;
	uint32_t refs[RIG_PAGES + 8];
	bool writable;
	xengntshr_handle *shr;
	void *page;
} other;

static void share_other(void *arg)
{
	(void)arg;
	other.shr = xengntshr_open(NULL, 0);
	assert_non_null(other.shr);
	other.page = xengntshr_share_pages(other.shr, other.target, (int)other.pages,
	                                   other.refs, other.writable);
	assert_non_null(other.page);
	other.ref = other.refs[0];
}

static void other_new(uint32_t owner, uint32_t target, bool writable, uint32_t pages)
{
	other.target = target;
	other.writable = writable;
	other.pages = pages;
	as_guest(owner, share_other, NULL);
}

static void other_gone(void)
{
	xengntshr_unshare(other.shr, other.page, other.pages);
	xengntshr_close(other.shr);
}

static int run_on_other(uint8_t op)
{
	struct blkif_request *q = disk_add(&d, op, 1, 0, 80);
	uint64_t id = q->id;

	q->seg[0].gref = other.ref;
	disk_push(&d);
	disk_wait(&d);
	return d.status[id];
}

static void read_only_page(void **state)
{
	(void)state;
	other_new(RIG_GUEST, 0, false, 1);
	memset(other.page, 0x5c, XEN_PAGE);
	assert_int_equal(run_on_other(WRITE), OKAY);
	image_has(10, other.page);
	assert_int_equal(run_on_other(READ), ERROR);
	assert_int_equal(run_on_other(WRITE), OKAY);
	disk_works(&d);
	other_gone();
}

/* A page granted to another domain than ours is not ours to use. */
static void page_for_somebody_else(void **state)
{
	(void)state;
	other_new(RIG_GUEST, RIG_OTHER, true, 1);
	assert_int_equal(run_on_other(WRITE), ERROR);
	assert_int_equal(run_on_other(READ), ERROR);
	disk_works(&d);
	other_gone();
}

static bool granted_here(uint32_t ref)
{
	for (uint32_t i = 0; i < RIG_PAGES; i++)
		if (d.refs[i] == ref)
			return true;
	/* The first two are the console's and XenStore's. */
	return ref < 2 || ref == d.ring_ref;
}

/* A page of another guest, granted to us, is not reached through this guest's ring. */
static void page_of_another_guest(void **state)
{
	uint8_t before[XEN_PAGE];

	(void)state;
	assert_int_equal(pread(d.image, before, sizeof(before), (off_t)10 * XEN_PAGE),
	                 sizeof(before));
	/* Of a few more pages than this guest grants, one has a number of its own. */
	other_new(RIG_OTHER, 0, true, ARRAY_SIZE(other.refs));
	for (uint32_t i = 0; i < ARRAY_SIZE(other.refs); i++)
		if (!granted_here(other.refs[i]))
			other.ref = other.refs[i];
	assert_false(granted_here(other.ref));
	memset(other.page, 0x77, ARRAY_SIZE(other.refs) * (size_t)XEN_PAGE);
	assert_int_equal(run_on_other(WRITE), ERROR);
	image_has(10, before);
	disk_works(&d);
	other_gone();
}

/*
 * Without persistent grants nothing is mapped when a request has been answered: the guest
 * can take its page back and grant another under the same number.
 */
static void grant_numbers_are_reused(void **state)
{
	uint32_t ref = 0, same = 0;

	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		other_new(RIG_GUEST, 0, true, 1);
		same += other.ref == ref;
		ref = other.ref;
		memset(other.page, (int)i, XEN_PAGE);
		assert_int_equal(run_on_other(WRITE), OKAY);
		image_has(10, other.page);
		memset(other.page, 0, XEN_PAGE);
		assert_int_equal(run_on_other(READ), OKAY);
		image_has(10, other.page);
		other_gone();
	}
	assert_true(same > 0);
}

/* More pages than a ring may have mapped: the rest is copied. */
static void more_pages_than_the_budget(void **state)
{
	enum {
		CHUNK = 40,
		CHUNKS = 15
	};
	void *page[CHUNKS];
	uint32_t refs[CHUNKS][CHUNK];

	(void)state;
	for (uint32_t c = 0; c < CHUNKS; c++) {
		page[c] = xengntshr_share_pages(w.shr, 0, CHUNK, refs[c], 1);
		assert_non_null(page[c]);
	}
	for (uint32_t i = 0; i < 2 * CHUNKS * CHUNK; i++) {
		uint32_t c = i / CHUNK % CHUNKS;
		uint8_t *p = (uint8_t *)page[c] + (size_t)(i % CHUNK) * XEN_PAGE;
		struct blkif_request *q = disk_add(&d, WRITE, 1, 0, 8);
		uint64_t id = q->id;

		memset(p, (int)i, XEN_PAGE);
		q->seg[0].gref = refs[c][i % CHUNK];
		disk_push(&d);
		disk_wait(&d);
		assert_int_equal(d.status[id], OKAY);
		image_has(1, p);
	}
	disk_works(&d);
	disk_disconnect(&d);
	assert_int_equal(worker_served(&w, "map_pages"), 352);
	/* All of them once before they are mapped, and those of disk_works(). */
	assert_int_equal(worker_served(&w, "copy_segs"), 2 * CHUNK * CHUNKS - 352 + 2);
	for (uint32_t c = 0; c < CHUNKS; c++)
		xengntshr_unshare(w.shr, page[c], CHUNK);
	d.conf.flags |= BLK_RESUME;
	assert_int_equal(disk_connect(&d, NULL), 0);
}

/*
 * XSA-155: requests and pages change all the time while they are served. Whatever is made
 * of them, the worker and the guest's other disk stay well.
 */
static atomic_bool flip_stop;

/* What to write at word @at of a slot: no grant of this guest's other pages. */
static uint32_t flip_word(struct disk *f, uint32_t at, uint32_t x)
{
	uint32_t seg = offsetof(struct blkif_request, seg) / 4;
	/* Of a segment, or of the first indirect page. */
	bool gref = at >= seg && (at % 2 == 0 || at == seg + 1);

	if (gref)
		return x & 1 ? f->refs[x / 2 % RIG_PAGES] : x | NO_SUCH_GRANT;
	return x % 7 ? x % 16 : x;
}

static void *flip(void *arg)
{
	struct disk *f = arg;
	uint32_t x = 1234567;

	while (!atomic_load_explicit(&flip_stop, memory_order_relaxed)) {
		uint32_t *slot = (uint32_t *)disk_slot(f, x >> 20);

		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		__atomic_store_n(slot + x % 28, flip_word(f, x % 28, x),
		                 __ATOMIC_RELAXED);
		__atomic_store_n((uint32_t *)(void *)f->pages + x % 65536, x,
		                 __ATOMIC_RELAXED);
	}
	return NULL;
}

static void slots_change_while_they_are_read(void **state)
{
	pthread_t thread;
	struct disk f;

	(void)state;
	disk_up(&f, &w, d.conf.flags);
	atomic_store(&flip_stop, false);
	assert_int_equal(pthread_create(&thread, NULL, flip, &f), 0);
	for (uint32_t round = 0; round < 300; round++) {
		uint64_t end = now_ms() + RIG_WAIT_MS;

		for (uint32_t i = 0; i < RIG_RING; i++) {
			disk_add(&f, i & 1 ? READ : WRITE, 5, i, 8ULL * i);
			if (f.pushed == ARRAY_SIZE(f.answers))
				f.pushed = f.seen = ARRAY_SIZE(f.answers);
		}
		disk_push(&f);
		/* How many answers there are is all that can be relied on. */
		while (__atomic_load_n(&f.ring->rsp_prod, __ATOMIC_ACQUIRE) != f.pushed)
			assert_true(now_ms() < end);
		f.seen = f.pushed;
		if (f.pushed + RIG_RING > ARRAY_SIZE(f.answers))
			break;
	}
	atomic_store(&flip_stop, true);
	pthread_join(thread, NULL);
	assert_true(worker_alive(&w) && worker_silent(&w));
	disk_works(&d);
	disk_down(&f);
}

/* ---- Data that changes while it is written --------------------------------------- */

#define OLD  UINT64_C(0xa5a5a5a5a5a5a5a5)
#define NEW  UINT64_C(0x5a5a5a5a5a5a5a5a)
#define HELD 4U
#define AT   ((off_t)32 * BLK_SECTOR)

static void *flip_data(void *arg)
{
	uint64_t *word = arg;

	for (uint64_t v = OLD; !atomic_load(&flip_stop); v = v == OLD ? NEW : OLD)
		for (size_t i = 0; i < (size_t)HELD * XEN_PAGE / sizeof(*word); i++)
			__atomic_store_n(word + i, v, __ATOMIC_RELAXED);
	return NULL;
}

/*
 * The guest gets what it asked for, old or new in any mixture, where it asked for it and
 * nowhere else; and what was answered stays as it is, though the page goes on changing.
 */
static void data_changes_while_it_is_written(void **state)
{
	static uint64_t once[HELD * XEN_PAGE / 8], again[ARRAY_SIZE(once)];
	static uint8_t before[16 * XEN_PAGE], after[16 * XEN_PAGE];
	pthread_t thread;

	(void)state;
	assert_int_equal(pread(d.image, before, sizeof(before), 0), sizeof(before));
	/* The other thread may have its first turn late. */
	memset(disk_page(&d, 0), OLD & 0xff, (size_t)HELD * XEN_PAGE);
	atomic_store(&flip_stop, false);
	assert_int_equal(pthread_create(&thread, NULL, flip_data, disk_page(&d, 0)), 0);
	for (unsigned int round = 0; round < 300; round++) {
		assert_int_equal(disk_run(&d, round % 3 ? WRITE : FLUSH, HELD, 0, 32),
		                 OKAY);
		assert_int_equal(pread(d.image, once, sizeof(once), AT), sizeof(once));
		for (size_t i = 0; i < ARRAY_SIZE(once); i++)
			assert_true(once[i] == OLD || once[i] == NEW);
		assert_int_equal(pread(d.image, again, sizeof(again), AT), sizeof(again));
		assert_memory_equal(once, again, sizeof(once));
	}
	atomic_store(&flip_stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(pread(d.image, after, sizeof(after), 0), sizeof(after));
	memcpy(before + AT, once, sizeof(once));
	assert_memory_equal(before, after, sizeof(after));
	disk_works(&d);
}

int main(void)
{
#define TEST(f)                                                     \
	{                                                           \
#f " (copy)", f, disk_setup, disk_teardown, &copies \
	}
#define PERSISTENT(f)                                                         \
	{                                                                     \
#f " (persistent)", f, disk_setup, disk_teardown, &persistent \
	}
	const struct CMUnitTest tests[] = {
		TEST(one_bad_in_a_batch),
		PERSISTENT(one_bad_in_a_batch),
		TEST(all_bad_all_the_time),
		PERSISTENT(all_bad_all_the_time),
		TEST(read_only_page),
		PERSISTENT(read_only_page),
		TEST(page_for_somebody_else),
		PERSISTENT(page_for_somebody_else),
		TEST(page_of_another_guest),
		PERSISTENT(page_of_another_guest),
		TEST(grant_numbers_are_reused),
		PERSISTENT(more_pages_than_the_budget),
		TEST(slots_change_while_they_are_read),
		PERSISTENT(slots_change_while_they_are_read),
		TEST(data_changes_while_it_is_written),
		PERSISTENT(data_changes_while_it_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
