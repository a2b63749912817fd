/* SPDX-License-Identifier: MIT */
/*
 * With PVB_JUMP in the environment the clock on the wall says another day each time that
 * it is asked, within four years, back and forth: for all that is in the process, the
 * event loop's library as well, in place of the C library's.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "compiler.h"

#define SPAN (1U << 28) /* seconds */

static time_t jump(void)
{
	static atomic_uint asked;
	unsigned int n = atomic_fetch_add(&asked, 1) * 2654435761U;

	return getenv("PVB_JUMP") ? (time_t)(n % SPAN) - (time_t)(SPAN / 2) : 0;
}

/* As the C library has it. */
int clock_gettime(clockid_t clock, struct timespec *ts) /* NOLINT */
{
	int rc = (int)syscall(SYS_clock_gettime, clock, ts);

	if (!rc && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		ts->tv_sec += jump();
	return rc;
}

int gettimeofday(struct timeval *tv, void *zone) /* NOLINT */
{
	struct timespec ts;
	int rc = clock_gettime(CLOCK_REALTIME, &ts);

	(void)zone;
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return rc;
}

time_t time(time_t *out) /* NOLINT */
{
	struct timespec ts;

	if (clock_gettime(CLOCK_REALTIME, &ts))
		return -1;
	if (out)
		*out = ts.tv_sec;
	return ts.tv_sec;
}
