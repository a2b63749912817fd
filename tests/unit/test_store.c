/* SPDX-License-Identifier: MIT */
/* Each engine on real files, pipes and limits: the same tests. */
#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "store_fixture.h"

/*
 * The system calls of an engine without io_uring, in front of libc's: @shorten bytes are
 * moved at most, every other attempt fails with @transient.
 */
static struct {
	size_t shorten;
	int transient;
	unsigned int calls;
	unsigned int durable;
} inject;

static ssize_t injected(long nr, int fd, const struct iovec *iov, int niov, off_t off,
                        int flags)
{
	struct iovec first = iov[0];

	if (inject.transient && inject.calls++ % 2 == 0) {
		errno = inject.transient;
		return -1;
	}
	if (!inject.shorten)
		return syscall(nr, fd, iov, (unsigned long)niov, off, 0L, flags);
	if (first.iov_len > inject.shorten)
		first.iov_len = inject.shorten;
	return syscall(nr, fd, &first, 1UL, off, 0L, flags);
}

ssize_t preadv2(int fd, const struct iovec *iov, int niov, off_t off, int flags)
{
	return injected(SYS_preadv2, fd, iov, niov, off, flags);
}

ssize_t pwritev2(int fd, const struct iovec *iov, int niov, off_t off, int flags)
{
	if (flags & RWF_DSYNC)
		__atomic_add_fetch(&inject.durable, 1, __ATOMIC_RELAXED);
	return injected(SYS_pwritev2, fd, iov, niov, off, flags);
}

/* What has one piece takes the short way: no list of them. */
static ssize_t injected_one(long nr, int fd, const void *buf, size_t len, off_t off)
{
	if (inject.transient && inject.calls++ % 2 == 0) {
		errno = inject.transient;
		return -1;
	}
	if (inject.shorten && len > inject.shorten)
		len = inject.shorten;
	return syscall(nr, fd, buf, len, off);
}

ssize_t pread(int fd, void *buf, size_t len, off_t off)
{
	return injected_one(SYS_pread64, fd, buf, len, off);
}

ssize_t pwrite(int fd, const void *buf, size_t len, off_t off)
{
	return injected_one(SYS_pwrite64, fd, buf, len, off);
}

static bool by_uring(void)
{
	return engine != STORE_THREADS && uring_to_be_had();
}

static void data_goes_where_it_should(void **state)
{
	struct fixture *f = *state;
	uint8_t a[1000], b[3000], got[4000], want[4000];
	struct iovec iov[2] = { { a, sizeof(a) }, { b, sizeof(b) } };

	fill(want, sizeof(want), 1);
	memcpy(a, want, sizeof(a));
	memcpy(b, want + sizeof(a), sizeof(b));
	assert_int_equal(run(f->s, STORE_WRITE, 12345, iov, 2, 0), 0);
	assert_int_equal(pread(f->fd, got, sizeof(got), 12345), sizeof(got));
	assert_memory_equal(got, want, sizeof(want));
	assert_int_equal(run(f->s, STORE_FLUSH, 0, iov, 0, 0), 0);

	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	iov[0] = (struct iovec){ a, sizeof(a) };
	iov[1] = (struct iovec){ b, sizeof(b) };
	assert_int_equal(run(f->s, STORE_READ, 12345, iov, 2, 0), 0);
	assert_memory_equal(a, want, sizeof(a));
	assert_memory_equal(b, want + sizeof(a), sizeof(b));

	memcpy(f->pool + 8192, want, sizeof(want));
	iov[0] = (struct iovec){ f->pool + 8192, sizeof(want) };
	assert_int_equal(run(f->s, STORE_WRITE, 500000, iov, 1, POOL), 0);
	iov[0] = (struct iovec){ f->pool + 16384, sizeof(want) };
	assert_int_equal(run(f->s, STORE_READ, 500000, iov, 1, POOL), 0);
	assert_memory_equal(f->pool + 16384, want, sizeof(want));
}

