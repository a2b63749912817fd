/* SPDX-License-Identifier: MIT */
/* Bytes that tell their seed and their place, to see whether memory is what was written.
 */
#ifndef PATTERN_H
#define PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline uint8_t pattern_byte(uint64_t seed, size_t at)
{
	uint64_t x = (seed + 1) * 0x9e3779b97f4a7c15u + at;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	return (uint8_t)(x >> 56);
}

static inline void pattern_fill(uint8_t *p, size_t len, uint64_t seed)
{
	for (size_t i = 0; i < len; i++)
		p[i] = pattern_byte(seed, i);
}

static inline bool pattern_is(const uint8_t *p, size_t len, uint64_t seed)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] != pattern_byte(seed, i))
			return false;
	}
	return true;
}

#endif
