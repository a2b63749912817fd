/* SPDX-License-Identifier: MIT */
/*
 * An engine behind an engine, which does not give up: a request that fails because
 * storage is full or away is kept and tried again, and the guest waits instead of hearing
 * of it.
 *
 * A flush is never tried again: the kernel forgets what it could not write, and would
 * call the second one a success.
 */
#ifndef PVB_STORE_HOLD_H
#define PVB_STORE_HOLD_H

#include "compiler.h"
#include "store.h"

/* Tried again after so long; and so soon after somebody has asked for it, at the latest.
 */
#define STORE_HOLD_RETRY_S 10
#define STORE_HOLD_LOOK_S  1

/**
 * struct store_hold_conf - What to keep
 * @space:	What fails because storage is full
 * @error:	What fails in any other way that storage has
 * @resume:	Counted up by another thread: try again now
 * @say:	@err < 0: the first one, @io, is kept; 0: none is any more
 */
struct store_hold_conf {
	bool space, error;
	const uint32_t *resume;
	void (*say)(void *arg, const struct store_io *io, int err);
	void *arg;
};

/**
 * store_hold_open() - Put it in front of @engine, which is its own from then on
 *
 * Return: 0 or -ENOMEM.
 */
int must_check store_hold_open(const struct store_hold_conf *c, struct store *engine,
                               struct store **out);

/** store_hold_wants() - Is @err of an I/O @op one to be kept? Pure. */
bool store_hold_wants(const struct store_hold_conf *c, enum store_op op, int err);

#endif
