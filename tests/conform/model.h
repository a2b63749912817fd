/* SPDX-License-Identifier: MIT */
/*
 * What a disk must hold, sector by sector.
 *
 * A sector that was written holds its number and the number of that write, and the rest
 * follows from these, so a wrong one tells whose it is. After a discard it holds what it
 * had before, or zeros, each sector by itself: blkif promises no more. Sectors that are
 * on their way are claimed; nobody else may touch them. Threads may share a model if they
 * do not share sectors.
 */
#ifndef PVB_MODEL_H
#define PVB_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler.h"

/** enum kind - What a request does */
enum kind {
	READ,
	WRITE,
	FLUSH,
	BARRIER,
	DISCARD,
	KINDS
};

extern const char *const kind_name[KINDS];

/**
 * struct sector - What is known of one
 * @write:	Number of the write it holds; 0: none, it is zero
 * @by:		What touched it last
 * @discarded:	Since then: it may be zero as well
 * @unknown:	It was found wrong: only what is written from now on counts
 * @claims:	Requests it is on its way with
 */
struct sector {
	uint32_t write;
	uint8_t by;
	bool discarded;
	bool unknown;
	uint16_t claims;
};

struct model {
	uint64_t sectors;
	uint32_t writes;
	struct sector *s;
};

/** model_open() - Of a disk that is all zero. Return: 0 or -ENOMEM. */
int must_check model_open(struct model *m, uint64_t sectors);
void model_close(struct model *m);

/** model_free() - None of these is claimed */
bool model_free(const struct model *m, uint64_t first, uint64_t n);
void model_claim(struct model *m, uint64_t first, uint64_t n);
void model_release(struct model *m, uint64_t first, uint64_t n);

/** model_write() - Fill @buf for a write of @n sectors by @by, and expect it from now on
 */
void model_write(struct model *m, enum kind by, uint64_t first, uint64_t n, void *buf);
void model_discard(struct model *m, uint64_t first, uint64_t n);

/**
 * model_check() - Compare what was read with what must be there
 * @at:		The first sector that is wrong
 * @why:	What it holds instead
 */
bool must_check model_check(const struct model *m, uint64_t first, uint64_t n,
                            const void *buf, uint64_t *at, char *why, size_t why_size);

/** model_zeroed() - Sectors discarded and not written since that are zero, but were not
 */
uint64_t model_zeroed(const struct model *m, uint64_t first, uint64_t n, const void *buf);

/**
 * model_adopt() - Go on from what the whole disk holds, with nothing on its way
 *
 * What a discard has left is known then; what is wrong is not held against it again.
 */
void model_adopt(struct model *m, const void *disk);

#endif
