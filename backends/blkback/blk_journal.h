/* SPDX-License-Identifier: MIT */
/*
 * What has become of each request taken from a ring, in memory that outlives the worker.
 *
 * Requests are completed out of order, and responses overwrite requests: a ring cannot be
 * taken up from its own indices when the process that served it has died. So each request
 * is recorded before anything is done about it, and marked with its response before that
 * is shown to the guest. The process may be killed between any two instructions: whoever
 * comes next finds each request either untouched in the ring, or recorded, or answered.
 *
 *       blk_journal_take()        blk_journal_answer()        the response is shown
 *   FREE ---------------> TAKEN --------------------> ANSWERED -------------> as FREE
 *                         ^   |                          |
 *                         |   | blk_journal_take_up()    | not shown yet
 *                         +---+ as it is                 +-------------> DONE
 *
 * The first two arrows are one store of one word each; what belongs to the word is
 * written before. The third is none: blk_journal_showing() and blk_journal_shown()
 * surround the store that shows the responses, as shown.h has it, and a record whose
 * response is before that index is as good as FREE. It is to be used again before its
 * index is 2^31 responses old.
 *
 * One worker at a time writes a journal; the supervisor only makes it and hands it on.
 * Pure: memory and arithmetic.
 */
#ifndef PVB_BLK_JOURNAL_H
#define PVB_BLK_JOURNAL_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blk_point.h"
#include "compiler.h"
#include "shown.h"

/* Of this layout, and of the requests' in it. */
#define BLK_JOURNAL_VERSION 1U
#define BLK_JOURNAL_SLOTS   512U

/** enum blk_journal_state - Of a record */
enum blk_journal_state {
	BLK_JOURNAL_FREE,
	BLK_JOURNAL_TAKEN,    /* recorded; how much of it was done is not known */
	BLK_JOURNAL_ANSWERED, /* done, its response is in the ring or about to be; FREE
	                         when it was shown */
	BLK_JOURNAL_DONE,     /* done, and found by a successor without a response */
};

/* In the states of which the guest waits for a response that is not written. */
#define BLK_JOURNAL_OWED 1U
_Static_assert((BLK_JOURNAL_TAKEN & BLK_JOURNAL_DONE & BLK_JOURNAL_OWED) &&
                       !((BLK_JOURNAL_FREE | BLK_JOURNAL_ANSWERED) & BLK_JOURNAL_OWED),
               "a bit tells");

/*
 * The layout, for those who only look: a head, then records of a stride.
 *
 * @magic, @version, @slots, @bytes: Constant
 * @show:	shown.h
 * @flags:	The journal's
 * @busy:	Not 0 while the worker is at work on the ring
 */
struct blk_journal_head {
	uint32_t magic, version;
	uint32_t slots, bytes;
	uint64_t show;
	uint32_t flags;
	uint32_t busy;
	uint8_t pad[32];
};

/**
 * struct blk_journal_rec - A request
 * @word:	State in the low byte, status of the response in the second 16 bits, index
 *		of the response in the high half
 * @taken:	Index of the request; constant while @word is not FREE
 */
struct blk_journal_rec {
	uint64_t word;
	uint32_t taken;
	uint32_t pad;
	uint8_t req[];
};

#define BLK_JOURNAL_HEAD 64U
_Static_assert(sizeof(struct blk_journal_head) == BLK_JOURNAL_HEAD, "layout");
_Static_assert(sizeof(struct blk_journal_rec) == 16, "layout");

static inline size_t blk_journal_stride(uint32_t bytes)
{
	return (sizeof(struct blk_journal_rec) + bytes + 63) / 64 * 64;
}

/** blk_journal_size() - Memory that a journal takes, a multiple of the page size */
static inline size_t blk_journal_size(uint32_t slots, uint32_t bytes)
{
	return (BLK_JOURNAL_HEAD + slots * blk_journal_stride(bytes) + 4095) / 4096 *
	       4096;
}

/**
 * blk_journal_in_flight() - May I/O of the worker that wrote this copy of a journal not
 * have ended? What is no journal may have been one.
 */
static inline bool blk_journal_in_flight(const void *mem, size_t size)
{
	const struct blk_journal_head *h = mem;

	if (size < sizeof(*h) || h->slots > BLK_JOURNAL_SLOTS || h->bytes > 4096 ||
	    size < blk_journal_size(h->slots, h->bytes))
		return true;
	for (uint32_t i = 0; i < h->slots; i++) {
		const struct blk_journal_rec *r =
			(const void *)((const char *)mem + BLK_JOURNAL_HEAD +
		                       i * blk_journal_stride(h->bytes));

		if ((r->word & 0xff) == BLK_JOURNAL_TAKEN)
			return true;
	}
	return false;
}

