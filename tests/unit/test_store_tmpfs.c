/* SPDX-License-Identifier: MIT */
/* An image on tmpfs: what is small is done at once, in batches; the engine has the rest.
 */
#include <sys/syscall.h>

#include "store_fixture.h"
#include "store_tmpfs.h"

/* Plain reads, in front of libc's. */
static unsigned int plain;

ssize_t pread(int fd, void *buf, size_t len, off_t off)
{
	plain++;
	return syscall(SYS_pread64, fd, buf, len, off);
}

ssize_t preadv2(int fd, const struct iovec *iov, int niov, off_t off, int flags)
{
	plain++;
	return syscall(SYS_preadv2, fd, iov, (unsigned long)niov, off, 0L, flags);
}

/* Plain reads that one of @len takes, in @niov pieces. */
static unsigned int plain_for(struct store *s, size_t len, unsigned int niov)
{
	static uint8_t data[2 * STORE_TMPFS_MAX];
	struct iovec iov[2] = { { data, niov == 1 ? len : 512 },
		                { data + 512, len - 512 } };

	plain = 0;
	assert_int_equal(run(s, STORE_READ, 4096, iov, niov, 0), 0);
	return plain;
}

static void small_ones_and_no_others(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(plain_for(f->s, 512, 1), 1);
	assert_int_equal(plain_for(f->s, STORE_TMPFS_MAX, 1), 1);
	assert_int_equal(plain_for(f->s, STORE_TMPFS_MAX, 2), 1);
	if (!uring_to_be_had())
		return;
	assert_int_equal(plain_for(f->s, STORE_TMPFS_MAX + 512, 1), 0);
	assert_int_equal(plain_for(f->s, STORE_TMPFS_MAX + 512, 2), 0);
}

#define BATCH (STORE_TMPFS_BATCH / (uint32_t)PAGE)

/* @n reads come from @s, @batch at a time; meanwhile it hears of its watches. */
static void batches(struct store *s, uint32_t n, uint32_t batch)
{
	static uint8_t data[PAGE];
	struct store_io io[4 * BATCH + 2], *done;
	struct iovec iov = { data, PAGE };
	uint32_t over = 0, heard = 0;
	int p[2];

	assert_in_range(n, 1, ARRAY_SIZE(io));
	assert_int_equal(pipe(p), 0);
	s->ops->watch(s, 1, p[0]);
	assert_int_equal(write(p[1], "x", 1), 1);
	for (uint32_t i = 0; i < n; i++) {
		io[i] = (struct store_io){ .op = STORE_READ,
			                   .off = i * PAGE,
			                   .iov = &iov,
			                   .niov = 1,
			                   .err = 1 };
		store_submit(s, &io[i]);
	}
	assert_null(s->ops->reap(s));
	for (uint32_t most = batch; over < n; most += batch) {
		heard |= s->ops->wait(s, STORE_FOREVER);
		for (done = s->ops->reap(s); done; done = done->next) {
			assert_ptr_equal(done, &io[over++]);
			assert_int_equal(done->err, 0);
		}
		assert_int_equal(over, most < n ? most : n);
	}
	assert_int_equal(heard, 2);
	s->ops->watch(s, 1, -1);
	close(p[0]);
	close(p[1]);
}

/* Their user is not kept waiting for all: a quarter at a time, and of many no more. */
static void many_are_done_in_batches(void **state)
{
	struct fixture *f = *state;

	batches(f->s, 4 * BATCH + 2, BATCH);
	batches(f->s, BATCH, BATCH / 4);
	batches(f->s, 4, 1);
	batches(f->s, 1, 1);
}

/* Nothing is lost of either kind when both are there. */
static void small_and_large_together(void **state)
{
	static uint8_t all[1 << 20], got[16][STORE_TMPFS_MAX + PAGE];
	struct fixture *f = *state;
	struct store_io io[16];
	struct iovec iov[16];
	uint64_t before = f->s->calls;

	fill(all, sizeof(all), 1);
	assert_int_equal(pwrite(f->fd, all, sizeof(all), 0), sizeof(all));
	for (uint32_t i = 0; i < ARRAY_SIZE(io); i++) {
		iov[i] = (struct iovec){ got[i], i & 1 ? sizeof(got[i]) : PAGE };
		io[i] = (struct store_io){ .op = STORE_READ,
			                   .off = i * PAGE,
			                   .iov = &iov[i],
			                   .niov = 1,
			                   .err = 1,
			                   .next = i + 1 < ARRAY_SIZE(io) ? &io[i + 1]
			                                                  : NULL };
	}
	f->s->ops->submit(f->s, io);
	reap(f->s, ARRAY_SIZE(io));
	for (uint32_t i = 0; i < ARRAY_SIZE(io); i++) {
		assert_int_equal(io[i].err, 0);
		assert_memory_equal(got[i], all + i * PAGE,
		                    i & 1 ? sizeof(got[i]) : PAGE);
	}
	/* Those of both are counted. */
	assert_true(f->s->calls - before > ARRAY_SIZE(io) / 2);
}

static const char *name_of(enum store_engine e, int fd)
{
	static char name[32];
	struct store *s;

	engine = e;
	s = store_on(fd, NULL, 0);
	snprintf(name, sizeof(name), "%s", s->ops->name);
	s->ops->close(s);
	return name;
}

static void which_images(void **state)
{
	const char *best = uring_to_be_had() ? "io_uring" : "threads";
	char with[32];
	int disk;

	(void)state;
	snprintf(with, sizeof(with), "%s+tmpfs", best);
	assert_string_equal(name_of(STORE_AUTO, image_open(4096, 0)), with);
	/* Who names an engine gets it. */
	assert_string_equal(name_of(STORE_THREADS, image_open(4096, 0)), "threads");
	if (uring_to_be_had())
		assert_string_equal(name_of(STORE_URING, image_open(4096, 0)),
		                    "io_uring");
	engine = STORE_AUTO;
	on_tmpfs = false;
	disk = image_open(4096, 0);
	assert_string_equal(name_of(STORE_AUTO, dup(disk)),
	                    store_is_tmpfs(disk) ? with : best);
	close(disk);
	/* A node of a device is no storage. */
	disk = open("/dev/zero", O_RDONLY);
	assert_false(store_is_tmpfs(disk));
	close(disk);
	on_tmpfs = true;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(small_ones_and_no_others, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(many_are_done_in_batches, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(small_and_large_together, setup,
		                                teardown),
		cmocka_unit_test(which_images),
	};

	on_tmpfs = true;
	return run_by(STORE_AUTO, tests);
}
