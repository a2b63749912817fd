/* SPDX-License-Identifier: MIT */
/* What engines have in common: progress of an I/O, the list of those that are over. */
#ifndef PVB_STORE_IO_H
#define PVB_STORE_IO_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"

/*
 * A discard is done in pieces that end at multiples of this. A filesystem locks the file
 * for the time of one, and reads get their turn between two; a block device does not.
 */
#define STORE_CHUNK_FILE (1ULL << 20)
#define STORE_CHUNK_BDEV (64ULL << 20)

static inline uint64_t store_chunk(bool bdev)
{
	return bdev ? STORE_CHUNK_BDEV : STORE_CHUNK_FILE;
}

/** struct store_list - I/Os linked by their @next, oldest first */
struct store_list {
	struct store_io *head;
	struct store_io **last;
};

static inline void store_list_init(struct store_list *l)
{
	l->head = NULL;
	l->last = &l->head;
}

static inline void store_list_put(struct store_list *l, struct store_io *io)
{
	io->next = NULL;
	*l->last = io;
	l->last = &io->next;
}

/** store_list_put_all() - @io, and those linked to it */
static inline void store_list_put_all(struct store_list *l, struct store_io *io)
{
	*l->last = io;
	for (; io; io = io->next)
		l->last = &io->next;
}

/** store_list_take() - All of them; the list is empty then */
static inline struct store_io *store_list_take(struct store_list *l)
{
	struct store_io *io = l->head;

	store_list_init(l);
	return io;
}

/** store_list_pop() - The oldest, or NULL */
static inline struct store_io *store_list_pop(struct store_list *l)
{
	struct store_io *io = l->head;

	if (io) {
		l->head = io->next;
		if (!l->head)
			l->last = &l->head;
	}
	return io;
}

/** store_list_append() - Move all of @from to the end of @to */
static inline void store_list_append(struct store_list *to, struct store_list *from)
{
	if (!from->head)
		return;
	*to->last = from->head;
	to->last = from->last;
	store_list_init(from);
}

/** store_io_begin() - Before the first attempt: fill in @left */
static inline void store_io_begin(struct store_io *io)
{
	io->left = 0;
	if (io->op > STORE_WRITE)
		return;
	io->left = (uint32_t)io->iov[0].iov_len;
	for (unsigned int i = 1; i < io->niov; i++)
		io->left += (uint32_t)io->iov[i].iov_len;
}

/** store_io_piece() - Length of a discard's next piece */
uint64_t store_io_piece(const struct store_io *io, uint64_t chunk);

/**
 * store_io_step() - Judge the result of one attempt
 * @res:	Bytes moved; of a flush and of a piece of a discard 0; or -errno
 *
 * Return: true when it is over, with @err; else what remains is described by @off, @iov
 * and @len and is to be tried (again).
 */
bool must_check store_io_step(struct store_io *io, int64_t res, uint64_t chunk);

#endif
