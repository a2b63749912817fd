/* SPDX-License-Identifier: MIT */
/*
 * A transmit ring is served: every frame reaches the TAP once, whole and in its order,
 * and every slot is answered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_card.h"

#define HDR  sizeof(struct virtio_net_hdr)
#define ROOM (HDR + XEN_NETIF_MAX_TX_SIZE)

static struct net_txq q;

static int up(void **state)
{
	(void)state;
	card_txq(&q, card_up());
	return 0;
}

static int down(void **state)
{
	(void)state;
	card_down(q.tap, q.batch);
	return 0;
}

/* What is at @at of the page of slot @slot. */
static uint8_t byte(uint32_t slot, uint32_t at)
{
	return (uint8_t)(slot * 7 + at * 3 + at / 256);
}

/* A slot of @len bytes at the end of its page, which is all of them if it is the first.
 */
static void push(uint32_t len, uint16_t size, uint16_t flags)
{
	uint32_t slot = card.pushed++ % NET_TX_RING;
	uint16_t off = (uint16_t)(XEN_PAGE - len);
	uint8_t *p = guest_page(slot) + off;

	for (uint32_t i = 0; i < len; i++)
		p[i] = byte(slot, i);
	*(netif_tx_request_t *)card_tx_slot(slot) =
		(netif_tx_request_t){ .gref = GUEST_REF + slot,
		                      .offset = off,
		                      .flags = flags,
		                      .id = (uint16_t)(slot + 1000),
		                      .size = size };
}

/* A frame of @n slots, which have @part bytes each, but the first @head. */
static void push_frame(uint32_t head, uint32_t part, uint32_t n)
{
	push(head, (uint16_t)(head + part * (n - 1)), n > 1 ? NETTXF_more_data : 0);
	for (uint32_t i = 1; i < n; i++)
		push(part, (uint16_t)part, i + 1 < n ? NETTXF_more_data : 0);
}

/* The next frame at the TAP is that of slots @slot and on. */
static void frame_came(uint32_t slot, uint32_t head, uint32_t part, uint32_t n)
{
	static uint8_t is[ROOM];
	uint32_t at = HDR;

	assert_int_equal(recv(card.far, is, sizeof(is), 0),
	                 HDR + head + (size_t)part * (n - 1));
	for (uint32_t i = 0; i < HDR; i++)
		assert_int_equal(is[i], 0);
	for (uint32_t s = 0; s < n; s++)
		for (uint32_t i = 0; i < (s ? part : head); i++, at++)
			if (is[at] != byte((slot + s) % NET_TX_RING, i))
				fail_msg("slot %u, byte %u", slot + s, i);
}

/* Return: slots that were answered. */
static uint32_t turn(void)
{
	uint32_t was = card.page.tx.rsp_prod;
	const char *why = NULL;
	uint64_t wait;

	card.now = 0;
	__atomic_store_n(&card.page.tx.req_prod, card.pushed, __ATOMIC_RELEASE);
	assert_int_equal(net_txq_turn(&q, &wait, &why), V_OK);
	assert_int_equal(wait, 0);
	net_journal_publish(&card.journal.tx, &q.ring);
	net_txq_shown(&q, card.now);
	net_txq_write(&q);
	return card.page.tx.rsp_prod - was;
}

static int16_t status(uint32_t slot)
{
	const netif_tx_response_t *r = card_tx_slot(slot);

	assert_int_equal(r->id, slot + 1000);
	return r->status;
}

/**
 * struct shape - Of the frames of a ring
 * @turns:	That it takes at least
 */
struct shape {
	uint32_t head, part, n, turns;
};

/* As many as the ring holds; the TAP is read when it has no room. */
static void ring_of(const struct shape *s)
{
	uint32_t frames = NET_TX_RING / s->n, got = 0, answered = 0, turns = 0;

	for (uint32_t i = 0; i < frames; i++)
		push_frame(s->head, s->part, s->n);
	while (got < frames) {
		uint32_t n = turn();

		answered += n;
		turns += n > 0;
		/* Some slots are not answered as long as frames wait. */
		for (; got < card.stats.tx_frames; got++)
			frame_came(got * s->n, s->head, s->part, s->n);
	}
	assert_int_equal(answered, frames * s->n);
	assert_in_range(turns, s->turns, frames);
	assert_true(net_txq_idle(&q) && !net_txq_held(&q));
	for (uint32_t i = 0; i < frames * s->n; i++)
		assert_int_equal(status(i), NETIF_RSP_OKAY);
	assert_int_equal(card.stats.requests, answered);
	assert_int_equal(card.stats.answers, answered);
	assert_int_equal(card.hist.count, frames);
}

static void small(void **state)
{
	(void)state;
	ring_of(&(struct shape){ 60, 0, 1, 1 });
}

/* With the TAP's header each of them takes two pages, more than there are for a turn. */
static void whole_pages(void **state)
{
	(void)state;
	ring_of(&(struct shape){ XEN_PAGE, 0, 1, 2 });
}

static void headers_in_pieces(void **state)
{
	(void)state;
	ring_of(&(struct shape){ 14, 3, 19, 1 });
}

static void large(void **state)
{
	(void)state;
	ring_of(&(struct shape){ 1000, XEN_PAGE, 16, 1 });
}

static void one_cannot_be_copied(void **state)
{
	(void)state;
	push_frame(100, 200, 3);
	push_frame(100, 0, 3); /* two slots without data: no copies */
	push_frame(100, 200, 3);
	push_frame(100, 200, 2);
	guest.bad[7] = true;
	assert_int_equal(turn(), 11);
	for (uint32_t i = 0; i < 11; i++)
		assert_int_equal(status(i), i == 7 ? NETIF_RSP_ERROR : NETIF_RSP_OKAY);
	assert_int_equal(card.stats.tx_frames, 3);
	assert_int_equal(card.stats.tx_grants, 1);
	frame_came(0, 100, 200, 3);
	frame_came(3, 100, 0, 3);
	frame_came(9, 100, 200, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(small, up, down),
		cmocka_unit_test_setup_teardown(whole_pages, up, down),
		cmocka_unit_test_setup_teardown(headers_in_pieces, up, down),
		cmocka_unit_test_setup_teardown(large, up, down),
		cmocka_unit_test_setup_teardown(one_cannot_be_copied, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
