/* SPDX-License-Identifier: MIT */
/*
 * aim FILE ROUNDS - have workers die at each point, of each kind of request, one after
 * the other, under whatever load there is. TAP; a point that nobody comes to within 20 s
 * fails.
 * aim FILE -|mute DISK - have all workers crash with the first I/O of that disk,
 * "vbd-51712", from now on, and say so or not; "" ends it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "compiler.h"
#include "num.h"
#include "points.h"

#define PATIENCE UINT64_C(20000000000)
#define AGE_NS   80000000

static const char *const point_name[] = { [BLK_POINT_NONE] = "nowhere",
#define X(name, what) [BLK_POINT_##name] = #name ": " what,
	                                  BLK_POINT_LIST(X)
#undef X
};

_Static_assert(ARRAY_SIZE(point_name) == BLK_POINTS_N, "a point has no name");

static const char *const kind_name[] = {
	[POINTS_READ] = "read",
	[POINTS_WRITE] = "write",
	[POINTS_BARRIER] = "barrier",
	[POINTS_FLUSH] = "flush",
	[POINTS_DISCARD] = "discard",
	[POINTS_INDIRECT_READ] = "indirect read",
	[POINTS_INDIRECT_WRITE] = "indirect write",
};

_Static_assert(ARRAY_SIZE(kind_name) == POINTS_KINDS, "a kind has no name");

static bool hit(struct points *p, uint32_t point, uint32_t kind)
{
	/* Those of a successor come after one that leaves it such a request. */
	bool twice = point >= BLK_POINT_taken_up;
	uint64_t since;

	/* Of workers that die young the next one is started later and later. */
	nanosleep(&(struct timespec){ .tv_nsec = AGE_NS }, NULL);
	since = clock_ns();
	p->next_point = twice ? point : 0;
	p->next_kind = point == BLK_POINT_taken_up ? (uint32_t)POINTS_ANY : kind;
	p->kind = kind;
	__atomic_store_n(&p->point, twice ? (uint32_t)BLK_POINT_submitted : point,
	                 __ATOMIC_RELEASE);
	while (__atomic_load_n(&p->point, __ATOMIC_ACQUIRE)) {
		if (clock_ns() - since > PATIENCE)
			return false;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return true;
}

int main(int argc, char **argv)
{
	autoclose int fd = -1;
	struct points *p;
	uint32_t rounds = 0, n = 0, bad = 0;

	bool mute = argc == 4 && strcmp(argv[2], "mute") == 0;
	bool always = mute || (argc == 4 && strcmp(argv[2], "-") == 0);

	if (!always && (argc != 3 || num_u32(argv[2], 100000, &rounds)))
		return 2;
	fd = open(argv[1], O_RDWR | O_CLOEXEC);
	p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	if (always) {
		snprintf(p->thread, sizeof(p->thread), "%s", argv[3]);
		p->kind = POINTS_ANY;
		p->mute = mute;
		__atomic_store_n(&p->point, argv[3][0] ? BLK_POINT_complete : 0U,
		                 __ATOMIC_RELEASE);
		return 0;
	}
	for (uint32_t i = 0; i < rounds * (BLK_POINTS_N - 1) * POINTS_KINDS && !bad;
	     i++) {
		uint32_t kind = i % POINTS_KINDS;
		uint32_t point = 1 + i / POINTS_KINDS % (BLK_POINTS_N - 1);
		/* The kernel gets many at once, of all kinds. */
		bool any = point == BLK_POINT_entered;

		bad = !hit(p, point, any ? (uint32_t)POINTS_ANY : kind);
		if (i < (BLK_POINTS_N - 1) * POINTS_KINDS || bad)
			printf("%sok %u - a %s, %s\n", bad ? "not " : "", ++n,
			       any ? "crowd" : kind_name[kind], point_name[point]);
	}
	printf("# workers died %u times\n", p->hits);
	return bad != 0;
}
