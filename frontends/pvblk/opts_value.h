/* SPDX-License-Identifier: MIT */
/* Values on pvblk's command line. */
#ifndef PVB_PVBLK_OPTS_VALUE_H
#define PVB_PVBLK_OPTS_VALUE_H

#include <stdint.h>

#include "compiler.h"
#include "opts.h"

/** parse_size() - "4k", "1G": bytes. Return: 0, -EINVAL or -ERANGE. */
int must_check parse_size(const char *s, uint64_t *out);

/** parse_duration() - "5s", "200ms", "2m", "5": milliseconds, not 0 */
int must_check parse_duration(const char *s, int *ms);

/** parse_mode() - "randread", or weights: "read:70,write:20,flush:10" */
int must_check parse_mode(const char *s, struct load_mode *out);

#endif
