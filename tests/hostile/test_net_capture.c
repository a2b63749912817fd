/* SPDX-License-Identifier: MIT */
/* A capture of a card whose guest breaks the rules, and whoever looks does, too. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture.h"
#include "nic.h"

#define MORE  NETTXF_more_data
#define BLANK NETTXF_csum_blank

static struct worker w;
static struct nic n;
static int sock, count;

static struct nic_rig rig = { .w = &w, .n = &n };

/* The looker's end of a capture, asked for with @fd for the counts. */
static void ask(uint32_t handle, uint32_t snaplen, int fd)
{
	struct msg_capture m = { snaplen };
	int sv[2], fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	sock = sv[0];
	count = fd;
	fds[0] = sv[1];
	fds[1] = fd;
	assert_int_equal(
		msg_send(w.sock, MSG_SUPER, MSG_CAPTURE, handle, &m, NULL, 0, fds, 2), 0);
	close(sv[1]);
}

static void unask(void)
{
	close(sock);
	close(count);
}

/* The next record. Return: bytes of frame, or -1 at end of file. */
static int next(struct capture_rec *r, uint8_t *data)
{
	static uint8_t buf[sizeof(*r) + CAPTURE_SNAPLEN];
	struct pollfd p = { .fd = sock, .events = POLLIN };
	ssize_t len;

	*r = (struct capture_rec){ 0 };
	assert_int_equal(poll(&p, 1, RIG_WAIT_MS), 1);
	len = recv(sock, buf, sizeof(buf), 0);
	if (len <= 0)
		return -1;
	assert_int_equal(capture_judge(buf, (size_t)len, r), 0);
	if (data)
		memcpy(data, buf + sizeof(*r), r->data);
	return (int)r->data;
}

static void begins(uint32_t snaplen)
{
	struct capture_rec r;

	ask(n.handle, snaplen, capture_count_new());
	assert_int_equal(next(&r, NULL), 0);
	assert_int_equal(r.kind, CAPTURE_BEGIN);
}

static void is(enum capture_dir dir, uint32_t slots, uint32_t len, bool lost,
               const char *what)
{
	struct capture_rec r;

	next(&r, NULL);
	assert_int_equal(r.kind, CAPTURE_FRAME);
	if (strcmp(r.what, what) != 0 || r.dir != dir || r.slots != slots ||
	    r.len != len || !(r.flags & CAPTURE_LOST) == lost)
		fail_msg("%s: %s, %u slots, %u bytes, flags %#x", what, r.what, r.slots,
		         r.len, r.flags);
}

/* What is refused is seen as well, and says why; of what was not copied no byte is. */
static void what_is_refused_is_seen(void **state)
{
	static uint8_t data[CAPTURE_SNAPLEN], frame[70000];
	struct virtio_net_hdr h = { 0 };
	struct capture_rec r;

	(void)state;
	begins(40);
	/* A good one, of two slots; a part larger than the frame; no headers; no grant.
	 */
	for (uint32_t i = 0; i < 200; i++)
		n.pages[i] = (uint8_t)(i + 1);
	nic_put(&n, 0, 0, 200, MORE);
	nic_put(&n, 1, 0, 100, 0);
	nic_put(&n, 0, 0, 200, MORE);
	nic_put(&n, 1, 0, 300, 0);
	nic_put(&n, 0, 0, 60, BLANK);
	nic_put(&n, 0, 0, 60, 0)->gref = 99999;
	nic_put(&n, 0, 0, 13, 0);
	for (uint32_t i = 0; i < 20; i++)
		nic_put(&n, 0, 0, i ? 64 : 2000, i < 19 ? MORE : 0);
	nic_push(&n);
	nic_answered(&n, 27);
	is(CAPTURE_TX, 2, 200, true, "tx_refused_size");
	is(CAPTURE_TX, 1, 13, true, "tx_refused_short");
	is(CAPTURE_TX, 20, 2000, true, "tx_refused_slots");
	next(&r, data);
	assert_string_equal(r.what, "tx_headers");
	assert_int_equal(r.data, 40);
	assert_int_equal(r.index, 4);
	assert_true(r.flags & CAPTURE_CSUM_BLANK);
	assert_memory_equal(data, n.pages, 40);
	assert_int_equal(next(&r, data), 0);
	assert_string_equal(r.what, "tx_grants");
	assert_int_equal(next(&r, data), 40);
	assert_string_equal(r.what, "tx_frames");
	assert_int_equal(r.index, 0);
	assert_memory_equal(data, n.pages, 40);
	assert_int_equal(nic_arrives(&n, &h, frame), 200);

	/* What the guest is not given; its slot that cannot be copied to; one that can.
	 */
	nic_post(&n, 2);
	n.refs[0] = n.readonly_ref;
	h = (struct virtio_net_hdr){ .gso_type = 5, .gso_size = 100 };
	nic_inject(&n, &h, frame, 100);
	is(CAPTURE_RX, 0, 100, true, "rx_refused_gso");
	nic_inject(&n, NULL, frame, 5000);
	nic_received(&n, 2);
	is(CAPTURE_RX, 2, 5000, false, "rx_frames");
	n.rx_seen += 2;

	/* The ring's end is the capture's last frame; it ends with the connection. */
	nic_put(&n, 0, 4000, 200, 0);
	nic_push(&n);
	nic_failed(&n);
	is(CAPTURE_TX, 1, 200, true, "ring_broken");
	nic_down(&n);
	assert_int_equal(next(&r, NULL), -1);
	unask();
	nic_up(&n, &w, NIC_ALL);
}

