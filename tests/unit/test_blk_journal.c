/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "blk_journal.h"

#define SLOTS 4U

static uint8_t mem[8192] __attribute__((aligned(4096)));

static void fresh(struct blk_journal *j)
{
	char text[128];

	memset(mem, 0, sizeof(mem));
	blk_journal_make(mem, SLOTS, 16);
	assert_int_equal(
		blk_journal_open(j, mem, sizeof(mem), SLOTS, 16, text, sizeof(text)), 0);
}

static void other_versions_are_refused(void **state)
{
	struct blk_journal j;
	char text[128];

	(void)state;
	fresh(&j);
	assert_false(blk_journal_started(&j));
	assert_int_equal(
		blk_journal_open(&j, mem, sizeof(mem), SLOTS, 24, text, sizeof(text)),
		-EPROTO);
	assert_int_equal(blk_journal_open(&j, mem, 4095, SLOTS, 16, text, sizeof(text)),
	                 -EPROTO);
	((uint32_t *)(void *)mem)[1]++;
	assert_int_equal(
		blk_journal_open(&j, mem, sizeof(mem), SLOTS, 16, text, sizeof(text)),
		-EPROTO);
	assert_non_null(strstr(text, "version 2"));
	assert_true(blk_journal_made(mem));
	memset(mem, 0, sizeof(mem));
	assert_false(blk_journal_made(mem));
	assert_int_equal(
		blk_journal_open(&j, mem, sizeof(mem), SLOTS, 16, text, sizeof(text)),
		-EPROTO);
}

static int take_up(struct blk_journal *j, uint32_t rsp_prod)
{
	struct blk_journal_left left;
	char text[128];

	return blk_journal_take_up(j, rsp_prod, &left, text, sizeof(text));
}

/* The guest can write rsp_prod: only what we may have left there is believed. */
static void guest_cannot_move_the_index(void **state)
{
	struct blk_journal j;

	(void)state;
	fresh(&j);
	blk_journal_start(&j, UINT32_MAX);
	blk_journal_take(blk_journal_rec(&j, 0), UINT32_MAX);
	blk_journal_take(blk_journal_rec(&j, 1), 0);
	blk_journal_answer(blk_journal_rec(&j, 0), UINT32_MAX, 0);
	blk_journal_answer(blk_journal_rec(&j, 1), 0, 0);
	blk_journal_showing(&j, 1);
	assert_int_equal(take_up(&j, 0), -EILSEQ);
	assert_int_equal(take_up(&j, 2), -EILSEQ);
	assert_int_equal(take_up(&j, UINT32_MAX - 1), -EILSEQ);
	assert_int_equal(take_up(&j, UINT32_MAX), 0);
	assert_int_equal(take_up(&j, 1), -EILSEQ);
}

/* One request may be in flight for as long as it likes, while all others come and go. */
static void oldest_comes_first(void **state)
{
	struct blk_journal_left left;
	struct blk_journal j;
	char text[128];

	(void)state;
	fresh(&j);
	blk_journal_start(&j, 0);
	blk_journal_take(blk_journal_rec(&j, 3), 0);
	for (uint32_t i = 1; i < 1000; i++) {
		blk_journal_take(blk_journal_rec(&j, i % 3), i);
		blk_journal_answer(blk_journal_rec(&j, i % 3), i - 1, 0);
		blk_journal_showing(&j, i);
		blk_journal_shown(&j, i);
	}
	blk_journal_take(blk_journal_rec(&j, 0), 1001);
	blk_journal_take(blk_journal_rec(&j, 1), 1000);
	assert_int_equal(blk_journal_take_up(&j, 999, &left, text, sizeof(text)), 0);
	assert_int_equal(left.n, 3);
	assert_int_equal(left.cons, 1002);
	assert_int_equal(left.rec[0], 3);
	assert_int_equal(left.rec[1], 1);
	assert_int_equal(left.rec[2], 0);
}

static void damage_is_refused(void **state)
{
	struct blk_journal j;

	(void)state;
	fresh(&j);
	blk_journal_start(&j, 0);
	blk_journal_take(blk_journal_rec(&j, 0), 5);
	blk_journal_take(blk_journal_rec(&j, 1), 5);
	assert_int_equal(take_up(&j, 0), -EPROTO);
	fresh(&j);
	blk_journal_start(&j, 0);
	blk_journal_take(blk_journal_rec(&j, 0), 1);
	assert_int_equal(take_up(&j, 0), -EPROTO);
	fresh(&j);
	blk_journal_start(&j, 0);
	mem[64] = 9;
	assert_int_equal(take_up(&j, 0), -EPROTO);
	fresh(&j);
	blk_journal_start(&j, 0);
	blk_journal_showing(&j, SLOTS + 1);
	assert_int_equal(take_up(&j, 0), -EPROTO);
}

static void failed_flush_is_remembered(void **state)
{
	struct blk_journal j;

	(void)state;
	fresh(&j);
	blk_journal_start(&j, 0);
	assert_false(blk_journal_flush_failed(&j));
	blk_journal_set_flush_failed(&j);
	assert_int_equal(take_up(&j, 0), 0);
	assert_true(blk_journal_flush_failed(&j));
	assert_true(blk_journal_started(&j));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_versions_are_refused),
		cmocka_unit_test(guest_cannot_move_the_index),
		cmocka_unit_test(oldest_comes_first),
		cmocka_unit_test(damage_is_refused),
		cmocka_unit_test(failed_flush_is_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
