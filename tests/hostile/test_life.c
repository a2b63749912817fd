/* SPDX-License-Identifier: MIT */
/* Connect, disconnect, and everything that can be wrong with it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "disk.h"

static struct worker w;

static void cycles(uint32_t flags, uint32_t n)
{
	unsigned int fds;
	struct disk d;

	disk_up(&d, &w, flags);
	disk_works(&d);
	disk_disconnect(&d);
	fds = worker_count(&w, "fd");
	for (uint32_t i = 0; i < n; i++) {
		uint64_t end = now_ms() + RIG_WAIT_MS;

		memset(d.ring, 0, XEN_PAGE);
		SHARED_RING_INIT(d.ring);
		d.pushed = d.seen = 0;
		memset(d.answers, 0, sizeof(d.answers));
		assert_int_equal(disk_connect(&d, NULL), 0);
		if (i % 7 == 0)
			disk_works(&d);
		disk_disconnect(&d);
		assert_int_equal(worker_count(&w, "fd"), fds);
		/* The thread may be about to end; it holds nothing. */
		while (worker_count(&w, "task") > 1)
			assert_true(now_ms() < end);
	}
	assert_int_equal(worker_holds(&w), 0);
	disk_unshare(&d);
}

static void thousand_times(void **state)
{
	(void)state;
	cycles(0, 500);
	cycles(BLK_PERSISTENT, 500);
}

static void taken_requests_are_answered(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 50; round++) {
		struct disk d;

		disk_up(&d, &w, round & 1 ? BLK_PERSISTENT : 0);
		for (uint32_t i = 0; i < RIG_RING; i++)
			disk_add(&d, i % 3 ? WRITE : FLUSH, i % 3 ? 11 : 0, 0, 0);
		disk_push(&d);
		disk_disconnect(&d);
		/* Those that were not taken were not begun: they stay on the ring. */
		disk_collect(&d);
		for (uint32_t i = 0; i < RIG_RING; i++)
			assert_true(d.answers[i] == 0 || d.status[i] == OKAY);
		disk_unshare(&d);
	}
}

/* What connect was given goes wrong: said so, nothing kept, the next one works. */
static void bad_connects(void **state)
{
	static const struct {
		const char *what, *says;
		int err;
	} rows[] = {
		{ "no such ring", "ring", EINVAL },
		{ "no such port", "event channel", 0 },
		{ "port 0", "event channel", 0 },
		{ "sector size", "1000", EINVAL },
		{ "alignment above the sector size", "4096", EINVAL },
		{ "alignment 0", "alignment 0", EINVAL },
		{ "capacity", "sectors", EINVAL },
		{ "unknown flag", "flags", EINVAL },
	};
	unsigned int fds;
	struct disk d;

	(void)state;
	disk_up(&d, &w, 0);
	disk_down(&d);
	fds = worker_count(&w, "fd");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *text;
		int err;

		print_message("%s\n", rows[i].what);
		disk_share(&d, &w, 0);
		switch (i) {
		case 0:
			d.conf.queue[0].ref[0] = 0x3fffff;
			break;
		case 1:
			d.conf.queue[0].evtchn = 900;
			break;
		case 2:
			d.conf.queue[0].evtchn = 0;
			break;
		case 3:
			d.conf.sector_size = 1000;
			break;
		case 4:
			d.conf.align = 4096;
			break;
		case 5:
			d.conf.align = 0;
			break;
		case 6:
			d.conf.sectors = UINT64_MAX / 512;
			break;
		case 7:
			d.conf.flags = 0x80000000;
			break;
		}
		err = disk_connect(&d, &text);
		assert_true(rows[i].err ? err == rows[i].err : err > 0);
		assert_non_null(strstr(text, rows[i].says));
		assert_int_equal(worker_count(&w, "fd"), fds);
		disk_unshare(&d);
		disk_up(&d, &w, 0);
		disk_works(&d);
		disk_down(&d);
	}
}

