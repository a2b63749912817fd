/* SPDX-License-Identifier: MIT */
/* What keys of a vbd may say. Pure. */
#ifndef PVB_BLK_KEYS_SUPER_H
#define PVB_BLK_KEYS_SUPER_H

#include <stdbool.h>
#include <stdint.h>

#include "blk_conf.h"
#include "compiler.h"

/**
 * blk_mode_parse() - "r" or "w", with "!" for an image that others use as well
 *
 * Return: 0 or -EINVAL.
 */
int must_check blk_mode_parse(const char *s, bool *ro, bool *shared);

/** blk_protocol_parse() - Return: 0 or -EINVAL */
int must_check blk_protocol_parse(const char *s, enum blk_protocol *out);

/** blk_device_parse() - physical-device, "MAJOR:MINOR" in hex. Return: 0 or -EINVAL. */
int must_check blk_device_parse(const char *s, unsigned int *major, unsigned int *minor);

#endif
