/* SPDX-License-Identifier: MIT */
/* The engine on real files, pipes and limits. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <cmocka.h>

#include <liburing.h>

#include "store.h"

#define PAGE     ((size_t)4096)
#define POOL_LEN (32 * PAGE)

struct fixture {
	struct store *s;
	int fd; /* another descriptor of the image */
	uint8_t *pool;
};

static int image_open(off_t size, int flags)
{
	char path[256];
	const char *dir = getenv("TMPDIR");
	int fd;

	snprintf(path, sizeof(path), "%s/image.XXXXXX", dir ? dir : "/tmp");
	fd = mkostemp(path, flags);
	if (fd >= 0) {
		unlink(path);
		if (ftruncate(fd, size))
			fail();
	}
	return fd;
}

/* Enough for each of the tests. */
#define DEPTH 32U

static struct store *store_on(int fd, void *pool, size_t len)
{
	struct store_conf c = { .fd = fd, .depth = DEPTH, .pool = pool, .pool_len = len };
	struct store *s;
	char text[200] = "";

	if (store_uring_open(&c, &s, text, sizeof(text)))
		fail_msg("%s", text);
	s->ops->start(s);
	return s;
}

static int setup(void **state)
{
	static struct fixture f;

	f.fd = image_open(1 << 20, 0);
	assert_true(f.fd >= 0);
	f.pool = mmap(NULL, POOL_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	              -1, 0);
	f.s = store_on(dup(f.fd), f.pool, POOL_LEN);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	f->s->ops->close(f->s);
	close(f->fd);
	munmap(f->pool, POOL_LEN);
	return 0;
}

/* Wait until @n I/Os have completed, each of them once. */
static void reap(struct store *s, unsigned int n)
{
	while (n) {
		s->ops->wait(s, STORE_FOREVER);
		for (struct store_io *io = s->ops->reap(s); io; io = io->next) {
			assert_true(n);
			n--;
		}
	}
	assert_int_equal(s->ops->wait(s, 0), 0);
	assert_null(s->ops->reap(s));
}

static int run(struct store *s, enum store_op op, uint64_t off, struct iovec *iov,
               unsigned int niov, bool pooled)
{
	struct store_io io = {
		.op = op, .off = off, .iov = iov, .niov = niov, .pooled = pooled, .err = 1
	};

	s->ops->submit(s, &io);
	reap(s, 1);
	return io.err;
}

static void fill(uint8_t *p, size_t n, uint32_t seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)((i * 2654435761U + seed) >> 13);
}

static void data_goes_where_it_should(void **state)
{
	struct fixture *f = *state;
	uint8_t a[1000], b[3000], got[4000], want[4000];
	struct iovec iov[2] = { { a, sizeof(a) }, { b, sizeof(b) } };

	fill(want, sizeof(want), 1);
	memcpy(a, want, sizeof(a));
	memcpy(b, want + sizeof(a), sizeof(b));
	assert_int_equal(run(f->s, STORE_WRITE, 12345, iov, 2, false), 0);
	assert_int_equal(pread(f->fd, got, sizeof(got), 12345), sizeof(got));
	assert_memory_equal(got, want, sizeof(want));
	assert_int_equal(run(f->s, STORE_FLUSH, 0, iov, 0, false), 0);

	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	iov[0] = (struct iovec){ a, sizeof(a) };
	iov[1] = (struct iovec){ b, sizeof(b) };
	assert_int_equal(run(f->s, STORE_READ, 12345, iov, 2, false), 0);
	assert_memory_equal(a, want, sizeof(a));
	assert_memory_equal(b, want + sizeof(a), sizeof(b));

	memcpy(f->pool + 8192, want, sizeof(want));
	iov[0] = (struct iovec){ f->pool + 8192, sizeof(want) };
	assert_int_equal(run(f->s, STORE_WRITE, 500000, iov, 1, true), 0);
	iov[0] = (struct iovec){ f->pool + 16384, sizeof(want) };
	assert_int_equal(run(f->s, STORE_READ, 500000, iov, 1, true), 0);
	assert_memory_equal(f->pool + 16384, want, sizeof(want));
}

