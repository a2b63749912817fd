/* SPDX-License-Identifier: MIT */
/*
 * Sectors that say of themselves which write has filled them. Pure.
 *
 * A sector has its number, the number of the write and what that write was; the rest
 * follows from these, so that one which is torn or damaged is known.
 */
#ifndef PVB_STAMP_H
#define PVB_STAMP_H

#include <stdint.h>

#define STAMP_BYTES 512U

/**
 * struct stamp - What a sector says
 * @seed:	Of the run: no other run's sector is taken for one of this
 * @sector:	Where it belongs
 * @write:	Number of the write, never 0
 * @first, @n:	Sectors of that write
 * @order:	Its place among the requests of its queue
 * @queue:	The queue it was sent on
 * @kind:	The writer's
 */
struct stamp {
	uint64_t seed;
	uint64_t sector;
	uint64_t write;
	uint64_t first;
	uint32_t n;
	uint32_t order;
	uint32_t queue;
	uint32_t kind;
};

enum stamp_find {
	STAMP_OK,
	STAMP_ZERO, /* nothing but zeros */
	STAMP_NONE, /* neither: another run's, torn, damaged */
};

/** stamp_put() - Fill @sector, STAMP_BYTES of any alignment */
void stamp_put(void *sector, const struct stamp *s);

/** stamp_get() - Read it; @s is set with STAMP_OK only */
enum stamp_find stamp_get(const void *sector, uint64_t seed, struct stamp *s);

#endif
