/* SPDX-License-Identifier: MIT */
/*
 * Memory that an io_uring knows: a registered piece is pinned once, and not for each I/O.
 * Where that cannot be had (Linux before 5.19; memory of a file, as gntdev's mappings
 * are, EOPNOTSUPP with Linux 6.1) it is done without.
 */
#ifndef PVB_STORE_PIECES_H
#define PVB_STORE_PIECES_H

#include <liburing.h>
#include <stdbool.h>

#include "store.h"

/**
 * struct store_pieces - Zero-initialised is none
 * @table:	The ring has one
 * @refused:	It takes none, for good
 * @fixed:	Those that are registered
 */
struct store_pieces {
	bool table;
	bool refused;
	bool fixed[STORE_PIECES + 1];
};

/**
 * store_piece() - Register piece @n, or with @addr NULL forget it
 *
 * Refused once is refused for good; but the limit of locked memory (ENOMEM) may let the
 * next one through.
 */
void store_piece(struct store_pieces *p, struct io_uring *ring, unsigned int n,
                 void *addr, size_t len);

#endif
