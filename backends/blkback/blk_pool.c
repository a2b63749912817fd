/* SPDX-License-Identifier: MIT */
#include "blk_pool.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

void blk_pool_init(struct blk_pool *p, uint32_t n)
{
	assert(n <= BLK_POOL_MAX);
	memset(p, 0, sizeof(*p));
	p->n = n;
	blk_pool_put(p, 0, n);
}

/* Units from @i on that are alike: free or not. */
static uint32_t pool_run(const struct blk_pool *p, uint32_t i, bool free)
{
	uint32_t k = i;

	while (k < p->n) {
		uint64_t word = free ? ~p->free[k / 64] : p->free[k / 64];

		word >>= k % 64;
		if (word) {
			k += (uint32_t)__builtin_ctzll(word);
			break;
		}
		k = (k | 63) + 1;
	}
	return (k < p->n ? k : p->n) - i;
}

/* The bits of unit @first and those after it in its word, at most @n: how many. */
static uint32_t pool_bits(uint32_t first, uint32_t n, uint64_t *bits)
{
	uint32_t room = 64 - first % 64;

	n = n < room ? n : room;
	*bits = (n == 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1) << first % 64;
	return n;
}

static void pool_mark(struct blk_pool *p, uint32_t first, uint32_t n, bool free)
{
	assert(first + n <= p->n);
	while (n) {
		uint64_t bits;
		uint32_t k = pool_bits(first, n, &bits);

		assert((p->free[first / 64] & bits) == (free ? 0 : bits));
		p->free[first / 64] ^= bits;
		first += k;
		n -= k;
	}
}

uint16_t blk_pool_take(struct blk_pool *p, uint32_t n)
{
	uint32_t i = 0;

	if (n == 1) {
		/* Most requests are of one page. */
		for (uint32_t w = 0; w < (p->n + 63) / 64; w++)
			if (p->free[w]) {
				i = w * 64 + (uint32_t)__builtin_ctzll(p->free[w]);
				p->free[w] &= p->free[w] - 1;
				return (uint16_t)i;
			}
		return BLK_POOL_NONE;
	}
	while (i < p->n) {
		uint32_t run;

		i += pool_run(p, i, false);
		run = pool_run(p, i, true);
		if (run >= n) {
			pool_mark(p, i, n, false);
			return (uint16_t)i;
		}
		i += run;
	}
	return BLK_POOL_NONE;
}

void blk_pool_put(struct blk_pool *p, uint32_t first, uint32_t n)
{
	pool_mark(p, first, n, true);
}
