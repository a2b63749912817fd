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
 * @dir:	d->path, d->front or a directory below that
 *
 * Return: 0 or -errno.
 */
int must_check bdev_key(struct bdev *d, char **out, const char *dir, const char *key);

/** bdev_key_limit() - A number up to @max that may be missing: then it is 0 */
int must_check bdev_key_limit(struct bdev *d, const char *dir, const char *key,
                              uint32_t max, uint32_t *out);

/** bdev_key_number() - A number from 1 to @max that must be there, without leading zeros
 */
int must_check bdev_key_number(struct bdev *d, const char *dir, const char *key,
                               uint32_t max, uint32_t *out);

/** bdev_guest_name() - What its guest is called, to be freed; NULL: it has no name */
char *bdev_guest_name(struct bdev *d);

/**
 * bdev_script() - Is the hotplug script through?
 * @script:	There is one; without, only a hotplug-status that is there is waited for
 *
 * Return: 0; -EAGAIN: not yet; -ECANCELED: it has failed, and the toolstack may have it
 * run again; other -errno.
 */
int must_check bdev_script(struct bdev *d, bool script);

#endif
