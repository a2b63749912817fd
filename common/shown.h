/* SPDX-License-Identifier: MIT */
/*
 * How far the guest was shown the responses of a ring, in memory that outlives a worker.
 *
 * The guest can write the index in the shared page, too: what it holds is believed only
 * where it is one of the two values that we may have left there. So that of the page is
 * surrounded by stores to a word of ours: before it what the guest is about to be shown,
 * after it that it was.
 *
 * The word has what was shown in the low half; in the high half what was shown or is
 * about to be.
 */
#ifndef PVB_SHOWN_H
#define PVB_SHOWN_H

#include <stddef.h>
#include <stdint.h>

#include "compiler.h"

/* Pairs with the acquire of who looks: who finds the word finds what was written before.
 */
static inline void shown_put(uint64_t *word, uint32_t shown, uint32_t showing)
{
	__atomic_store_n(word, (uint64_t)showing << 32 | shown, __ATOMIC_RELEASE);
}

/** shown_done() - The guest was shown the responses before @prod, and none is on its way
 */
static inline void shown_done(uint64_t *word, uint32_t prod)
{
	shown_put(word, prod, prod);
}

/** shown_next() - The guest is about to be shown the responses before @prod */
static inline void shown_next(uint64_t *word, uint32_t prod)
{
	shown_put(word, (uint32_t)*word, prod);
}

/**
 * shown_find() - What did a predecessor leave?
 * @slots:	Of the ring
 * @rsp_prod:	As read from the shared page
 * @showing:	Result: responses before this one were shown or about to be; all of them
 *		were if it is @rsp_prod
 * @text:	What is wrong
 *
 * Return: 0; -EPROTO when no worker of ours can have left this; -EILSEQ when the guest
 * has changed the ring's index.
 */
int must_check shown_find(const uint64_t *word, uint32_t slots, uint32_t rsp_prod,
                          uint32_t *showing, char *text, size_t text_size);

#endif
