/* SPDX-License-Identifier: MIT */
/* What worker and test share: where is the next worker to die? */
#ifndef PVB_POINTS_H
#define PVB_POINTS_H

#include <stdint.h>

#include "blk_point.h"

enum points_kind {
	POINTS_READ,
	POINTS_WRITE,
	POINTS_BARRIER,
	POINTS_FLUSH,
	POINTS_DISCARD,
	POINTS_INDIRECT_READ,
	POINTS_INDIRECT_WRITE,
	POINTS_KINDS,
	POINTS_ANY = POINTS_KINDS
};

/**
 * struct points - The first bytes of the file that PVB_POINTS names
 * @point:	enum blk_point; 0: nowhere
 * @kind:	Of the request
 * @next_point, @next_kind: Where then, of the same kind of request
 * @hits:	Workers that have died so
 * @thread:	If not empty: only in threads of that name, again and again, by SIGABRT
 * @mute:	The worker cannot say so any more
 */
struct points {
	uint32_t point, kind;
	uint32_t next_point, next_kind;
	uint32_t hits;
	char thread[16];
	uint32_t mute;
};

#endif