static void bad_messages(void **state)
{
	struct msg_connect c = { .kind = "vkbd", .tag = "guest 5 vkbd-0" };
	struct disk d;
	struct msg m;

	(void)state;
	/* A kind that nobody serves. */
	assert_int_equal(
		msg_send(w.sock, MSG_SUPER, MSG_CONNECT, 77, &c, NULL, 0, NULL, 0), 0);
	worker_recv(&w, MSG_CONNECTED, &m);
	assert_int_equal(m.u.result.err, ENOENT);
	assert_non_null(strstr(m.u.result.text, "vkbd"));
	/* Half a blob; no image; no memory for statistics, or such as is too small. */
	memcpy(c.kind, "vbd", 4);
	for (int nfds = 0; nfds <= 2; nfds++) {
		int fds[2] = { nfds == 1 ? stats_create(&blk_stats_table) : image_new(),
			       image_new() };

		assert_int_equal(msg_send(w.sock, MSG_SUPER, MSG_CONNECT, 77, &c, &c, 16,
		                          fds, (unsigned int)nfds),
		                 0);
		worker_recv(&w, MSG_CONNECTED, &m);
		assert_int_equal(m.u.result.err, EPROTO);
		assert_int_equal(strstr(m.u.result.text, "statistics") != NULL,
		                 nfds != 1);
		close(fds[0]);
		close(fds[1]);
	}
	/* Twice the same. */
	disk_up(&d, &w, 0);
	assert_int_equal(disk_connect(&d, NULL), EEXIST);
	disk_works(&d);
	/* Never connected: nothing is held of it. */
	assert_int_equal(
		msg_send(w.sock, MSG_SUPER, MSG_DISCONNECT, 78, NULL, NULL, 0, NULL, 0),
		0);
	worker_recv(&w, MSG_DISCONNECTED, &m);
	assert_int_equal(m.dev, 78);
	/* Disconnected twice before it could answer: one answer. */
	assert_int_equal(msg_send(w.sock, MSG_SUPER, MSG_DISCONNECT, d.handle, NULL, NULL,
	                          0, NULL, 0),
	                 0);
	disk_down(&d);
}

/* After an orderly stop the ring goes on where it was; a lie about it is refused. */
static void resume(void **state)
{
	const char *text;
	struct disk d;

	(void)state;
	disk_up(&d, &w, 0);
	for (int i = 0; i < 21; i++)
		disk_works(&d);
	disk_disconnect(&d);
	d.conf.flags |= BLK_RESUME;
	assert_int_equal(disk_connect(&d, NULL), 0);
	for (int i = 0; i < 21; i++)
		disk_works(&d);
	disk_disconnect(&d);
	/* Requests that wait when we come are served. */
	disk_add(&d, WRITE, 1, 0, 0);
	disk_push(&d);
	assert_int_equal(disk_connect(&d, NULL), 0);
	disk_wait(&d);
	disk_disconnect(&d);

	d.ring->rsp_prod = d.ring->req_prod - RIG_RING - 1;
	assert_int_equal(disk_connect(&d, &text), EPROTO);
	assert_non_null(strstr(text, "indices"));
	disk_unshare(&d);
}

/* Storage that does not answer holds up its own disk and no other. */
static void storage_hangs(void **state)
{
	struct disk d, good;
	struct msg m;
	uint8_t data[XEN_PAGE];
	int p[2];

	(void)state;
	memset(data, 0x42, sizeof(data));
	disk_up(&good, &w, 0);
	disk_share(&d, &w, 0);
	close(d.image);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	d.image = p[0];
	assert_int_equal(disk_connect(&d, NULL), 0);
	disk_add(&d, READ, 1, 0, 0);
	disk_push(&d);
	/* The worker has it when it asks for the next. */
	for (uint64_t end = now_ms() + RIG_WAIT_MS; d.ring->req_event != 2;)
		assert_true(now_ms() < end);
	assert_int_equal(msg_send(w.sock, MSG_SUPER, MSG_DISCONNECT, d.handle, NULL, NULL,
	                          0, NULL, 0),
	                 0);
	for (int i = 0; i < 20; i++)
		disk_works(&good);
	assert_true(worker_silent(&w));
	assert_int_equal(write(p[1], data, sizeof(data)), sizeof(data));
	worker_recv(&w, MSG_DISCONNECTED, &m);
	disk_collect(&d);
	assert_int_equal(d.answers[0], 1);
	assert_int_equal(d.status[0], OKAY);
	assert_memory_equal(disk_page(&d, 0), data, sizeof(data));
	disk_unshare(&d);
	close(p[1]);
	disk_down(&good);
}

