/* SPDX-License-Identifier: MIT */
/*
 * In which order has storage seen writes that name themselves (stamp.h)? Pure.
 *
 * What a worker that died has left undone is done again, in the order in which it was
 * taken from the queue: the older of two that touch the same sectors has ended before the
 * younger begins, and with a flush or a barrier all that is older has. So when a write is
 * seen for the second time, nothing older that it must wait for may be on its way, or
 * come after.
 */
#ifndef PVB_WITNESS_H
#define PVB_WITNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler.h"
#include "stamp.h"

#define WITNESS_QUEUES 16U

struct witness;

/**
 * witness_new()
 * @orders:	Kinds, a bit for each, that wait for all and that all wait for
 */
int must_check witness_new(struct witness **w, uint32_t orders);
void witness_free(struct witness *w);

/**
 * witness_begin() - Storage begins to write sectors of a write
 * @s:		What the first of them says
 * @n:		How many
 *
 * Return: false with @why: it is out of order.
 */
bool must_check witness_begin(struct witness *w, const struct stamp *s, uint32_t n,
                              char *why, size_t size);
void witness_end(struct witness *w, const struct stamp *s);

/** witness_again() - Writes that were seen more than once */
uint64_t witness_again(const struct witness *w);

#endif
