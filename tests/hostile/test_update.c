/* SPDX-License-Identifier: MIT */
/* A disk that grows while it is served: what UPDATE says is so when UPDATED is said. */
#include <string.h>
#include <sys/socket.h>

#include "disk.h"

static struct worker w;
static struct disk d;

static struct disk_rig rig = { .w = &w, .disk = { &d } };

static void update(const void *blob, size_t len)
{
	assert_int_equal(msg_send(w.sock, MSG_SUPER, MSG_UPDATE, d.handle, NULL, blob,
	                          len, NULL, 0),
	                 0);
}

static void grown_to(uint64_t sectors)
{
	struct blk_update u = { .sectors = sectors };
	struct msg m;

	update(&u, sizeof(u));
	worker_recv(&w, MSG_UPDATED, &m);
	assert_int_equal(m.dev, d.handle);
}

static void the_guest_may_use_what_it_is_told_of(void **state)
{
	(void)state;
	assert_int_equal(ftruncate(d.image, (off_t)DISK_SECTORS * 1024), 0);
	assert_int_equal(disk_run(&d, READ, 1, 0, DISK_SECTORS), ERROR);
	assert_int_equal(disk_run(&d, WRITE, 2, 0, DISK_SECTORS - 8), ERROR);
	for (int i = 1; i <= 100; i++) {
		uint64_t end = DISK_SECTORS + (uint64_t)i * 8;

		assert_int_equal(disk_run(&d, READ, 1, 0, end - 8), ERROR);
		grown_to(end);
		memset(disk_page(&d, 0), i, XEN_PAGE);
		assert_int_equal(disk_run(&d, WRITE, 1, 0, end - 8), OKAY);
		assert_int_equal(disk_run(&d, READ, 1, 1, end - 8), OKAY);
		assert_memory_equal(disk_page(&d, 0), disk_page(&d, 1), XEN_PAGE);
		assert_int_equal(disk_run(&d, READ, 1, 0, end), ERROR);
	}
}

/* Requests that a guest was promised go on: less is not a size for a disk in use. */
static void it_never_shrinks(void **state)
{
	(void)state;
	grown_to(8);
	grown_to(0);
	assert_int_equal(disk_run(&d, READ, 1, 0, DISK_SECTORS - 8), OKAY);
	/* Nor is a size what cannot be an offset. */
	assert_int_equal(ftruncate(d.image, (off_t)DISK_SECTORS * 1024), 0);
	grown_to(UINT64_MAX);
	grown_to(INT64_MAX / 512 + 1);
	assert_int_equal(disk_run(&d, READ, 1, 0, DISK_SECTORS), ERROR);
	disk_works(&d);
}

static void what_is_no_update_changes_nothing(void **state)
{
	uint64_t blob[3] = { 2 * (uint64_t)DISK_SECTORS };
	struct msg m;

	(void)state;
	update(blob, 4);
	worker_recv(&w, MSG_UPDATED, &m);
	update(blob, sizeof(blob));
	worker_recv(&w, MSG_UPDATED, &m);
	assert_int_equal(disk_run(&d, READ, 1, 0, DISK_SECTORS), ERROR);
	disk_works(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DISK_TEST(the_guest_may_use_what_it_is_told_of, &rig),
		DISK_TEST(it_never_shrinks, &rig),
		DISK_TEST(what_is_no_update_changes_nothing, &rig),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
