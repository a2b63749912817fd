/* SPDX-License-Identifier: MIT */
/*
 * What of a connected device outlives pvbackd and its worker, should both die: files in
 * RUN_DIR, which is on a tmpfs. One says what the worker was told, the others are the
 * backend's (bdev_file()). They go when the device closes; the host's next start finds
 * none.
 */
#ifndef PVB_DEV_KEPT_H
#define PVB_DEV_KEPT_H

#include "compiler.h"

struct device;
struct super;

/** dev_kept_find() - At the start: devices of which there are files, whoever has them */
void dev_kept_find(struct super *s);

/** dev_kept_put() - A worker is about to be told d->conf. Return: 0 or -errno. */
int must_check dev_kept_put(struct device *d);

/**
 * dev_kept_get() - Nobody serves a device that is Connected: was it left by a worker and
 * a pvbackd that died? Then it is held, as if the worker had said so before it died.
 *
 * Return: 0; -ENOENT: it was not; or other -errno after bdev_fault().
 */
int must_check dev_kept_get(struct device *d);

/** dev_kept_check() - Is what would be left understood? Return: 0 or -errno. */
int must_check dev_kept_check(const struct device *d);

/** dev_kept_drop() - It closes */
void dev_kept_drop(struct device *d);

#endif
