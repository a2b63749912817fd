/* SPDX-License-Identifier: MIT */
/* Strict numbers: what XenStore, a config file or a command line may call a number. */
#ifndef PVB_NUM_H
#define PVB_NUM_H

#include <stdint.h>

#include "compiler.h"

/* A domid that a real guest can have: below Xen's DOMID_FIRST_RESERVED (0x7ff0). */
#define NUM_DOMID_MAX 0x7fefU

/**
 * num_u64() - Parse a decimal number, nothing else
 * @s:		Text; NULL counts as malformed
 * @max:	Largest value accepted
 * @out:	Result, untouched on error
 *
 * No sign, no space, no leading "0x", no trailing byte; leading zeros are accepted.
 *
 * Return: 0, -EINVAL (not a number) or -ERANGE (larger than @max).
 */
int must_check num_u64(const char *s, uint64_t max, uint64_t *out);

/** num_u32() - As num_u64(), for 32 bits */
int must_check num_u32(const char *s, uint32_t max, uint32_t *out);

/**
 * num_size() - Parse a size in bytes with an optional suffix K, M, G or T (powers of
 * 1024)
 *
 * Return: 0, -EINVAL or -ERANGE (does not fit 64 bits).
 */
int must_check num_size(const char *s, uint64_t *out);

#endif
