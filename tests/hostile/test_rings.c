/* SPDX-License-Identifier: MIT */
/* A guest that lies about rings: large ones, several of a disk, and the same one again.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "disk.h"

#define NO_SUCH_GRANT 0x10000U

static struct worker w;
static struct disk d;

static struct disk_rig large = { .w = &w, .disk = { &d }, .pages = 16 };

/* All slots of the largest ring, and one more, which is a lie. */
static void largest_ring(void **state)
{
	struct msg m;

	(void)state;
	for (uint32_t round = 0; round < 10; round++) {
		for (uint32_t i = 0; i < d.slots; i++)
			disk_add(&d, i & 1 ? READ : WRITE, 11, i, 8ULL * (i % 400));
		disk_push(&d);
		disk_wait(&d);
		for (uint32_t i = 0; i < d.pushed; i++)
			assert_int_equal(d.status[i], OKAY);
	}
	disk_works(&d);
	d.ring->req_prod = d.pushed + d.slots + 1;
	disk_notify(&d);
	worker_recv(&w, MSG_FAILED, &m);
	assert_int_equal(m.u.result.err, EPROTO);
}

/* Two rings of one disk: the first is @d, the second @e, whose image is not used. */
static struct disk e;

static void two_rings(void)
{
	disk_share(&d, &w, 0);
	disk_share(&e, &w, 0);
	disk_add_ring(&d, &e);
}

static void two_rings_serve_one_image(void **state)
{
	uint8_t b[XEN_PAGE];

	(void)state;
	two_rings();
	assert_int_equal(disk_connect(&d, NULL), 0);
	assert_int_equal(worker_count(&w, "task"), 3);
	disk_works(&d);
	memset(disk_page(&e, 3), 0x77, XEN_PAGE);
	assert_int_equal(disk_run(&e, WRITE, 1, 3, 800), OKAY);
	assert_int_equal(pread(d.image, b, sizeof(b), 800L * BLK_SECTOR), sizeof(b));
	assert_memory_equal(b, disk_page(&e, 3), XEN_PAGE);
	assert_int_equal(disk_run(&d, READ, 1, 4, 800), OKAY);
	assert_memory_equal(b, disk_page(&d, 4), XEN_PAGE);
	disk_down(&d);
	disk_unshare(&e);
	assert_int_equal(worker_holds(&w), 0);
	assert_int_equal(worker_served(&w, "requests"), 4);
}

/* The second of them cannot be had: the first is given back, and nothing was served. */
static void half_a_disk_is_none(void **state)
{
	unsigned int fds = worker_count(&w, "fd");

	(void)state;
	for (int how = 0; how < 3; how++) {
		two_rings();
		if (how == 0)
			d.conf.queue[1].ref[0] = NO_SUCH_GRANT;
		else if (how == 1)
			d.conf.queue[1].evtchn = 900;
		else
			d.conf.queue[1].evtchn = d.conf.queue[0].evtchn;
		disk_add(&d, WRITE, 1, 0, 0);
		disk_push(&d);
		assert_true(disk_connect(&d, NULL) > 0);
		assert_int_equal(worker_holds(&w), 0);
		assert_int_equal(worker_count(&w, "fd"), fds);
		assert_int_equal(worker_count(&w, "task"), 1);
		assert_int_equal(d.ring->rsp_prod, 0);
		disk_unshare(&d);
		disk_unshare(&e);
	}
}

/* One ring is broken: the other goes on, and FAILED is said once. */
static void one_broken_ring_of_two(void **state)
{
	struct msg m;

	(void)state;
	two_rings();
	assert_int_equal(disk_connect(&d, NULL), 0);
	e.ring->req_prod = 1000;
	disk_notify(&e);
	worker_recv(&w, MSG_FAILED, &m);
	for (int i = 0; i < 20; i++)
		disk_works(&d);
	d.ring->req_prod = d.pushed + 1000;
	disk_notify(&d);
	disk_disconnect(&d);
	assert_true(worker_silent(&w));
	disk_unshare(&d);
	disk_unshare(&e);
	assert_int_equal(worker_holds(&w), 0);
}

/* What a supervisor never says. */
static void bad_configurations(void **state)
{
	(void)state;
	for (int how = 0; how < 7; how++) {
		two_rings();
		switch (how) {
		case 0:
			d.conf.nqueues = 0;
			break;
		case 1:
			d.conf.ring_pages = 0;
			break;
		case 2:
			d.conf.ring_pages = 3;
			break;
		case 3:
			d.conf.ring_pages = 32;
			break;
		case 4:
			d.conf.protocol = BLK_PROTO_N;
			break;
		case 5:
			d.conf.persistent = BLK_PERSISTENT_MAX + 1;
			break;
		default:
			d.conf.flags = 0x80000000;
			break;
		}
		assert_int_equal(disk_connect(&d, NULL), EINVAL);
		disk_unshare(&d);
		disk_unshare(&e);
	}
}

/*
 * The guest disconnects, gives other pages under the numbers that were mapped, and
 * connects again, as after kexec: what was mapped is forgotten.
 */
static void grants_are_forgotten_at_the_end(void **state)
{
	uint8_t b[XEN_PAGE];

	(void)state;
	disk_up(&d, &w, BLK_PERSISTENT);
	for (uint32_t round = 0; round < 5; round++) {
		uint32_t refs[RIG_PAGES], same = 0;

		/* Often enough that they are mapped. */
		for (uint32_t i = 0; i < 100; i++) {
			memset(disk_page(&d, i % RIG_PAGES), (int)(round + i + 1),
			       XEN_PAGE);
			assert_int_equal(disk_run(&d, WRITE, 1, i % RIG_PAGES, 8), OKAY);
			assert_int_equal(pread(d.image, b, sizeof(b), XEN_PAGE),
			                 sizeof(b));
			assert_memory_equal(b, disk_page(&d, i % RIG_PAGES), XEN_PAGE);
		}
		assert_true(worker_holds(&w) > RIG_PAGES / 2);
		disk_disconnect(&d);
		assert_int_equal(worker_holds(&w), 0);
		memcpy(refs, d.refs, sizeof(refs));
		xengntshr_unshare(w.shr, d.pages, RIG_PAGES);
		d.pages = xengntshr_share_pages(w.shr, 0, RIG_PAGES, d.refs, 1);
		assert_non_null(d.pages);
		for (uint32_t i = 0; i < RIG_PAGES * RIG_PAGES; i++)
			same += refs[i / RIG_PAGES] == d.refs[i % RIG_PAGES];
		assert_true(same > 0);
		d.conf.flags |= BLK_RESUME;
		assert_int_equal(disk_connect(&d, NULL), 0);
	}
	disk_down(&d);
}

int main(void)
{
#define TEST(f) WORKER_TEST(f, &w)
	const struct CMUnitTest tests[] = {
		DISK_TEST(largest_ring, &large), TEST(two_rings_serve_one_image),
		TEST(half_a_disk_is_none),       TEST(one_broken_ring_of_two),
		TEST(bad_configurations),        TEST(grants_are_forgotten_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
