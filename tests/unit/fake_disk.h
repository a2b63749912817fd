/* SPDX-License-Identifier: MIT */
/* A store in memory for unit tests, which does as it is told. */
#ifndef PVB_FAKE_DISK_H
#define PVB_FAKE_DISK_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store.h"

#define DISK_SECTORS 8192U

/* It holds what it is given until it is told to go on. */
static struct {
	struct store store;
	uint8_t disk[(size_t)DISK_SECTORS * 512];
	struct store_io *held[STORE_DEPTH_MAX];
	unsigned int nheld;
	bool go;
	int (*judge)(const struct store_io *io);
	int fail[4];    /* by operation */
	char order[64]; /* of operations; W is a durable write, D a secure discard */
	unsigned int nops;
	struct iovec piece[STORE_PIECES + 1];
	unsigned int pieced; /* I/Os in a piece of memory it was told of */
} fake;

static void fake_memory(struct store *s, unsigned int n, void *addr, size_t len)
{
	(void)s;
	assert_true(n >= 1 && n <= STORE_PIECES);
	fake.piece[n] = (struct iovec){ addr, len };
}

/* An engine moves it without a look at the addresses that are mapped. */
static void fake_pieced(const struct store_io *io)
{
	const struct iovec *piece = &fake.piece[io->piece];
	size_t at = (size_t)((char *)io->iov->iov_base - (char *)piece->iov_base);

	assert_int_equal(io->niov, 1);
	assert_true(piece->iov_base && at + io->iov->iov_len <= piece->iov_len);
	fake.pieced++;
}

static void fake_submit_one(struct store_io *io)
{
	static const char letter[][3] = { "r", "wW", "f", "dD" };

	assert_true(fake.nheld < STORE_DEPTH_MAX);
	for (unsigned int i = 0; i < io->niov; i++)
		assert_true(io->iov[i].iov_base && io->iov[i].iov_len);
	if (io->piece && io->niov)
		fake_pieced(io);
	fake.held[fake.nheld++] = io;
	if (fake.nops < sizeof(fake.order) - 1)
		fake.order[fake.nops++] =
			letter[io->op][(io->op == STORE_WRITE && io->durable) ||
		                       (io->op == STORE_DISCARD && io->secure)];
}

static void fake_submit(struct store *s, struct store_io *io)
{
	(void)s;
	for (; io; io = io->next)
		fake_submit_one(io);
}

static void fake_move(struct store_io *io)
{
	uint64_t off = io->off;

	for (unsigned int i = 0; i < io->niov; i++) {
		struct iovec *v = &io->iov[i];

		assert_true(off + v->iov_len <= sizeof(fake.disk));
		if (io->op == STORE_READ)
			memcpy(v->iov_base, fake.disk + off, v->iov_len);
		else
			memcpy(fake.disk + off, v->iov_base, v->iov_len);
		off += v->iov_len;
	}
	/* As a real engine may. */
	memset(io->iov, 0xee, io->niov * sizeof(io->iov[0]));
}

static void fake_discard(const struct store_io *io)
{
	assert_true(io->len && io->off + io->len <= sizeof(fake.disk));
	memset(fake.disk + io->off, 0, io->len);
}

/* Newest first: nothing may depend on the order. */
static struct store_io *fake_reap(struct store *s)
{
	struct store_io *done = NULL, **last = &done;

	(void)s;
	while (fake.go && fake.nheld) {
		struct store_io *io = fake.held[--fake.nheld];

		io->err = fake.judge ? fake.judge(io) : fake.fail[io->op];
		if (!io->err && io->op == STORE_DISCARD)
			fake_discard(io);
		else if (!io->err && io->op != STORE_FLUSH)
			fake_move(io);
		io->next = NULL;
		*last = io;
		last = &io->next;
	}
	return done;
}

static const struct store_ops fake_ops = { .memory = fake_memory,
	                                   .submit = fake_submit,
	                                   .reap = fake_reap };

#endif