/* A piece is told anew, forgotten, told elsewhere; and one engine has no use for any. */
static void pieces_of_memory_come_and_go(void **state)
{
	struct fixture *f = *state;
	uint8_t got[PAGE];

	for (uint32_t i = 0; i < 20; i++) {
		uint32_t piece = i & 1 ? STORE_PIECES : 2;
		uint8_t *page = f->pool + i * PAGE;
		struct iovec iov = { page, PAGE };

		if (i < 16)
			store_memory(f->s, piece, page, PAGE);
		else
			store_memory(f->s, piece, NULL, 0);
		fill(page, PAGE, i);
		assert_int_equal(run(f->s, STORE_WRITE, i * PAGE, &iov, 1, piece), 0);
		assert_int_equal(pread(f->fd, got, PAGE, (off_t)(i * PAGE)), PAGE);
		assert_memory_equal(got, page, PAGE);
		memset(page, 0, PAGE);
		iov = (struct iovec){ page, PAGE };
		assert_int_equal(run(f->s, STORE_READ, i * PAGE, &iov, 1, piece), 0);
		assert_memory_equal(got, page, PAGE);
	}
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
			                   .piece = i & 1 ? POOL : 0,
			                   .durable = i == 5,
			                   .err = 1 };
		store_submit(f->s, &io[i]);
	}
	assert_int_equal(f->s->calls, calls);
	reap(f->s, DEPTH);
	assert_true(engine != STORE_URING || f->s->calls - calls <= DEPTH);
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
	assert_int_equal(run(f->s, STORE_READ, (1 << 20) - 4096, &iov, 1, 0), -EIO);
	iov = (struct iovec){ b, sizeof(b) };
	assert_int_equal(run(f->s, STORE_READ, 1 << 21, &iov, 1, 0), -EIO);
	iov = (struct iovec){ b, sizeof(b) };
	assert_int_equal(run(f->s, STORE_READ, 0, &iov, 1, 0), 0);
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
	split = run(f->s, STORE_WRITE, 1 << 20, &iov, 1, 0);
	iov = (struct iovec){ b, sizeof(b) };
	whole = run(f->s, STORE_WRITE, 1 << 21, &iov, 1, 0);
	iov = (struct iovec){ b, sizeof(b) };
	fits = run(f->s, STORE_WRITE, 4096, &iov, 1, 0);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(split, -EFBIG);
	assert_int_equal(whole, -EFBIG);
	assert_int_equal(fits, 0);
}

/* Short, interrupted and put off at once: each byte is moved, once, where it belongs. */
static void interrupted_calls_go_on(void **state)
{
	static const int transient[] = { 0, EINTR, EAGAIN };
	struct fixture *f = *state;
	uint8_t want[6000], got[6000], a[1500], b[3000], c[1500];
	struct iovec iov[3];

	for (size_t i = 0; i < ARRAY_SIZE(transient); i++) {
		fill(want, sizeof(want), (uint32_t)i);
		memcpy(a, want, sizeof(a));
		memcpy(b, want + 1500, sizeof(b));
		memcpy(c, want + 4500, sizeof(c));
		for (int op = STORE_WRITE; op >= STORE_READ; op--) {
			iov[0] = (struct iovec){ a, sizeof(a) };
			iov[1] = (struct iovec){ b, sizeof(b) };
			iov[2] = (struct iovec){ c, sizeof(c) };
			inject.shorten = 700;
			inject.transient = transient[i];
			assert_int_equal(run(f->s, (enum store_op)op, 4321, iov, 3, 0),
			                 0);
			inject.shorten = 0;
			inject.transient = 0;
			assert_int_equal(pread(f->fd, got, sizeof(got), 4321),
			                 sizeof(got));
			assert_memory_equal(got, want, sizeof(want));
			if (op == STORE_WRITE) {
				memset(a, 0, sizeof(a));
				memset(b, 0, sizeof(b));
				memset(c, 0, sizeof(c));
			}
		}
		assert_memory_equal(a, want, sizeof(a));
		assert_memory_equal(b, want + 1500, sizeof(b));
		assert_memory_equal(c, want + 4500, sizeof(c));
	}
}

static void durable_writes_say_so(void **state)
{
	struct fixture *f = *state;
	uint8_t b[512] = { 7 };
	struct iovec iov = { b, sizeof(b) };

	inject.durable = 0;
	assert_int_equal(
		run_io(f->s,
	               (struct store_io){ .op = STORE_WRITE, .iov = &iov, .niov = 1 }),
		0);
	assert_int_equal(inject.durable, 0);
	iov = (struct iovec){ b, sizeof(b) };
	assert_int_equal(run_io(f->s, (struct store_io){ .op = STORE_WRITE,
	                                                 .iov = &iov,
	                                                 .niov = 1,
	                                                 .durable = true }),
	                 0);
	if (engine != STORE_URING)
		assert_int_equal(inject.durable, 1);
}