/* Whoever does not read is not waited for, and what he has lost is counted. */
static void not_read(void **state)
{
	struct capture_count before, c;
	struct capture_rec r;
	uint32_t got = 0;

	(void)state;
	begins(CAPTURE_SNAPLEN);
	/* The turn in which it began may not have seen it. */
	nic_works(&n);
	assert_int_equal(capture_count_read(count, &before), 0);
	for (int i = 0; i < 2000; i++)
		nic_works(&n);
	assert_int_equal(shutdown(sock, SHUT_RD), 0);
	assert_int_equal(capture_count_read(count, &c), 0);
	while (next(&r, NULL) >= 0)
		got++;
	assert_int_equal(c.seen - before.seen, 4000);
	assert_true(c.dropped > 0);
	assert_int_equal(got + c.dropped, c.seen);
	unask();
	nic_works(&n);
}

/*
 * What is done TIMES over leaves no descriptor each time; one or the other may come
 * later, which Xen's library opens when it first needs it.
 */
#define TIMES 20
static void leaves_none(void (*act)(void))
{
	unsigned int fds, limit;

	act();
	nic_works(&n);
	fds = worker_count(&w, "fd");
	limit = fds + TIMES;
	for (int i = 0; i < TIMES; i++)
		act();
	/* A looker that has gone is let go behind the answers of the turn that sees it.
	 */
	nic_works(&n);
	nic_works(&n);
	assert_true(worker_count(&w, "fd") < limit);
}

/* One looks, another asks in vain, both go. */
static void two_ask(void)
{
	struct capture_rec r;
	int first, first_count;

	begins(100);
	first = sock;
	first_count = count;
	ask(n.handle, 100, capture_count_new());
	assert_int_equal(next(&r, NULL), 0);
	assert_int_equal(r.kind, CAPTURE_REFUSED);
	assert_string_equal(r.what, "it is captured already");
	assert_int_equal(next(&r, NULL), -1);
	unask();
	close(first);
	close(first_count);
}

/* Gone while frames pass. */
static void leaves_early(void)
{
	begins(100);
	unask();
	nic_works(&n);
}

/* One at a time; whoever has gone makes room. */
static void one_at_a_time(void **state)
{
	(void)state;
	leaves_none(two_ask);
	leaves_none(leaves_early);
}

/* Requests that no supervisor of ours makes. */
static void ask_badly(void)
{
	struct capture_rec r;
	int fd;

	ask(999, 100, capture_count_new());
	assert_int_equal(next(&r, NULL), -1);
	unask();
	/* Could be made shorter. */
	fd = memfd_create("x", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fd, sizeof(struct capture_count)), 0);
	ask(n.handle, 100, fd);
	next(&r, NULL);
	assert_int_equal(r.kind, CAPTURE_REFUSED);
	unask();
	ask(n.handle, 100, dup(2));
	next(&r, NULL);
	assert_int_equal(r.kind, CAPTURE_REFUSED);
	unask();
}

static void bad_requests(void **state)
{
	(void)state;
	leaves_none(ask_badly);
}

int main(void)
{
#define TEST(f) NIC_TEST(f, &rig)
	const struct CMUnitTest tests[] = {
		TEST(what_is_refused_is_seen),
		TEST(not_read),
		TEST(one_at_a_time),
		TEST(bad_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
