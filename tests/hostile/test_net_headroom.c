/* SPDX-License-Identifier: MIT */
/* Frames that leave the head of their first page free, and when they begin to. */
#include <string.h>

#include "net_rx.h"
#include "nic.h"

#define EXTRA NETRXF_extra_info

static struct worker w;
static struct nic n;
static uint8_t frame[70000];

static struct nic_rig rig = { .w = &w, .n = &n };

static int setup(void **state)
{
	nic_fill(frame, sizeof(frame));
	return nic_setup(state);
}

/* The frame lies in the slots from @idx on, behind headroom that was not touched. */
static void lies_behind(uint32_t idx, uint32_t len, uint32_t headroom)
{
	const uint8_t want[8] = { 5, 0, (uint8_t)headroom, (uint8_t)(headroom >> 8) };
	uint8_t x[8];

	assert_int_equal(nic_rx_rsp(&n, idx)->flags & EXTRA, headroom ? EXTRA : 0);
	nic_holds(&n, idx, frame, len, headroom, headroom > 0);
	if (!headroom)
		return;
	memcpy(x, nic_rx_rsp(&n, idx + 1), sizeof(x));
	assert_memory_equal(x, want, sizeof(x));
}

static void set_headroom(uint32_t headroom)
{
	n.conf.live.headroom = headroom;
	nic_update(&n);
}

/* Frames that leave the head of their first page free, while it is so. */
static void headroom(void **state)
{
	static const uint32_t len[] = { 14,   60,   1514, 2048, 2049,  3840,
		                        3841, 4096, 9014, 9000, 65549, NET_RX_FRAME_MAX };
	static const uint32_t room[] = { 256, 0, 2048, 1 };

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(room); k++) {
		set_headroom(room[k]);
		for (size_t i = 0; i < ARRAY_SIZE(len); i++) {
			uint32_t slots = (room[k] + len[i] + 4095) / 4096 + !!room[k];

			memset(n.pages, 0xa5, (size_t)NIC_PAGES * XEN_PAGE);
			nic_post(&n, slots);
			nic_inject(&n, NULL, frame, len[i]);
			assert_int_equal(nic_received(&n, slots), slots);
			lies_behind(n.rx_seen, len[i], room[k]);
			n.rx_seen += slots;
		}
	}
	/* More than there may be is not taken. */
	set_headroom(2049);
	set_headroom(UINT32_MAX);
	nic_post(&n, 3);
	nic_inject(&n, NULL, frame, 2049);
	assert_int_equal(nic_received(&n, 2), 2);
	lies_behind(n.rx_seen, 2049, 1);
}

/* A frame that was read before it changed has what is so when it is given. */
static void headroom_of_one_that_waits(void **state)
{
	(void)state;
	nic_post(&n, 2);
	nic_inject(&n, NULL, frame, 8200);
	nic_turn(&n);
	set_headroom(256);
	nic_post(&n, 1);
	nic_turn(&n);
	/* Three pages and an extra now. */
	assert_int_equal(n.rx->rsp_prod, 0);
	nic_post(&n, 1);
	assert_int_equal(nic_received(&n, 4), 4);
	lies_behind(0, 8200, 256);
	n.rx_seen += 4;
	nic_inject(&n, NULL, frame, 3900);
	nic_post(&n, 2);
	nic_turn(&n);
	set_headroom(0);
	nic_post(&n, 1);
	assert_int_equal(nic_received(&n, 1), 1);
	lies_behind(4, 3900, 0);
}

/* Who takes a slot for a frame, and no more, is given what fits one with its headroom. */
static void headroom_in_one_slot(void **state)
{
	struct nic c;

	(void)state;
	nic_share(&c, &w, NIC_ALL & ~(NET_SG | NET_GSO4 | NET_GSO6));
	c.conf.live.headroom = 256;
	assert_int_equal(nic_connect(&c, NULL), 0);
	nic_post(&c, 8);
	nic_inject(&c, NULL, frame, 3841);
	nic_inject(&c, NULL, frame, 3840);
	assert_int_equal(nic_received(&c, 2), 2);
	assert_int_equal(nic_rx_rsp(&c, 0)->status, 3840);
	nic_down(&c);
	assert_int_equal(worker_served(&w, "rx_refused_size"), 1);
}

/*
 * A change comes while frames do: none that is shown after the answer is as before. With
 * each change some frames are on their way, one slot each, or two.
 */
static void no_old_one_after_the_answer(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= 400; i++) {
		uint32_t shown, left = 24;

		nic_post(&n, NIC_RING - (n.rx_posted - n.rx_seen));
		for (uint32_t k = 0; k < 16; k++)
			nic_inject(&n, NULL, frame, 60);
		set_headroom(i % 2 * 256);
		shown = __atomic_load_n(&n.rx->rsp_prod, __ATOMIC_ACQUIRE);
		for (uint32_t k = 0; k < 8; k++)
			nic_inject(&n, NULL, frame, 60);
		for (; left; left--) {
			bool extra;

			nic_received(&n, 1);
			extra = nic_rx_rsp(&n, n.rx_seen)->flags & EXTRA;
			if ((int32_t)(n.rx_seen - shown) >= 0)
				assert_int_equal(extra, i % 2);
			n.rx_seen += 1U + extra;
		}
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_prestate_setup_teardown(f, setup, nic_teardown, &rig)
	const struct CMUnitTest tests[] = {
		TEST(headroom),
		TEST(headroom_of_one_that_waits),
		TEST(headroom_in_one_slot),
		TEST(no_old_one_after_the_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