static void thirty_two_at_once_in_few_calls(void **state)
{
	struct fixture *f = *state;
	struct store_io io[DEPTH];
	struct iovec iov[DEPTH];
	uint8_t got[4096], want[4096];
	uint64_t calls = f->s->calls;

	for (uint32_t i = 0; i < DEPTH; i++) {
		fill(f->pool + i * PAGE, PAGE, i);
		iov[i] = (struct iovec){ f->pool + i * PAGE, PAGE };
		io[i] = (struct store_io){ .op = STORE_WRITE,
			                   .off = (31 - i) * PAGE,
			                   .iov = &iov[i],
			                   .niov = 1,
			                   .pooled = i & 1,
			                   .durable = i == 5,
			                   .err = 1 };
		f->s->ops->submit(f->s, &io[i]);
	}
	assert_int_equal(f->s->calls, calls);
	reap(f->s, DEPTH);
	assert_true(f->s->calls - calls <= DEPTH);
	for (uint32_t i = 0; i < DEPTH; i++) {
		assert_int_equal(io[i].err, 0);
		fill(want, sizeof(want), i);
		assert_int_equal(pread(f->fd, got, sizeof(got), (off_t)((31 - i) * PAGE)),
		                 sizeof(got));
		assert_memory_equal(got, want, sizeof(want));
	}
}

static void image_that_is_too_short_is_an_error_of_the_request(void **state)
{
	struct fixture *f = *state;
	uint8_t b[8192];
	struct iovec iov = { b, sizeof(b) };

	/* Half of it is there: a short read, then nothing. */
	assert_int_equal(run(f->s, STORE_READ, (1 << 20) - 4096, &iov, 1, false), -EIO);
	iov = (struct iovec){ b, sizeof(b) };
	assert_int_equal(run(f->s, STORE_READ, 1 << 21, &iov, 1, false), -EIO);
	iov = (struct iovec){ b, sizeof(b) };
	assert_int_equal(run(f->s, STORE_READ, 0, &iov, 1, false), 0);
}

/* A limit of the file size stands for a full file system: it also ends in mid-write. */
static void full_storage_is_an_error_of_the_request(void **state)
{
	struct fixture *f = *state;
	struct rlimit old, lim;
	uint8_t b[8192] = { 1 };
	struct iovec iov = { b, sizeof(b) };
	int split, whole, fits;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	lim = old;
	lim.rlim_cur = (1 << 20) + 4096;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &lim), 0);
	split = run(f->s, STORE_WRITE, 1 << 20, &iov, 1, false);
	iov = (struct iovec){ b, sizeof(b) };
	whole = run(f->s, STORE_WRITE, 1 << 21, &iov, 1, false);
	iov = (struct iovec){ b, sizeof(b) };
	fits = run(f->s, STORE_WRITE, 4096, &iov, 1, false);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(split, -EFBIG);
	assert_int_equal(whole, -EFBIG);
	assert_int_equal(fits, 0);
}

/* A pipe gives what it has: each read is short, and goes on across the pieces. */
static void short_read_goes_on(void **state)
{
	uint8_t want[6000], a[1500], b[3000], c[1500];
	struct iovec iov[3] = { { a, sizeof(a) }, { b, sizeof(b) }, { c, sizeof(c) } };
	struct store_io io = { .op = STORE_READ, .iov = iov, .niov = 3, .err = 1 };
	static const size_t parts[] = { 1000, 499, 1, 1, 2999, 1500 };
	size_t sent = 0;
	struct store *s;
	int p[2];

	(void)state;
	fill(want, sizeof(want), 9);
	assert_int_equal(pipe(p), 0);
	s = store_on(p[0], NULL, 0);
	s->ops->submit(s, &io);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		assert_null(s->ops->reap(s));
		assert_int_equal(write(p[1], want + sent, parts[i]), parts[i]);
		sent += parts[i];
		/* Until this part has been taken, and no longer. */
		while (io.err == 1 && io.left != sizeof(want) - sent)
			s->ops->wait(s, 1000000);
	}
	assert_ptr_equal(s->ops->reap(s), &io);
	assert_int_equal(io.err, 0);
	assert_memory_equal(a, want, sizeof(a));
	assert_memory_equal(b, want + sizeof(a), sizeof(b));
	assert_memory_equal(c, want + sizeof(a) + sizeof(b), sizeof(c));
	s->ops->close(s);
	close(p[1]);
}

