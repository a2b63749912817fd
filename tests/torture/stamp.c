/* SPDX-License-Identifier: MIT */
#include "stamp.h"

#include <stddef.h>
#include <string.h>

#define STAMP_MAGIC UINT64_C(0x70766261636b6421)
#define STAMP_WORDS (STAMP_BYTES / sizeof(uint64_t))

/** struct layout - A sector; @body follows from what is before it */
struct layout {
	uint64_t magic;
	struct stamp s;
	uint64_t body[STAMP_WORDS - 1 - sizeof(struct stamp) / sizeof(uint64_t)];
};

_Static_assert(sizeof(struct layout) == STAMP_BYTES, "a sector is full");
_Static_assert(sizeof(struct stamp) == 48, "no padding");

static uint64_t mix(uint64_t v)
{
	v = (v ^ v >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	v = (v ^ v >> 27) * UINT64_C(0x94d049bb133111eb);
	return v ^ v >> 31;
}

static void fill(struct layout *l, const struct stamp *s)
{
	uint64_t word[sizeof(*s) / sizeof(uint64_t)], v = STAMP_MAGIC, step;

	memcpy(word, s, sizeof(*s));
	for (size_t i = 0; i < sizeof(*s) / sizeof(uint64_t); i++)
		v = mix(v + word[i]);
	step = v | 1;
	l->magic = STAMP_MAGIC;
	l->s = *s;
	for (size_t i = 0; i < sizeof(l->body) / sizeof(l->body[0]); i++, v += step)
		l->body[i] = v;
}

void stamp_put(void *sector, const struct stamp *s)
{
	struct layout l;

	fill(&l, s);
	memcpy(sector, &l, sizeof(l));
}

enum stamp_find stamp_get(const void *sector, uint64_t seed, struct stamp *s)
{
	static const struct layout zero;
	struct layout got, want;

	memcpy(&got, sector, sizeof(got));
	if (memcmp(&got, &zero, sizeof(got)) == 0)
		return STAMP_ZERO;
	if (got.magic != STAMP_MAGIC || got.s.seed != seed)
		return STAMP_NONE;
	fill(&want, &got.s);
	if (memcmp(&got, &want, sizeof(got)) != 0)
		return STAMP_NONE;
	*s = got.s;
	return STAMP_OK;
}
