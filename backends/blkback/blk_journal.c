/* SPDX-License-Identifier: MIT */
#include "blk_journal.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define JOURNAL_MAGIC 0x4a425650U /* "PVBJ" */
/* Flags. */
#define STARTED       1U
#define FLUSH_FAILED  2U

static enum blk_journal_state word_state(uint64_t w)
{
	return (enum blk_journal_state)(w & 0xff);
}

static uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void flag_set(struct blk_journal *j, uint32_t bit)
{
	__atomic_or_fetch(&j->head->flags, bit, __ATOMIC_RELEASE);
}

static bool flag(const struct blk_journal *j, uint32_t bit)
{
	return __atomic_load_n(&j->head->flags, __ATOMIC_ACQUIRE) & bit;
}

struct blk_journal_rec *blk_journal_rec(const struct blk_journal *j, uint32_t i)
{
	assert(i < j->slots);
	/* Lines of 64 bytes from the start of a page: aligned. */
	return (struct blk_journal_rec *)(void *)((char *)j->head + BLK_JOURNAL_HEAD +
	                                          i * j->stride);
}

void blk_journal_make(void *mem, uint32_t slots, uint32_t bytes)
{
	struct blk_journal_head *h = mem;

	h->version = BLK_JOURNAL_VERSION;
	h->slots = slots;
	h->bytes = bytes;
	/* Last: who finds it finds the others. */
	__atomic_store_n(&h->magic, JOURNAL_MAGIC, __ATOMIC_RELEASE);
}

bool blk_journal_made(const void *mem)
{
	const struct blk_journal_head *h = mem;

	return __atomic_load_n(&h->magic, __ATOMIC_ACQUIRE) != 0;
}

int blk_journal_open(struct blk_journal *j, void *mem, size_t size, uint32_t slots,
                     uint32_t bytes, char *text, size_t text_size)
{
	struct blk_journal_head *h = mem;

	if (size < blk_journal_size(slots, bytes) || h->magic != JOURNAL_MAGIC) {
		snprintf(text, text_size, "there is no journal of %u requests", slots);
		return -EPROTO;
	}
	if (h->version != BLK_JOURNAL_VERSION || h->slots != slots || h->bytes != bytes) {
		snprintf(text, text_size,
		         "the journal is of version %u with %u requests of %u bytes, "
		         "this worker knows version %u with %u of %u",
		         h->version, h->slots, h->bytes, BLK_JOURNAL_VERSION, slots,
		         bytes);
		return -EPROTO;
	}
	*j = (struct blk_journal){ .head = h,
		                   .slots = slots,
		                   .bytes = bytes,
		                   .stride = blk_journal_stride(bytes) };
	return 0;
}

void blk_journal_start(struct blk_journal *j, uint32_t index)
{
	shown_done(&j->head->show, index);
	flag_set(j, STARTED);
}

bool blk_journal_started(const struct blk_journal *j)
{
	return flag(j, STARTED);
}

enum blk_journal_state blk_journal_state(const struct blk_journal *j, uint32_t i,
                                         int16_t *status)
{
	uint64_t w = load(&blk_journal_rec(j, i)->word);

	*status = (int16_t)(w >> 16);
	return word_state(w);
}

/*
 * An answer that the guest has not seen is given anew, with another index maybe: while
 * the old one is there it could be taken for shown.
 */
static bool settle(struct blk_journal_rec *r, uint32_t prod)
{
	uint64_t w = load(&r->word);
	uint32_t index = (uint32_t)(w >> 32);

	switch (word_state(w)) {
	case BLK_JOURNAL_FREE:
	case BLK_JOURNAL_TAKEN:
	case BLK_JOURNAL_DONE:
		return true;
	case BLK_JOURNAL_ANSWERED:
		if ((int32_t)(index - prod) < 0)
			blk_journal_put(&r->word, 0);
		else
			blk_journal_put(&r->word,
			                blk_journal_word(BLK_JOURNAL_DONE,
			                                 (int16_t)(w >> 16), 0));
		return true;
	}
	return false;
}

/* Insert record @i: the oldest first. Return: false if another has the same request. */
static bool sort_in(const struct blk_journal *j, struct blk_journal_left *left,
                    uint32_t n, uint32_t i)
{
	uint32_t age = left->cons - blk_journal_rec(j, i)->taken;

	for (; n; n--) {
		uint32_t other = left->cons - blk_journal_rec(j, left->rec[n - 1])->taken;

		if (other == age)
			return false;
		if (other > age)
			break;
		left->rec[n] = left->rec[n - 1];
	}
	left->rec[n] = (uint16_t)i;
	/* The next to be taken is not taken. */
	return age != 0;
}

int blk_journal_take_up(struct blk_journal *j, uint32_t rsp_prod,
                        struct blk_journal_left *left, char *text, size_t text_size)
{
	uint32_t showing;
	int rc =
		shown_find(&j->head->show, j->slots, rsp_prod, &showing, text, text_size);
	bool good = true;

	if (rc)
		return rc;
	shown_done(&j->head->show, rsp_prod);
	left->prod = rsp_prod;
	left->n = 0;
	for (uint32_t i = 0; i < j->slots; i++) {
		good &= settle(blk_journal_rec(j, i), rsp_prod);
		left->n += word_state(blk_journal_rec(j, i)->word) != BLK_JOURNAL_FREE;
	}
	/* What was taken is recorded, or was answered and shown and is recorded no more.
	 */
	left->cons = left->prod + left->n;
	for (uint32_t i = 0, n = 0; i < j->slots; i++)
		if (word_state(blk_journal_rec(j, i)->word) != BLK_JOURNAL_FREE)
			good &= sort_in(j, left, n++, i);
	if (good)
		return 0;
	snprintf(text, text_size, "the journal is damaged");
	return -EPROTO;
}

void blk_journal_set_flush_failed(struct blk_journal *j)
{
	flag_set(j, FLUSH_FAILED);
}

bool blk_journal_flush_failed(const struct blk_journal *j)
{
	return flag(j, FLUSH_FAILED);
}
