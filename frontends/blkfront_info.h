/* SPDX-License-Identifier: MIT */
/* What a backend publishes about its disk. */
#ifndef PVB_BLKFRONT_INFO_H
#define PVB_BLKFRONT_INFO_H

#include <stdbool.h>

#include "blkfront.h"
#include "compiler.h"
#include "front.h"

/**
 * blkfront_info_read() - Read the keys of a backend that is Connected
 * @persistent:	We offer feature-persistent
 *
 * Return: 0, -EPROTO when a key is missing or nonsense, which is logged, or -errno.
 */
int must_check blkfront_info_read(struct front *f, bool persistent,
                                  struct blkfront_info *out);

#endif