/* The largest ring, both watches, and the end of it while the watches are there. */
static void five_hundred_and_twelve_at_once(void **state)
{
	static struct store_io io[STORE_DEPTH_MAX];
	static struct iovec iov[STORE_DEPTH_MAX];
	static uint8_t data[STORE_DEPTH_MAX][512], got[512];
	int fd = image_open(1 << 20, 0), p[2];
	struct store *s = store_of(dup(fd), STORE_DEPTH_MAX, NULL, 0);

	(void)state;
	assert_int_equal(pipe(p), 0);
	s->ops->watch(s, 0, p[0]);
	s->ops->watch(s, 1, p[0]);
	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < STORE_DEPTH_MAX; i++) {
			fill(data[i], 512, i + (uint32_t)round);
			iov[i] = (struct iovec){ data[i], 512 };
			io[i] = (struct store_io){ .op = STORE_WRITE,
				                   .off = i * UINT64_C(512),
				                   .iov = &iov[i],
				                   .niov = 1,
				                   .err = 1 };
			store_submit(s, &io[i]);
		}
		reap(s, STORE_DEPTH_MAX);
		for (uint32_t i = 0; i < STORE_DEPTH_MAX; i++) {
			assert_int_equal(io[i].err, 0);
			assert_int_equal(pread(fd, got, 512, (off_t)i * 512), 512);
			assert_memory_equal(got, data[i], 512);
		}
	}
	s->ops->close(s);
	close(p[0]);
	close(p[1]);
	close(fd);
}

static void an_error_is_the_requests(void **state)
{
	struct fixture *f = *state;
	uint8_t b[512];
	struct iovec iov = { b, sizeof(b) };
	struct store *s;
	int fd = image_again(f->fd, O_RDONLY);

	assert_true(fd >= 0);
	s = store_on(fd, NULL, 0);
	assert_int_equal(run(s, STORE_WRITE, 0, &iov, 1, 0), -EBADF);
	iov = (struct iovec){ b, sizeof(b) };
	assert_int_equal(run(s, STORE_READ, 0, &iov, 1, 0), 0);
	s->ops->close(s);
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
	store_submit(s, &io);
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
	unsigned int fds = entries("/proc/self/fd"), tasks = entries("/proc/self/task");
	struct store_io io[8];
	int p[2];
	struct store *s;
	char c;

	(void)state;
	assert_int_equal(pipe2(p, O_NONBLOCK), 0);
	s = store_on(fd, NULL, 0);
	for (size_t i = 0; i < ARRAY_SIZE(io); i++) {
		io[i] = (struct store_io){ .op = STORE_FLUSH };
		store_submit(s, &io[i]);
	}
	reap(s, ARRAY_SIZE(io));
	s->ops->watch(s, 0, p[1]);
	assert_int_equal(s->ops->wait(s, 1000), 0);
	close(p[1]);
	/* io_uring holds what it watches. */
	assert_int_equal(read(p[0], &c, 1), by_uring() ? -1 : 0);
	s->ops->close(s);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	/* The only writer is gone if the ring has let go of it: end of file. */
	assert_int_equal(read(p[0], &c, 1), 0);
	close(p[0]);
	assert_int_equal(entries("/proc/self/fd"), fds - 1);
	/* Workers of io_uring are the kernel's, and go when they like. */
	if (engine == STORE_THREADS)
		assert_int_equal(entries("/proc/self/task"), tasks);
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
	rc = run(s, STORE_WRITE, 65536, iov, 1, POOL);
	assert_int_equal(rc, 0);
	iov[0] = (struct iovec){ pool + 16384, 4096 };
	iov[1] = (struct iovec){ pool + 40960, 4096 };
	assert_int_equal(run(s, STORE_READ, 65536, iov, 2, 0), 0);
	assert_memory_equal(pool + 16384, pool, 4096);
	assert_memory_equal(pool + 40960, pool + 4096, 4096);
	s->ops->close(s);
	munmap(pool, POOL_LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(data_goes_where_it_should, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(pieces_of_memory_come_and_go, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(thirty_two_at_once_in_few_calls, setup,
		                                teardown),
		cmocka_unit_test(five_hundred_and_twelve_at_once),
		cmocka_unit_test_setup_teardown(
			image_that_is_too_short_is_an_error_of_the_request, setup,
			teardown),
		cmocka_unit_test_setup_teardown(full_storage_is_an_error_of_the_request,
		                                setup, teardown),
		cmocka_unit_test_setup_teardown(an_error_is_the_requests, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(durable_writes_say_so, setup, teardown),
		cmocka_unit_test_setup_teardown(watches_end_the_sleep, setup, teardown),
		cmocka_unit_test(close_lets_go_of_everything),
		cmocka_unit_test(direct_io_from_the_pool),
	};

	/* Nothing can be put between io_uring and the kernel; only it reads a pipe. */
	const struct CMUnitTest calls[] = { cmocka_unit_test_setup_teardown(
		interrupted_calls_go_on, setup, teardown) };
	const struct CMUnitTest uring[] = { cmocka_unit_test(short_read_goes_on) };
	int failed = run_by(STORE_THREADS, tests) + run_by(STORE_THREADS, calls) +
	             run_by(STORE_URING, tests) + run_by(STORE_URING, uring);

	on_tmpfs = true;
	return failed + run_by(STORE_AUTO, tests) + run_by(STORE_AUTO, calls);
}
