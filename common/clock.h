/* SPDX-License-Identifier: MIT */
/* Monotonic time. */
#ifndef PVB_CLOCK_H
#define PVB_CLOCK_H

#include <stdint.h>
#include <time.h>

/** clock_ns() - Nanoseconds since some moment; the same for all processes of the host */
static inline uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

#endif