/* A signal to all of a terminal or service must not outrun the supervisor's orderly end.
 */
static void signals_are_not_for_the_worker(void **state)
{
	static const int sig[] = { SIGTERM, SIGINT, SIGHUP };
	struct disk d;

	(void)state;
	disk_up(&d, &w, 0);
	for (size_t i = 0; i < ARRAY_SIZE(sig); i++) {
		assert_int_equal(kill(w.pid, sig[i]), 0);
		disk_works(&d);
	}
	disk_down(&d);
}

/* The guest closes its end of the event channel: no spin, no fault, an orderly end. */
static void port_closed_by_guest(void **state)
{
	struct disk d;

	(void)state;
	disk_up(&d, &w, 0);
	disk_works(&d);
	disk_add(&d, WRITE, 1, 0, 0);
	disk_push(&d);
	xenevtchn_unbind(d.xce, d.port);
	disk_disconnect(&d);
	disk_collect(&d);
	disk_unshare(&d);
}

/* The supervisor is gone: what was taken is answered, and the worker ends. */
static void supervisor_gone(void **state)
{
	static struct disk d[4];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(d); i++) {
		disk_up(&d[i], &w, i & 1 ? BLK_PERSISTENT : 0);
		disk_works(&d[i]);
		for (uint32_t n = 0; n < RIG_RING; n++)
			disk_add(&d[i], WRITE, 11, 0, 0);
		disk_push(&d[i]);
	}
	worker_exits(&w);
	for (size_t i = 0; i < ARRAY_SIZE(d); i++) {
		disk_collect(&d[i]);
		for (uint32_t n = 2; n < d[i].pushed; n++)
			assert_true(!d[i].answers[n] || d[i].status[n] == OKAY);
		disk_unshare(&d[i]);
	}
}

/* The guest dies with requests on their way: an orderly end, nothing of it is kept. */
static void guest_dies(void **state)
{
	struct worker m;
	struct disk d[2];
	struct msg hello;

	(void)state;
	worker_start(&m, RIG_MORTAL, NULL);
	worker_recv(&m, MSG_HELLO, &hello);
	for (uint32_t i = 0; i < 2; i++) {
		disk_up(&d[i], &m, i ? BLK_PERSISTENT : 0);
		disk_works(&d[i]);
		for (uint32_t n = 0; n < RIG_RING; n++)
			disk_add(&d[i], n & 1 ? READ : WRITE, 11, 0, 0);
		disk_push(&d[i]);
	}
	assert_int_equal(system("xensim destroy 7"), 0);
	for (uint32_t i = 0; i < 2; i++) {
		disk_disconnect(&d[i]);
		disk_unshare(&d[i]);
	}
	worker_down(&m);
}

int main(void)
{
#define TEST(f) WORKER_TEST(f, &w)
	const struct CMUnitTest tests[] = {
		TEST(thousand_times),
		TEST(taken_requests_are_answered),
		TEST(bad_connects),
		TEST(bad_messages),
		TEST(resume),
		TEST(storage_hangs),
		TEST(signals_are_not_for_the_worker),
		TEST(port_closed_by_guest),
		TEST(supervisor_gone),
		cmocka_unit_test(guest_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
