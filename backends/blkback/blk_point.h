/* SPDX-License-Identifier: MIT */
/*
 * Places in the life of a request at which a test has the worker die. Where they are
 * compiled in (BLK_POINTS, for tests/points) each is a call; in the worker that is
 * installed they are nothing.
 */
#ifndef PVB_BLK_POINT_H
#define PVB_BLK_POINT_H

#include <stdint.h>

/* X(name, what has happened), in the order in which a request comes to them */
#define BLK_POINT_LIST(X)                                           \
	X(copied, "in the journal's memory, not recorded")          \
	X(recorded, "recorded, not begun")                          \
	X(submitted, "given to the engine")                         \
	X(entered, "the kernel has it, by io_uring_enter()")        \
	X(complete, "done by the engine")                           \
	X(written, "its response is in the ring, and not recorded") \
	X(answered, "its response is recorded")                     \
	X(showing, "is about to be shown")                          \
	X(shown, "was shown, which is not recorded")                \
	X(over, "that is recorded, the guest has no event")         \
	X(taken_up, "a successor has read the journal")             \
	X(replayed, "the successor has begun it anew, or answered it")

enum blk_point {
	BLK_POINT_NONE,
#define X(name, what) BLK_POINT_##name,
	BLK_POINT_LIST(X)
#undef X
	BLK_POINTS_N
};

/*
 * blk_point() - @req is the request as it was on the ring, or NULL: of any kind
 */
#ifdef BLK_POINTS
void blk_point_call(enum blk_point p, const uint8_t *req);
#define blk_point(name, req) blk_point_call(BLK_POINT_##name, req)
#else
#define blk_point(name, req) ((void)sizeof(&(req)[0]))
#endif

#endif