static void watches_end_the_sleep(void **state)
{
	struct fixture *f = *state;
	struct store *s = f->s;
	int p[2], q[2];
	char c;

	assert_int_equal(pipe(p), 0);
	assert_int_equal(pipe(q), 0);
	s->ops->watch(s, 0, p[0]);
	s->ops->watch(s, 1, q[0]);
	assert_int_equal(s->ops->wait(s, 1000), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(write(q[1], "x", 1), 1);
		assert_int_equal(s->ops->wait(s, STORE_FOREVER), 2);
		assert_int_equal(read(q[0], &c, 1), 1);
		assert_int_equal(s->ops->wait(s, 1000), 0);
	}
	assert_int_equal(write(p[1], "x", 1), 1);
	assert_int_equal(s->ops->wait(s, STORE_FOREVER), 1);
	/* Not read, so reported again; forgotten, so not. */
	assert_int_equal(s->ops->wait(s, STORE_FOREVER), 1);
	s->ops->watch(s, 0, -1);
	assert_int_equal(s->ops->wait(s, 1000), 0);
	close(p[0]);
	close(p[1]);
	close(q[0]);
	close(q[1]);
}

/* What a ring left behind would be closed some time later. */
static void close_lets_go_of_everything(void **state)
{
	int fd = image_open(4096, 0);
	int p[2];
	struct store *s;
	char c;

	(void)state;
	assert_int_equal(pipe2(p, O_NONBLOCK), 0);
	s = store_on(fd, NULL, 0);
	s->ops->watch(s, 0, p[1]);
	assert_int_equal(s->ops->wait(s, 1000), 0);
	close(p[1]);
	assert_int_equal(read(p[0], &c, 1), -1);
	s->ops->close(s);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	/* The only writer is gone if the ring has let go of it: end of file. */
	assert_int_equal(read(p[0], &c, 1), 0);
	close(p[0]);
}

static void direct_io_from_the_pool(void **state)
{
	int fd = image_open(1 << 20, O_DIRECT);
	uint8_t *pool = mmap(NULL, POOL_LEN, PROT_READ | PROT_WRITE,
	                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec iov[2] = { { pool, 8192 } };
	struct store *s;
	int rc;

	(void)state;
	if (fd < 0) {
		print_message("no O_DIRECT in TMPDIR\n");
		skip();
	}
	s = store_on(fd, pool, POOL_LEN);
	fill(pool, 8192, 3);
	rc = run(s, STORE_WRITE, 65536, iov, 1, true);
	assert_int_equal(rc, 0);
	iov[0] = (struct iovec){ pool + 16384, 4096 };
	iov[1] = (struct iovec){ pool + 40960, 4096 };
	assert_int_equal(run(s, STORE_READ, 65536, iov, 2, false), 0);
	assert_memory_equal(pool + 16384, pool, 4096);
	assert_memory_equal(pool + 40960, pool + 4096, 4096);
	s->ops->close(s);
	munmap(pool, POOL_LEN);
}

static bool uring_to_be_had(void)
{
	struct io_uring r;
	int rc = io_uring_queue_init(1, &r, 0);

	if (rc == 0)
		io_uring_queue_exit(&r);
	return rc == 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(data_goes_where_it_should, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(thirty_two_at_once_in_few_calls, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(
			image_that_is_too_short_is_an_error_of_the_request, setup,
			teardown),
		cmocka_unit_test_setup_teardown(full_storage_is_an_error_of_the_request,
		                                setup, teardown),
		cmocka_unit_test(short_read_goes_on),
		cmocka_unit_test_setup_teardown(watches_end_the_sleep, setup, teardown),
		cmocka_unit_test(close_lets_go_of_everything),
		cmocka_unit_test(direct_io_from_the_pool),
	};

	if (!uring_to_be_had()) {
		printf("this machine does not let us use io_uring\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