/**
 * struct blk_journal - A journal that is in use
 * @slots:	Records, as many as the ring has slots: 1 to BLK_JOURNAL_SLOTS
 * @bytes:	Room for a request in each
 * @stride:	From one record to the next, bytes
 */
struct blk_journal {
	struct blk_journal_head *head;
	uint32_t slots;
	uint32_t bytes;
	size_t stride;
};

/**
 * struct blk_journal_left - What a worker has left undone
 * @cons:	Requests taken: index of the next
 * @prod:	Responses shown: index of the next
 * @n:		Records that are not free, @cons - @prod
 * @rec:	Their numbers, in the order in which the requests were taken
 */
struct blk_journal_left {
	uint32_t cons;
	uint32_t prod;
	uint32_t n;
	uint16_t rec[BLK_JOURNAL_SLOTS];
};

/** blk_journal_make() - Write an empty one into @mem, which is zeroed */
void blk_journal_make(void *mem, uint32_t slots, uint32_t bytes);

/** blk_journal_made() - Whether that was ever done, to the end */
bool blk_journal_made(const void *mem);

/**
 * blk_journal_open() - Judge what @mem is
 * @size:	Bytes there are
 *
 * Return: 0, or -EPROTO with @text: made by another version, or no journal.
 */
int must_check blk_journal_open(struct blk_journal *j, void *mem, size_t size,
                                uint32_t slots, uint32_t bytes, char *text,
                                size_t text_size);

/** blk_journal_start() - The ring begins at @index, with nothing taken */
void blk_journal_start(struct blk_journal *j, uint32_t index);

/** blk_journal_started() - A worker came so far; otherwise nothing was ever taken */
bool blk_journal_started(const struct blk_journal *j);

/**
 * blk_journal_rec() - Record @i; its @req is to be written only while it is FREE, or its
 * response was shown
 */
struct blk_journal_rec *blk_journal_rec(const struct blk_journal *j, uint32_t i);

/* Pairs with the acquire of who looks: who finds the word finds what was written before.
 */
static inline void blk_journal_put(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static inline uint64_t blk_journal_word(enum blk_journal_state s, int16_t status,
                                        uint32_t index)
{
	return (uint64_t)s | (uint64_t)(uint16_t)status << 16 | (uint64_t)index << 32;
}

/** blk_journal_take() - Request @index of the ring is in the record now */
static inline void blk_journal_take(struct blk_journal_rec *r, uint32_t index)
{
	blk_point(copied, r->req);
	assert(!(r->word & BLK_JOURNAL_OWED));
	r->taken = index;
	blk_journal_put(&r->word, blk_journal_word(BLK_JOURNAL_TAKEN, 0, 0));
	blk_point(recorded, r->req);
}

/** blk_journal_answer() - Its response, with @status, is number @index of the ring */
static inline void blk_journal_answer(struct blk_journal_rec *r, uint32_t index,
                                      int16_t status)
{
	blk_point(written, r->req);
	blk_journal_put(&r->word, blk_journal_word(BLK_JOURNAL_ANSWERED, status, index));
	blk_point(answered, r->req);
}

/** blk_journal_showing() - The guest is about to be shown the responses before @prod */
static inline void blk_journal_showing(struct blk_journal *j, uint32_t prod)
{
	shown_next(&j->head->show, prod);
}

/** blk_journal_shown() - It was */
static inline void blk_journal_shown(struct blk_journal *j, uint32_t prod)
{
	shown_done(&j->head->show, prod);
}

/**
 * blk_journal_take_up() - Find out what a predecessor has left
 * @rsp_prod:	The ring's, as read from the shared page
 * @text:	What is wrong
 *
 * Records of responses that were shown are free afterwards; the rest is TAKEN or DONE.
 * May be interrupted and repeated like all else.
 *
 * Return: 0; -EPROTO when no worker of ours can have left this; -EILSEQ when the guest
 * has changed the ring's index.
 */
int must_check blk_journal_take_up(struct blk_journal *j, uint32_t rsp_prod,
                                   struct blk_journal_left *left, char *text,
                                   size_t text_size);

/** blk_journal_state() - Of record @i; @status of its response once it is answered */
enum blk_journal_state blk_journal_state(const struct blk_journal *j, uint32_t i,
                                         int16_t *status);

/*
 * The worker is at work on the ring, or sleeps: who is to blame if it crashes?
 */
static inline void blk_journal_busy(struct blk_journal *j, bool busy)
{
	__atomic_store_n(&j->head->busy, busy, __ATOMIC_RELAXED);
}

/*
 * A flush failed: writes that were answered may be lost, whoever serves the ring.
 */
void blk_journal_set_flush_failed(struct blk_journal *j);
bool blk_journal_flush_failed(const struct blk_journal *j);

#endif
