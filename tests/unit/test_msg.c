/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "log.h"
#include "msg.h"

struct pair {
	int a, b;
};

static int pair_open(void **state)
{
	static struct pair p;
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv))
		return -1;
	p = (struct pair){ sv[0], sv[1] };
	*state = &p;
	return 0;
}

static int pair_close(void **state)
{
	struct pair *p = *state;

	close(p->a);
	close(p->b);
	return 0;
}

static int fds_open(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void message_arrives_whole(void **state)
{
	struct pair *p = *state;
	struct msg_connect c = { .kind = "vbd", .tag = "guest 3 vbd-51712" };
	int before = fds_open();
	struct msg m;

	assert_int_equal(
		msg_send(p->a, MSG_SUPER, MSG_CONNECT, 7, &c, "blob", 4, &p->a, 1), 0);
	assert_int_equal(msg_recv(p->b, MSG_SUPER, &m), 1);
	assert_int_equal(m.type, MSG_CONNECT);
	assert_int_equal(m.dev, 7);
	assert_string_equal(m.u.connect.kind, "vbd");
	assert_string_equal(m.u.connect.tag, "guest 3 vbd-51712");
	assert_int_equal(m.blob_len, 4);
	assert_memory_equal(m.blob, "blob", 4);
	assert_int_equal(m.nfds, 1);
	assert_int_equal(fcntl(m.fds[0], F_GETFD), FD_CLOEXEC);
	msg_close_fds(&m);
	assert_int_equal(fds_open(), before);
}

static void log_levels_are_what_they_can_be(void **state)
{
	struct pair *p = *state;
	struct msg_log_level l = { LOG_LVL_DEBUG };
	struct msg m;

	assert_int_equal(
		msg_send(p->a, MSG_SUPER, MSG_LOG_LEVEL, 0, &l, NULL, 0, NULL, 0), 0);
	assert_int_equal(msg_recv(p->b, MSG_SUPER, &m), 1);
	assert_int_equal(m.u.log_level.level, LOG_LVL_DEBUG);
	l.level = LOG_NLEVELS;
	assert_int_equal(
		msg_send(p->a, MSG_SUPER, MSG_LOG_LEVEL, 0, &l, NULL, 0, NULL, 0), 0);
	assert_int_equal(msg_recv(p->b, MSG_SUPER, &m), -EPROTO);
}

static void peer_gone_is_end_of_file(void **state)
{
	struct pair *p = *state;
	struct msg m;

	close(p->a);
	assert_int_equal(msg_recv(p->b, MSG_SUPER, &m), 0);
	assert_int_equal(
		msg_send(p->b, MSG_WORKER, MSG_DISCONNECTED, 1, NULL, NULL, 0, NULL, 0),
		-EPIPE);
	p->a = dup(p->b);
}

/* Raw datagrams that a worker in a guest's hands might send. */
static void breach_is_refused_and_leaks_nothing(void **state)
{
	struct pair *p = *state;
	struct {
		uint32_t type, dev, blob_len, nfds;
		struct msg_result r;
	} ok = { MSG_CONNECTED, 1, 0, 0, { 0, "" } }, bad;
	struct msg m;
	int before = fds_open();

	assert_true(send(p->a, &ok, sizeof(ok), 0) == sizeof(ok));
	assert_int_equal(msg_recv(p->b, MSG_WORKER, &m), 1);

#define REFUSED(len, ...)                                                  \
	do {                                                               \
		bad = ok;                                                  \
		__VA_ARGS__;                                               \
		assert_true(send(p->a, &bad, (len), 0) >= 0);              \
		assert_int_equal(msg_recv(p->b, MSG_WORKER, &m), -EPROTO); \
	} while (0)
	REFUSED(sizeof(bad), bad.type = MSG_NTYPES);
	REFUSED(sizeof(bad), bad.type = UINT32_MAX);
	REFUSED(sizeof(bad), bad.type = MSG_CONNECT); /* the supervisor's to say */
	REFUSED(sizeof(bad), bad.blob_len = 1);
	REFUSED(sizeof(bad), bad.blob_len = UINT32_MAX);
	REFUSED(sizeof(bad), bad.nfds = 1);
	REFUSED(sizeof(bad) - 1, (void)0);
	REFUSED(8, (void)0);
	REFUSED(sizeof(bad), memset(bad.r.text, 'x', sizeof(bad.r.text)));
	REFUSED(16 + sizeof(struct msg_crashed), bad.type = MSG_CRASHED;
	        memset(bad.r.text, 'x', THREAD_NAME));
#undef REFUSED

	/* A descriptor that the type does not carry is closed, not kept. */
	struct iovec iov = { &ok, sizeof(ok) };
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr mh = { .msg_iov = &iov,
		             .msg_iovlen = 1,
		             .msg_control = control,
		             .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&mh);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &p->a, sizeof(int));
	ok.nfds = 1;
	assert_true(sendmsg(p->a, &mh, 0) == sizeof(ok));
	assert_int_equal(msg_recv(p->b, MSG_WORKER, &m), -EPROTO);
	assert_int_equal(fds_open(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(message_arrives_whole, pair_open,
		                                pair_close),
		cmocka_unit_test_setup_teardown(log_levels_are_what_they_can_be,
		                                pair_open, pair_close),
		cmocka_unit_test_setup_teardown(peer_gone_is_end_of_file, pair_open,
		                                pair_close),
		cmocka_unit_test_setup_teardown(breach_is_refused_and_leaks_nothing,
		                                pair_open, pair_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
