/* SPDX-License-Identifier: MIT */
/* In a worker that has points: it dies where the file says. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "compiler.h"
#include "points.h"
#include "xenabi.h"

#define BUSY UINT32_MAX

static struct points *points;

/* The worker itself could not: it has no open(). */
static __attribute__((constructor)) void points_map(void)
{
	const char *path = getenv("PVB_POINTS");
	autoclose int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *mem = MAP_FAILED;

	if (fd >= 0)
		mem = mmap(NULL, sizeof(*points), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		           0);
	if (mem != MAP_FAILED)
		points = mem;
}

/* As xen/io/blkif.h has it; of an indirect request the operation meant comes second. */
static uint32_t kind_of(const uint8_t *req)
{
	switch (req ? req[0] : UINT8_MAX) {
	case BLKIF_OP_READ:
		return POINTS_READ;
	case BLKIF_OP_WRITE:
		return POINTS_WRITE;
	case BLKIF_OP_WRITE_BARRIER:
		return POINTS_BARRIER;
	case BLKIF_OP_FLUSH_DISKCACHE:
		return POINTS_FLUSH;
	case BLKIF_OP_DISCARD:
		return POINTS_DISCARD;
	case BLKIF_OP_INDIRECT:
		return req[1] == BLKIF_OP_READ ? POINTS_INDIRECT_READ
		                               : POINTS_INDIRECT_WRITE;
	default:
		return POINTS_ANY;
	}
}

static bool is_thread(const char *name)
{
	char own[sizeof(points->thread)];

	return pthread_getname_np(pthread_self(), own, sizeof(own)) == 0 &&
	       strncmp(own, name, sizeof(own)) == 0;
}

/* The macro's, in a worker that has points. */
void blk_point_call(enum blk_point p, const uint8_t *req);

void blk_point_call(enum blk_point p, const uint8_t *req)
{
	uint32_t want = p;

	if (!points || __atomic_load_n(&points->point, __ATOMIC_ACQUIRE) != want ||
	    (points->kind != POINTS_ANY && points->kind != kind_of(req)))
		return;
	if (points->thread[0]) {
		if (is_thread(points->thread)) {
			if (points->mute)
				signal(SIGABRT, SIG_DFL);
			raise(SIGABRT);
		}
		return;
	}
	/* One thread dies for all. */
	if (!__atomic_compare_exchange_n(&points->point, &want, BUSY, false,
	                                 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return;
	want = points->next_point;
	points->kind = points->next_kind;
	points->next_point = 0;
	points->hits++;
	__atomic_store_n(&points->point, want, __ATOMIC_RELEASE);
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}
