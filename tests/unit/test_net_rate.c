/* SPDX-License-Identifier: MIT */
/* The token buckets of a vif, by a clock of ours; limits as they are said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net_limit_super.h"
#include "net_shape.h"

#define MS 1000000ULL
#define S  (1000 * MS)

/* As the toolstack's rate is: with a burst of two large frames at least. */
static void init(struct net_rate *r, uint64_t bytes, uint32_t usec, uint64_t now)
{
	net_rate_init(r, bytes, usec * 1000ULL,
	              bytes > NET_BURST_BYTES ? bytes : NET_BURST_BYTES, now);
}

static uint64_t take(struct net_rate *r, uint32_t len, uint64_t now)
{
	uint64_t wait = net_rate_wait(r, now);

	if (!wait)
		net_rate_charge(r, len);
	return wait;
}

/* Bytes that go in @ns when frames of @len always wait. */
static uint64_t run(struct net_rate *r, uint32_t len, uint64_t now, uint64_t ns)
{
	uint64_t end = now + ns, sent = 0;

	while (now < end) {
		uint64_t wait = take(r, len, now);

		now += wait;
		sent += wait ? 0 : len;
	}
	return sent;
}

static void no_limit(void **state)
{
	struct net_rate r;

	(void)state;
	init(&r, 0, 0, 5);
	for (int i = 0; i < 1000000; i++)
		assert_int_equal(take(&r, 65535, 5), 0);
}

/* 10 Mbyte/s for 10 s, with frames of all sizes: the burst at first, then the rate. */
static void keeps_to_it(void **state)
{
	static const uint32_t len[] = { 60, 1514, 9014, 65535 };

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct net_rate r;
		uint64_t sent;

		init(&r, 500000, 50000, 7);
		sent = run(&r, len[i], 7, 10 * S);
		assert_in_range(sent, 100000000 + 500000 - 65535,
		                100000000 + 500000 + 65535);
	}
}

/* A window smaller than a frame: Linux's netback would stop for ever without its minimum.
 */
static void frames_larger_than_the_window(void **state)
{
	struct net_rate r;
	uint64_t sent;

	(void)state;
	init(&r, 1000, 1000, 0);
	sent = run(&r, 65535, 0, 100 * S);
	assert_in_range(sent, 100000000, 100000000 + NET_BURST_BYTES + 65535);
}

/* What was not used is not saved up for later. */
static void no_hoard(void **state)
{
	struct net_rate r;

	(void)state;
	init(&r, 500000, 50000, 0);
	assert_true(take(&r, 60, 3600 * S) == 0);
	assert_in_range(run(&r, 1514, 3600 * S, 1 * MS), 500000, 520000);
}

/* A slow rate is not rounded to nothing, a fast one does not overflow. */
static void extremes(void **state)
{
	struct net_rate r;
	uint64_t wait;

	(void)state;
	init(&r, 1, 4294967295U, 0);
	while (!(wait = take(&r, 65535, 0)))
		;
	assert_true(wait > 3600 * S);
	assert_int_equal(take(&r, 60, wait), 0);
	init(&r, UINT64_MAX, 1, 0);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(take(&r, 65535, (uint64_t)i << 40), 0);
}

/* ---- Both directions, bytes and frames -------------------------------------------- */

/**
 * struct went - What has passed in some time
 * @asked:	How often it was asked: whoever waits as told asks little more than once a
 * frame
 */
struct went {
	uint64_t bytes, frames, asked;
};

static struct went pass(struct net_shape *s, uint32_t len, uint64_t now, uint64_t ns)
{
	uint64_t end = now + ns;
	struct went w = { 0 };

	while (now < end) {
		uint64_t wait = net_shape_wait(s, now);

		w.asked++;
		now += wait;
		if (wait)
			continue;
		net_shape_charge(s, len);
		w.bytes += len;
		w.frames++;
	}
	return w;
}

