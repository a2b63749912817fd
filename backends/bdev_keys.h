/* SPDX-License-Identifier: MIT */
/*
 * Keys of a device, for the supervisor halves: how they are read, and what is said when
 * they are wrong. Errors have been told to bdev_fault().
 */
#ifndef PVB_BDEV_KEYS_H
#define PVB_BDEV_KEYS_H

#include "backend.h"

/**
 * bdev_key() - A key that may be missing: then *out is NULL
 * @dir:	d->path or d->front
 *
 * Return: 0 or -errno.
 */
int must_check bdev_key(struct bdev *d, char **out, const char *dir, const char *key);

/** bdev_key_limit() - A number up to @max that may be missing: then it is 0 */
int must_check bdev_key_limit(struct bdev *d, const char *dir, const char *key,
                              uint32_t max, uint32_t *out);

/** bdev_key_number() - A number from 1 to @max that must be there */
int must_check bdev_key_number(struct bdev *d, const char *dir, const char *key,
                               uint32_t max, uint32_t *out);

/**
 * bdev_script() - Is the hotplug script through?
 *
 * A device that has neither a script nor a hotplug-status has none to wait for.
 *
 * Return: 0; -EAGAIN: not yet, or it has failed and may be run again; other -errno.
 */
int must_check bdev_script(struct bdev *d);

#endif
