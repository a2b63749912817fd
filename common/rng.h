/* SPDX-License-Identifier: MIT */
/* Random numbers that can be had again: splitmix64. */
#ifndef PVB_RNG_H
#define PVB_RNG_H

#include <stdint.h>

/** rng_next() - The next one that follows from *@rng, which begins as any number */
static inline uint64_t rng_next(uint64_t *rng)
{
	uint64_t v = *rng += UINT64_C(0x9e3779b97f4a7c15);

	v = (v ^ v >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	v = (v ^ v >> 27) * UINT64_C(0x94d049bb133111eb);
	return v ^ v >> 31;
}

#endif
