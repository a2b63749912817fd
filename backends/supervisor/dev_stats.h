/* SPDX-License-Identifier: MIT */
/* A device's statistics: the memfd that its worker counts in. */
#ifndef PVB_DEV_STATS_H
#define PVB_DEV_STATS_H

#include "compiler.h"

struct device;

/**
 * dev_stats_open() - Have a memfd that a worker can use, before it is told to connect
 *
 * What was counted so far is kept, unless a worker has written nonsense.
 *
 * Return: 0 or -errno.
 */
int must_check dev_stats_open(struct device *d);

/** dev_stats_kept() - What there is is of as many queues as @d->conf says, or more */
void dev_stats_kept(struct device *d);

/** dev_stats_close() - The device is gone, or another has taken its place */
void dev_stats_close(struct device *d);

#endif
