/* SPDX-License-Identifier: MIT */
/* Memory that io_uring may not take: it is asked no more, and no piece is taken for one.
 */
#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store_pieces.h"

static uint8_t page[2][4096] __attribute__((aligned(4096)));
static unsigned int asked;
static int answer;

/* In front of liburing's; 0 as an answer is its own. */
int io_uring_register_buffers_update_tag(struct io_uring *ring, unsigned int off,
                                         const struct iovec *iov, const __u64 *tags,
                                         unsigned int n)
{
	static int (*real)(struct io_uring *, unsigned int, const struct iovec *,
	                   const __u64 *, unsigned int);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, __func__);
	asked++;
	return answer ? answer : real(ring, off, iov, tags, n);
}

struct fixture {
	struct io_uring ring;
	struct store_pieces p;
};

static int up(void **state)
{
	static struct fixture f;
	int rc = io_uring_queue_init(4, &f.ring, 0);

	f.p = (struct store_pieces){ 0 };
	asked = 0;
	answer = 0;
	*state = rc ? NULL : &f;
	return 0;
}

static int down(void **state)
{
	struct fixture *f = *state;

	if (f)
		io_uring_queue_exit(&f->ring);
	return 0;
}

/* What a container forbids cannot be tested in it. */
static struct fixture *to_be_had(void **state)
{
	if (!*state)
		skip();
	return *state;
}

static void taken_and_forgotten(void **state)
{
	struct fixture *f = to_be_had(state);

	store_piece(&f->p, &f->ring, 1, page[0], sizeof(page[0]));
	store_piece(&f->p, &f->ring, STORE_PIECES, page[1], sizeof(page[1]));
	assert_true(f->p.fixed[1] && f->p.fixed[STORE_PIECES] && !f->p.fixed[2]);
	store_piece(&f->p, &f->ring, 1, NULL, 0);
	assert_true(!f->p.fixed[1] && f->p.fixed[STORE_PIECES]);
	/* There is nothing to forget. */
	store_piece(&f->p, &f->ring, 2, NULL, 0);
	assert_int_equal(asked, 3);
}

static void refused_once_is_for_good(void **state)
{
	static const int why[] = { -EOPNOTSUPP, -EFAULT };
	struct fixture *f = to_be_had(state);

	for (size_t i = 0; i < 2; i++) {
		f->p = (struct store_pieces){ .table = i };
		asked = 0;
		answer = why[i];
		store_piece(&f->p, &f->ring, 1, page[0], sizeof(page[0]));
		answer = 0;
		store_piece(&f->p, &f->ring, 2, page[1], sizeof(page[1]));
		assert_true(!f->p.fixed[1] && !f->p.fixed[2]);
		assert_int_equal(asked, 1);
	}
}

static void no_room_may_be_for_now(void **state)
{
	struct fixture *f = to_be_had(state);

	answer = -ENOMEM;
	store_piece(&f->p, &f->ring, 1, page[0], sizeof(page[0]));
	assert_false(f->p.fixed[1]);
	answer = 0;
	store_piece(&f->p, &f->ring, 1, page[0], sizeof(page[0]));
	assert_true(f->p.fixed[1]);
	assert_int_equal(asked, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(taken_and_forgotten, up, down),
		cmocka_unit_test_setup_teardown(refused_once_is_for_good, up, down),
		cmocka_unit_test_setup_teardown(no_room_may_be_for_now, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
