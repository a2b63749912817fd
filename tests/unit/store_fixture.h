/* SPDX-License-Identifier: MIT */
/* An engine on a real file, for tests that are run over each engine. */
#ifndef PVB_STORE_FIXTURE_H
#define PVB_STORE_FIXTURE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include <liburing.h>

#include "store.h"

#define PAGE     ((size_t)4096)
#define POOL_LEN (32 * PAGE)
#define DEPTH    32U
/* Which piece of memory the pool is. */
#define POOL     1U

static enum store_engine engine;
/* Images are on tmpfs, and not on a disk. */
static bool on_tmpfs;

/**
 * struct fixture - A store of 1 MiB
 * @fd:		Another descriptor of the image
 */
struct fixture {
	struct store *s;
	int fd;
	uint8_t *pool;
};

/* The same file, opened again. */
static inline int image_again(int fd, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags);
}

static int memory_open(int flags)
{
	int file = memfd_create("image", MFD_CLOEXEC);
	int fd = image_again(file, O_RDWR | flags);

	close(file);
	return fd;
}

static int disk_open(int flags)
{
	char path[256];
	const char *dir = getenv("TMPDIR");
	int fd;

	snprintf(path, sizeof(path), "%s/image.XXXXXX", dir ? dir : "/tmp");
	fd = mkostemp(path, flags);
	if (fd >= 0)
		unlink(path);
	return fd;
}

static int image_open(off_t size, int flags)
{
	int fd = on_tmpfs ? memory_open(flags) : disk_open(flags);

	if (fd >= 0 && ftruncate(fd, size))
		fail();
	return fd;
}

static struct store *store_of(int fd, unsigned int depth, void *pool, size_t len)
{
	struct store_conf c = { .engine = engine, .fd = fd, .fence = -1, .depth = depth };
	struct store *s;
	char text[200] = "";

	if (store_open(&c, &s, text, sizeof(text)))
		fail_msg("%s", text);
	if (pool)
		store_memory(s, POOL, pool, len);
	s->ops->start(s);
	return s;
}

static struct store *store_on(int fd, void *pool, size_t len)
{
	return store_of(fd, DEPTH, pool, len);
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

static int run_io(struct store *s, struct store_io io)
{
	io.err = 1;
	store_submit(s, &io);
	reap(s, 1);
	return io.err;
}

static int run(struct store *s, enum store_op op, uint64_t off, struct iovec *iov,
               unsigned int niov, uint32_t piece)
{
	return run_io(
		s,
		(struct store_io){
			.op = op, .off = off, .iov = iov, .niov = niov, .piece = piece });
}

static void fill(uint8_t *p, size_t n, uint32_t seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)((i * 2654435761U + seed) >> 13);
}

static inline unsigned int entries(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned int n = 0;

	assert_non_null(d);
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static bool uring_to_be_had(void)
{
	struct io_uring r;
	int rc = io_uring_queue_init(1, &r, 0);

	if (rc == 0)
		io_uring_queue_exit(&r);
	return rc == 0;
}

/* A group of tests by one engine. Return: how many have failed. */
#define run_by(e, tests)                                                              \
	({                                                                            \
		int failed_ = 0;                                                      \
		engine = (e);                                                         \
		if ((e) == STORE_URING && !uring_to_be_had())                         \
			puts("ok - io_uring # SKIP this machine does not let us use " \
			     "it");                                                   \
		else                                                                  \
			failed_ = cmocka_run_group_tests_name(#e, tests, NULL, NULL); \
		failed_;                                                              \
	})

#endif
