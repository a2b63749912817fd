/* SPDX-License-Identifier: MIT */
/*
 * A receive ring is served: every frame reaches the guest once, whole and in its order,
 * in the slots that it has posted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "fake_card.h"

#define HDR sizeof(struct virtio_net_hdr)

static struct net_rxq q;
static uint32_t sent, taken;

static int up(void **state)
{
	(void)state;
	sent = taken = 0;
	card_rxq(&q, card_up());
	return 0;
}

static int down(void **state)
{
	(void)state;
	card_down(q.tap, q.batch);
	return 0;
}

static uint8_t byte(uint32_t frame, uint32_t at)
{
	return (uint8_t)(frame * 7 + at * 3 + at / 256 + 1);
}

static void frame_goes(uint32_t len)
{
	static uint8_t f[HDR + NET_RX_FRAME_MAX];

	for (uint32_t i = 0; i < len; i++)
		f[HDR + i] = byte(sent, i);
	assert_int_equal(send(card.far, f, HDR + len, 0), HDR + len);
	sent++;
}

/* Return: slots that were answered. */
static uint32_t turn(void)
{
	uint32_t was = card.page.rx.rsp_prod;
	const char *why = NULL;

	card.now = 0;
	q.empty = false;
	assert_int_equal(net_rxq_turn(&q, &why), V_OK);
	net_journal_publish(&card.journal.rx, &q.ring);
	net_rxq_shown(&q, clock_ns());
	return card.page.rx.rsp_prod - was;
}

/* The next slots have frame @frame; but not slot @bad, whose grant is none. */
static void frame_came(uint32_t frame, uint32_t len, uint32_t bad)
{
	for (uint32_t off = 0; off < len; off += XEN_PAGE, taken++) {
		const netif_rx_response_t *r = card_rx_slot(taken);
		uint32_t part = len - off < XEN_PAGE ? len - off : XEN_PAGE;

		assert_int_equal(r->id, taken % NET_RX_RING);
		assert_int_equal(r->flags, off + part < len ? NETRXF_more_data : 0);
		if (taken == bad) {
			assert_int_equal(r->status, NETIF_RSP_ERROR);
			continue;
		}
		assert_int_equal(r->status, part);
		for (uint32_t i = 0; i < part; i++)
			if (guest_page(taken % NET_RX_RING)[i] != byte(frame, off + i))
				fail_msg("frame %u, byte %u", frame, off + i);
	}
}

#define NO_SLOT UINT32_MAX

/* The header of one frame stands before it, and must not be in the one before that. */
static void ends_of_pages(void **state)
{
	static const uint32_t len[] = {
		60, 4096, 4095, 4087, 4086, 4085, 8192, 8185, 14
	};
	uint32_t slots = 0;

	(void)state;
	card_post(NET_RX_RING);
	for (uint32_t i = 0; i < ARRAY_SIZE(len); i++) {
		frame_goes(len[i]);
		slots += (len[i] + XEN_PAGE - 1) / XEN_PAGE;
	}
	assert_int_equal(turn(), slots);
	for (uint32_t i = 0; i < ARRAY_SIZE(len); i++)
		frame_came(i, len[i], NO_SLOT);
	assert_int_equal(card.stats.rx_frames, ARRAY_SIZE(len));
	assert_int_equal(card.hist.count, ARRAY_SIZE(len));
}

/* More than the ring has slots for, each of the largest. */
static void large(void **state)
{
	(void)state;
	card_post(NET_RX_RING);
	for (uint32_t round = 0, got = 0; round < 40; round++) {
		uint32_t n;

		frame_goes(NET_RX_FRAME_MAX);
		frame_goes(60);
		for (n = turn(); n; n = turn()) {
			for (; got < card.stats.rx_frames; got++)
				frame_came(got, got % 2 ? 60 : NET_RX_FRAME_MAX, NO_SLOT);
			card_post(n);
		}
	}
	assert_int_equal(card.stats.rx_frames, 80);
}

static void waits_for_slots(void **state)
{
	(void)state;
	card_post(2);
	frame_goes(4096);
	frame_goes(5000);
	frame_goes(60);
	assert_int_equal(turn(), 1);
	assert_true(net_rxq_starved(&q));
	assert_int_equal(turn(), 0);
	frame_came(0, 4096, NO_SLOT);
	card_post(3);
	assert_int_equal(turn(), 3);
	frame_came(1, 5000, NO_SLOT);
	frame_came(2, 60, NO_SLOT);
	assert_false(net_rxq_starved(&q));
}

static void one_cannot_be_copied(void **state)
{
	(void)state;
	card_post(NET_RX_RING);
	guest.bad[2] = true;
	frame_goes(60);
	frame_goes(9000);
	frame_goes(4096);
	assert_int_equal(turn(), 5);
	frame_came(0, 60, 2);
	frame_came(1, 9000, 2);
	frame_came(2, 4096, 2);
	assert_int_equal(card.stats.rx_frames, 2);
	assert_int_equal(card.stats.rx_grants, 1);
}

static void an_empty_tap_is_not_read(void **state)
{
	const char *why = NULL;

	(void)state;
	card_post(2);
	assert_int_equal(turn(), 0);
	assert_true(q.empty);
	frame_goes(60);
	assert_int_equal(net_rxq_turn(&q, &why), V_OK);
	assert_int_equal(card.stats.rx_frames, 0);
	assert_int_equal(turn(), 1);
	frame_came(0, 60, NO_SLOT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ends_of_pages, up, down),
		cmocka_unit_test_setup_teardown(large, up, down),
		cmocka_unit_test_setup_teardown(waits_for_slots, up, down),
		cmocka_unit_test_setup_teardown(one_cannot_be_copied, up, down),
		cmocka_unit_test_setup_teardown(an_empty_tap_is_not_read, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
