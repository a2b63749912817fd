/* SPDX-License-Identifier: MIT */
/* Requests that wait for storage: which, until when, and that nothing is lost of them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "compiler.h"
#include "store_hold.h"

/* An engine that fails as it is told, after @partly bytes. */
static struct {
	struct store store;
	struct store_io *list[8];
	unsigned int n, submitted;
	int err;
	size_t partly;
	int64_t slept;
	bool closed;
} fake;

/* clock_ns() of the engine in front. */
static time_t now_s;

int clock_gettime(clockid_t id, struct timespec *ts)
{
	(void)id;
	*ts = (struct timespec){ .tv_sec = now_s };
	return 0;
}

static void fake_submit(struct store *s, struct store_io *io)
{
	(void)s;
	for (; io; io = io->next) {
		fake.submitted++;
		fake.list[fake.n++] = io;
	}
}

static struct store_io *fake_reap(struct store *s)
{
	struct store_io *head = NULL;

	(void)s;
	while (fake.n) {
		struct store_io *io = fake.list[--fake.n];

		io->err = fake.err;
		if (fake.err && io->niov) {
			io->off += fake.partly;
			io->iov->iov_base = (char *)io->iov->iov_base + fake.partly;
			io->iov->iov_len -= fake.partly;
		}
		io->next = head;
		head = io;
	}
	return head;
}

static unsigned int fake_wait(struct store *s, int64_t ns)
{
	(void)s;
	fake.slept = ns;
	return 0;
}

static void fake_close(struct store *s)
{
	(void)s;
	fake.closed = true;
}

static const struct store_ops fake_ops = {
	.name = "fake",
	.submit = fake_submit,
	.reap = fake_reap,
	.wait = fake_wait,
	.close = fake_close,
};

static struct store *s;
static uint32_t resume;
static int said[8];
static unsigned int nsaid;

static void say(void *arg, const struct store_io *io, int err)
{
	assert_ptr_equal(arg, &fake);
	assert_non_null(io);
	said[nsaid++] = err;
}

static int setup(void **state)
{
	struct store_hold_conf c = {
		.space = true, .error = true, .resume = &resume, .say = say, .arg = &fake
	};

	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.store.ops = &fake_ops;
	nsaid = 0;
	now_s = 1000;
	resume = 7;
	return store_hold_open(&c, &fake.store, &s);
}

static int teardown(void **state)
{
	(void)state;
	s->ops->close(s);
	assert_true(fake.closed);
	return 0;
}

static unsigned int reaped(void)
{
	unsigned int n = 0;

	for (struct store_io *io = s->ops->reap(s); io; io = io->next)
		n++;
	return n;
}

static void which_are_kept(void **state)
{
	static const struct store_hold_conf none, space = { .space = true },
						  error = { .error = true };
	static const struct {
		int err;
		bool space, error;
	} row[] = {
		{ -ENOSPC, true, false },      { -EDQUOT, true, false },
		{ -EIO, false, true },         { -ETIMEDOUT, false, true },
		{ -ESTALE, false, true },      { -ENODEV, false, true },
		{ -EINVAL, false, false },     { -EBADF, false, false },
		{ -EOPNOTSUPP, false, false }, { -EFBIG, false, false },
		{ -EFAULT, false, false },
	};
	static const enum store_op op[] = { STORE_READ, STORE_WRITE, STORE_DISCARD };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(op); k++) {
			assert_false(store_hold_wants(&none, op[k], row[i].err));
			assert_int_equal(store_hold_wants(&space, op[k], row[i].err),
			                 row[i].space);
			assert_int_equal(store_hold_wants(&error, op[k], row[i].err),
			                 row[i].error);
		}
		/* The second one would succeed, and be a lie. */
		assert_false(store_hold_wants(&space, STORE_FLUSH, row[i].err));
		assert_false(store_hold_wants(&error, STORE_FLUSH, row[i].err));
	}
}

static void what_is_kept_goes_on_where_it_was(void **state)
{
	char b[100];
	struct iovec iov = { b, sizeof(b) };
	struct store_io io = { .op = STORE_WRITE, .off = 512, .iov = &iov, .niov = 1 };
	struct store_io flush = { .op = STORE_FLUSH };

	(void)state;
	fake.err = -ENOSPC;
	fake.partly = 30;
	store_submit(s, &io);
	assert_int_equal(reaped(), 0);
	assert_int_equal(nsaid, 1);
	assert_int_equal(said[0], -ENOSPC);

	/* It looks each second, and tries after ten. */
	s->ops->wait(s, STORE_FOREVER);
	assert_int_equal(fake.slept, 1000000000);
	s->ops->wait(s, 5000);
	assert_int_equal(fake.slept, 5000);
	assert_int_equal(fake.submitted, 1);
	now_s += STORE_HOLD_RETRY_S;
	s->ops->wait(s, STORE_FOREVER);
	assert_int_equal(fake.submitted, 2);
	assert_int_equal(reaped(), 0);
	assert_int_equal(nsaid, 1);

	/* A flush meanwhile is told its own fate. */
	fake.partly = 0;
	store_submit(s, &flush);
	assert_int_equal(reaped(), 1);
	assert_int_equal(flush.err, -ENOSPC);

	fake.err = 0;
	resume++;
	s->ops->wait(s, STORE_FOREVER);
	assert_int_equal(io.off, 512 + 60);
	assert_ptr_equal(iov.iov_base, b + 60);
	assert_int_equal(iov.iov_len, 40);
	assert_int_equal(reaped(), 1);
	assert_int_equal(io.err, 0);
	assert_int_equal(nsaid, 2);
	assert_int_equal(said[1], 0);
	s->ops->wait(s, STORE_FOREVER);
	assert_int_equal(fake.slept, STORE_FOREVER);
}

/* All of them are over before it says so; one that fails otherwise is over, too. */
static void several_are_one_pause(void **state)
{
	struct store_io io[3] = { { .op = STORE_READ },
		                  { .op = STORE_READ },
		                  { .op = STORE_DISCARD } };

	(void)state;
	fake.err = -EIO;
	for (size_t i = 0; i < ARRAY_SIZE(io); i++)
		store_submit(s, &io[i]);
	assert_int_equal(reaped(), 0);
	assert_int_equal(nsaid, 1);
	resume++;
	s->ops->wait(s, 0);
	assert_int_equal(reaped(), 0);
	assert_int_equal(fake.submitted, 6);
	/* Not asked again. */
	s->ops->wait(s, 0);
	assert_int_equal(fake.submitted, 6);
	fake.err = -EOPNOTSUPP;
	resume++;
	s->ops->wait(s, 0);
	assert_int_equal(reaped(), 3);
	assert_int_equal(io[2].err, -EOPNOTSUPP);
	assert_int_equal(nsaid, 2);
	assert_int_equal(said[1], 0);

	/* And anew. */
	fake.err = -EIO;
	store_submit(s, &io[0]);
	assert_int_equal(reaped(), 0);
	assert_int_equal(nsaid, 3);
	s->ops->let_go(s);
	assert_int_equal(reaped(), 1);
	assert_int_equal(io[0].err, -EIO);
	assert_int_equal(said[3], 0);
	/* From then on nothing is kept. */
	store_submit(s, &io[1]);
	assert_int_equal(reaped(), 1);
	assert_int_equal(nsaid, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(which_are_kept),
		cmocka_unit_test_setup_teardown(what_is_kept_goes_on_where_it_was, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(several_are_one_pause, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
