/* SPDX-License-Identifier: MIT */
#include "pattern.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PATTERN_MAGIC UINT64_C(0x6b6c622d76703a7e) /* "~:pv-blk" */
#define PATTERN_WORDS (PATTERN_BLOCK / sizeof(uint64_t))

/** struct block - 4 KiB; @body follows from the four words before it */
struct block {
	uint64_t magic;
	uint64_t seed;
	uint64_t offset;
	uint64_t sequence;
	uint64_t body[PATTERN_WORDS - 4];
};

_Static_assert(sizeof(struct block) == PATTERN_BLOCK, "a block is full");

/* A mixing step with full period; each block starts from a state of its own. */
static uint64_t mix(uint64_t v)
{
	v = (v ^ v >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	v = (v ^ v >> 27) * UINT64_C(0x94d049bb133111eb);
	return v ^ v >> 31;
}

static void block_make(struct block *b, uint64_t seed, uint64_t offset, uint64_t sequence)
{
	uint64_t v = mix(mix(mix(seed + PATTERN_MAGIC) + offset) + sequence) | 1;

	b->magic = PATTERN_MAGIC;
	b->seed = seed;
	b->offset = offset;
	b->sequence = sequence;
	for (size_t i = 0; i < ARRAY_SIZE(b->body); i++) {
		v ^= v << 13;
		v ^= v >> 7;
		v ^= v << 17;
		b->body[i] = v;
	}
}

void pattern_fill(void *buf, size_t len, uint64_t seed, uint64_t offset,
                  uint64_t sequence)
{
	assert(len % PATTERN_BLOCK == 0);
	for (size_t at = 0; at < len; at += PATTERN_BLOCK) {
		struct block b;

		block_make(&b, seed, offset + at, sequence);
		memcpy((char *)buf + at, &b, sizeof(b));
	}
}

static void block_explain(const struct block *got, const struct block *want, char *why,
                          size_t why_size)
{
	const uint8_t *g = (const uint8_t *)got, *w = (const uint8_t *)want;
	size_t at = 0;

	if (got->magic != PATTERN_MAGIC) {
		snprintf(why, why_size, "offset %" PRIu64 ": not a block of this tool",
		         want->offset);
		return;
	}
	if (got->seed != want->seed || got->offset != want->offset ||
	    got->sequence != want->sequence) {
		snprintf(why, why_size,
		         "offset %" PRIu64 ": holds the block of seed %" PRIu64
		         " offset %" PRIu64 " sequence %" PRIu64 ", not seed %" PRIu64
		         " sequence %" PRIu64,
		         want->offset, got->seed, got->offset, got->sequence, want->seed,
		         want->sequence);
		return;
	}
	while (g[at] == w[at])
		at++;
	snprintf(why, why_size,
	         "offset %" PRIu64
	         ": the right block, but torn or damaged from byte %zu on",
	         want->offset, at);
}

bool pattern_check(const void *buf, size_t len, uint64_t seed, uint64_t offset,
                   uint64_t sequence, char *why, size_t why_size)
{
	assert(len % PATTERN_BLOCK == 0);
	for (size_t at = 0; at < len; at += PATTERN_BLOCK) {
		struct block want, got;

		block_make(&want, seed, offset + at, sequence);
		if (memcmp((const char *)buf + at, &want, sizeof(want)) == 0)
			continue;
		memcpy(&got, (const char *)buf + at, sizeof(got));
		block_explain(&got, &want, why, why_size);
		return false;
	}
	return true;
}
