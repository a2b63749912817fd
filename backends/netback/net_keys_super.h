/* SPDX-License-Identifier: MIT */
/* What the keys of a vif may say. Pure. */
#ifndef PVB_NET_KEYS_SUPER_H
#define PVB_NET_KEYS_SUPER_H

#include <stdint.h>

#include "compiler.h"

/** net_mac_parse() - "00:16:3e:01:02:03", of one station. Return: 0 or -EINVAL. */
int must_check net_mac_parse(const char *s, uint8_t mac[6]);

/**
 * net_rate_parse() - "BYTES,MICROSECONDS", as libxl writes `rate`; neither is 0
 *
 * Return: 0 or -EINVAL.
 */
int must_check net_rate_parse(const char *s, uint64_t *bytes, uint32_t *usec);

/** net_ifname_check() - May a network interface be called so? Return: 0 or -EINVAL. */
int must_check net_ifname_check(const char *s);

#endif
