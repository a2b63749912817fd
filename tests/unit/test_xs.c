/* SPDX-License-Identifier: MIT */
/* A xenstored that dies with a question unanswered, as libxenstore tells of it. */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <xen/io/xs_wire.h>

#include "compiler.h"
#include "xs.h"

/* What the store does when it gets the message @dies_at, if it has not that many left. */
struct store {
	struct sockaddr_un addr;
	pthread_t thread;
	int listen;
	uint32_t dies_at;
	unsigned int before;
	const char *error;
};

static const char *answer(const struct store *s, struct xsd_sockmsg *m)
{
	if (m->type == XS_READ && s->error) {
		m->type = XS_ERROR;
		return s->error;
	}
	switch (m->type) {
	case XS_TRANSACTION_START:
		return "7";
	case XS_GET_DOMAIN_PATH:
		return "/local/domain/0";
	default:
		return "OK";
	}
}

static void *store_run(void *arg)
{
	struct store *s = arg;
	autoclose int fd = accept(s->listen, NULL, NULL);
	char text[XENSTORE_PAYLOAD_MAX];
	struct xsd_sockmsg m;

	while (recv(fd, &m, sizeof(m), MSG_WAITALL) == (ssize_t)sizeof(m)) {
		const char *a;

		assert(m.len <= sizeof(text));
		if (m.len && recv(fd, text, m.len, MSG_WAITALL) != (ssize_t)m.len)
			break;
		if (m.type == s->dies_at && s->before-- == 0)
			break;
		a = answer(s, &m);
		/* What was read has its length, all else a NUL. */
		m.len = (uint32_t)strlen(a) + (m.type != XS_READ);
		if (send(fd, &m, sizeof(m), MSG_NOSIGNAL) < 0 ||
		    send(fd, a, m.len, MSG_NOSIGNAL) < 0)
			break;
	}
	return NULL;
}

/* A connection with a watch, and so with libxenstore's thread, as pvbackd's. */
static struct xst *store_begin(struct store *s)
{
	const char *dir = getenv("TMPDIR");
	struct xst *xs;

	s->addr.sun_family = AF_UNIX;
	assert_true(snprintf(s->addr.sun_path, sizeof(s->addr.sun_path), "%s/xs.%d",
	                     dir ? dir : "/tmp",
	                     (int)getpid()) < (int)sizeof(s->addr.sun_path));
	unlink(s->addr.sun_path);
	s->listen = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->listen, (struct sockaddr *)&s->addr, sizeof(s->addr)),
	                 0);
	assert_int_equal(listen(s->listen, 1), 0);
	assert_int_equal(setenv("XENSTORED_PATH", s->addr.sun_path, 1), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, store_run, s), 0);
	assert_int_equal(xst_open(&xs), 0);
	assert_int_equal(xst_watch(xs, "backend/vbd", "token"), 0);
	return xs;
}

static void store_end(struct store *s, struct xst *xs)
{
	xst_close(xs);
	pthread_join(s->thread, NULL);
	close(s->listen);
	unlink(s->addr.sun_path);
}

static int read_state(struct xst *xs, xst_t t)
{
	autofree char *v = NULL;

	return xst_read(xs, t, &v, "%s", "backend/vbd/1/51712/state");
}

static int write_state(struct xst *xs, xst_t t, void *arg)
{
	int rc = read_state(xs, t);

	(void)arg;
	return rc ? rc : xst_printf(xs, t, "backend/vbd/1/51712", "state", "4");
}

static int call_read(struct xst *xs)
{
	return read_state(xs, XST_NULL);
}

static int call_list(struct xst *xs)
{
	autofree char **names = NULL;
	unsigned int n;

	return xst_list(xs, XST_NULL, &names, &n, "%s", "backend/vbd");
}

static int call_rm(struct xst *xs)
{
	return xst_rm(xs, XST_NULL, "backend/vbd/1/51712");
}

static int call_watch(struct xst *xs)
{
	return xst_watch(xs, "backend/vif", "another");
}

static int call_transact(struct xst *xs)
{
	return xst_transact(xs, write_state, NULL);
}

static int call_next(struct xst *xs)
{
	struct xst_event ev;

	return read_state(xs, XST_NULL) ? xst_next(xs, &ev) : 0;
}

static void death_is_no_answer(void **state)
{
	static const struct {
		int (*call)(struct xst *xs);
		uint32_t dies_at;
		unsigned int before;
	} row[] = {
		{ call_read, XS_READ, 0 },
		{ call_list, XS_DIRECTORY, 0 },
		{ call_rm, XS_RM, 0 },
		{ call_watch, XS_WATCH, 1 },
		{ call_transact, XS_TRANSACTION_START, 0 },
		{ call_transact, XS_READ, 0 },
		{ call_transact, XS_WRITE, 0 },
		{ call_transact, XS_TRANSACTION_END, 0 },
		{ call_next, XS_READ, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct store s = { .dies_at = row[i].dies_at, .before = row[i].before };
		struct xst *xs = store_begin(&s);
		int rc = row[i].call(xs);

		if (!xst_broken(rc))
			fail_msg("row %zu: %d", i, rc);
		store_end(&s, xs);
	}
}

static void an_answer_is_no_death(void **state)
{
	static const struct {
		const char *error;
		int rc;
	} row[] = {
		{ NULL, 0 },
		{ "EINVAL", -EINVAL },
		{ "ENOENT", -ENOENT },
		{ "EACCES", -EACCES },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct store s = { .dies_at = UINT32_MAX, .error = row[i].error };
		struct xst *xs = store_begin(&s);

		assert_int_equal(read_state(xs, XST_NULL), row[i].rc);
		store_end(&s, xs);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(death_is_no_answer),
		cmocka_unit_test(an_answer_is_no_death),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
