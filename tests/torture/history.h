/* SPDX-License-Identifier: MIT */
/*
 * What a disk may hold, from what was asked of it and what it has answered. Pure: the
 * order of the calls is the order of time.
 *
 * Requests may overlap each other, on one queue or several. A sector is a register: a
 * write takes effect on it once or several times (a worker that dies has it done again by
 * the next), at moments between its beginning and its answer, and at least once; a
 * discard in this way or not at all, and so a write that failed. A read finds what the
 * last effect at one moment between its own beginning and answer has left. What was
 * answered never comes back over something newer. History is right if there are such
 * moments for all requests, and wrong if there are none: the judgement is exact, see
 * history.c.
 *
 * Durability: what a sector holds after its storage was cut off must be what it may have
 * held at some moment since the last flush began that was answered. A barrier is a flush
 * for the writes before it, and itself durable.
 */
#ifndef PVB_HISTORY_H
#define PVB_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler.h"

struct history;

/* The value of a sector of zeros, as the disk has them in the beginning. */
#define HISTORY_ZERO  UINT64_C(0)
/*
 * And of one that holds what no write of this history has written. A read at the same
 * time as a write may find a part of both: page caches do not lock a sector.
 */
#define HISTORY_ALIEN UINT64_MAX

enum history_kind {
	HISTORY_READ,
	HISTORY_WRITE,
	HISTORY_DISCARD,
	HISTORY_FLUSH,   /* with sectors it writes them, after the flush */
	HISTORY_BARRIER, /* the same, and they are durable */
	HISTORY_KINDS
};

extern const char *const history_kind_name[HISTORY_KINDS];

/**
 * struct history_op - A request; the caller's memory from history_begin() to its end
 * @write:	What it writes: a number that no other one has, not HISTORY_ZERO
 * @first, @n:	Sectors; @n is 0 of a flush or barrier without data
 * @begun:	When; history's
 * @older, @newer: The others on their way; history's
 */
struct history_op {
	enum history_kind kind;
	uint64_t write;
	uint64_t first;
	uint32_t n;
	uint64_t begun;
	struct history_op *older, *newer;
};

/**
 * struct history_fault - What cannot be
 * @sector:	Where
 * @write:	What it holds
 */
struct history_fault {
	uint64_t sector;
	uint64_t write;
	char why[240];
};

/**
 * history_new() - Of a disk of @sectors that holds zeros
 * @durable:	history_survived() will be asked: flushes are part of what is asked
 */
int must_check history_new(struct history **h, uint64_t sectors, bool durable);
void history_free(struct history *h);

/** history_begin() - Before the request can be seen by anybody */
void history_begin(struct history *h, struct history_op *op);

/**
 * history_end() - It was answered
 * @ok:		With success
 * @found:	Of a read that succeeded: the value of each sector
 *
 * Return: 0, -EILSEQ with @fault, or -ENOMEM.
 */
int must_check history_end(struct history *h, struct history_op *op, bool ok,
                           const uint64_t *found, struct history_fault *fault);

/**
 * history_survived() - May the sector hold this after its storage was cut off now?
 *
 * Return: 0 or -EILSEQ with @fault.
 */
int must_check history_survived(const struct history *h, uint64_t sector, uint64_t found,
                                struct history_fault *fault);

#endif