/* For 100 s, with small frames and large ones: the least of the limits is kept to 1 %. */
static void limits_are_kept(void **state)
{
	static const struct {
		uint64_t rate, bytes, packets;
		uint32_t len;
		uint64_t want_bytes;
	} row[] = {
		{ 0, 1000000, 0, 1514, 100000000 },
		{ 0, 1000000, 0, 65535, 100000000 },
		{ 0, 1000000, 1000, 1514, 100000000 },
		{ 0, 1000000, 100, 1514, 100UL * 100 * 1514 },
		{ 0, 0, 5000, 60, 5000UL * 100 * 60 },
		{ 25000, 1000000, 0, 1514, 50000000 }, /* in 50 ms */
		{ 500000, 1000000, 0, 1514, 100000000 },
		{ 0, 1000, 0, 65535, 100000 }, /* less than a frame a minute */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++)
		for (int dir = 0; dir < NET_NDIRS; dir++) {
			struct net_limits l = { .rate_bytes = row[i].rate,
				                .rate_usec = row[i].rate ? 50000 : 0 };
			bool rx = dir == NET_RX;
			uint64_t low = row[i].want_bytes, high;
			struct net_shape s;
			struct went w;

			/* The other direction's are not this one's. */
			l.limit[rx ? NET_LIMIT_TX_BYTES : NET_LIMIT_RX_BYTES] = 1;
			l.limit[rx ? NET_LIMIT_TX_PACKETS : NET_LIMIT_RX_PACKETS] = 1;
			l.limit[rx ? NET_LIMIT_RX_BYTES : NET_LIMIT_TX_BYTES] =
				row[i].bytes;
			l.limit[rx ? NET_LIMIT_RX_PACKETS : NET_LIMIT_TX_PACKETS] =
				row[i].packets;
			/* The toolstack's rate is what the guest transmits. */
			if (rx && row[i].rate)
				continue;
			assert_true(net_limits_ok(&l));
			assert_true(net_shape_init(&s, &l, (enum net_dir)dir, 7));
			w = pass(&s, row[i].len, 7, 100 * S);
			high = low + low / 100 + NET_BURST_BYTES + row[i].len +
			       NET_BURST_PACKETS * row[i].len * !!row[i].packets;
			if (w.bytes < low - low / 100 - row[i].len || w.bytes > high)
				fail_msg("row %zu: %llu bytes", i,
				         (unsigned long long)w.bytes);
			assert_true(w.asked <= 2 * w.frames + 2);
		}
}

static void none_is_none(void **state)
{
	struct net_limits l = { 0 };
	struct net_shape s;

	(void)state;
	for (int dir = 0; dir < NET_NDIRS; dir++) {
		assert_false(net_shape_init(&s, &l, (enum net_dir)dir, 5));
		for (int i = 0; i < 100000; i++) {
			assert_int_equal(net_shape_wait(&s, 5), 0);
			net_shape_charge(&s, 65535);
		}
	}
	l.rate_bytes = 1;
	assert_false(net_limits_ok(&l));
	l.rate_usec = 1;
	assert_true(net_limits_ok(&l));
	assert_true(net_shape_init(&s, &l, NET_TX, 5));
	assert_false(net_shape_init(&s, &l, NET_RX, 5));
	l.limit[3] = NET_LIMIT_MAX + 1;
	assert_false(net_limits_ok(&l));
}

static void as_they_are_said(void **state)
{
	static const struct {
		const char *s, *back;
	} row[] = {
		{ "", "" },
		{ "tx-bytes=5", "tx-bytes=5" },
		{ " rx-packets=0  tx-bytes=1000000000000000 ",
		  "tx-bytes=1000000000000000 rx-packets=0" },
		{ "tx-bytes=1 tx-bytes=2", "tx-bytes=2" },
		{ "tx-bytes=1 tx-packets=2 rx-bytes=3 rx-packets=4",
		  "tx-bytes=1 tx-packets=2 rx-bytes=3 rx-packets=4" },
		{ "tx-bytes", NULL },
		{ "tx-bytes=", NULL },
		{ "=5", NULL },
		{ "tx=5", NULL },
		{ "tx-bytesx=5", NULL },
		{ "tx-bytes=-1", NULL },
		{ "tx-bytes=5k", NULL },
		{ "tx-bytes 5=5", NULL },
		{ "tx-bytes=1000000000000001", NULL },
		{ "tx-bytes=99999999999999999999999999999999", NULL },
		{ "tx-bytes=5\nrx-bytes=5", NULL },
	};
	char text[NET_LIMIT_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct net_limit_set set = { 0 };
		int rc = net_limit_parse(row[i].s, &set);

		if (!rc != !!row[i].back)
			fail_msg("\"%s\": %d", row[i].s, rc);
		if (!rc)
			assert_string_equal(net_limit_text(text, &set), row[i].back);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_limit),
		cmocka_unit_test(keeps_to_it),
		cmocka_unit_test(frames_larger_than_the_window),
		cmocka_unit_test(no_hoard),
		cmocka_unit_test(extremes),
		cmocka_unit_test(limits_are_kept),
		cmocka_unit_test(none_is_none),
		cmocka_unit_test(as_they_are_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
