/* SPDX-License-Identifier: MIT */
/*
 * A device's nodes in XenStore.
 *
 * Nothing is written into a directory that was removed, or written anew by the toolstack,
 * since it was looked at: each change of state is a transaction that first checks that
 * our state node is as we saw it.
 */
#ifndef PVB_DEV_STORE_H
#define PVB_DEV_STORE_H

#include "backend.h"
#include "compiler.h"

struct device;

/** dev_store_look() - Fill the view. Return: 0 or -errno when XenStore cannot be asked.
 */
int must_check dev_store_look(struct device *d);

/**
 * dev_store_judge() - The keys that all kinds have in common
 *
 * Return: 0, -EAGAIN when some are missing, or -EINVAL after bdev_fault().
 */
int must_check dev_store_judge(struct device *d);

/** dev_store_watch() - Watch the frontend, its state at least. Return: 0 or -errno. */
int must_check dev_store_watch(struct device *d);
void dev_store_unwatch(struct device *d);

/**
 * dev_store_state() - Write our xenbus state, with what @keys writes, or NULL
 *
 * Return: 0; -ESTALE when the directory is gone or not as we saw it, which is another
 * event; -EAGAIN when XenStore could not be reached or is too busy; other -errno.
 */
int must_check dev_store_state(struct device *d, int state,
                               int (*keys)(struct bdev *b, xst_t t));

/** dev_store_mark() - Leave or remove the mark of an orderly stop. Return: as above. */
int must_check dev_store_mark(struct device *d, bool mark);

/** dev_store_error() - Write the error node, where xenbus drivers write theirs */
void dev_store_error(struct device *d, const char *text);
void dev_store_error_clear(struct device *d);

/** dev_store_refuse() - Error node and state 6 for a directory that is no device's name
 */
void dev_store_refuse(struct xst *xs, const char *rel, const char *text);

/** dev_store_name() - Look up the guest's name; "" when there is none */
void dev_store_name(struct device *d);

#endif
