/* SPDX-License-Identifier: MIT */
/* What a guest may do with its card, by pvbackd.conf and the toolstack's keys. */
#ifndef PVB_NET_POLICY_SUPER_H
#define PVB_NET_POLICY_SUPER_H

#include "backend.h"
#include "net_conf.h"

/** net_policy_configure(), net_policy_configured() - As super_backend has them */
int net_policy_configure(const char *key, const char *value, const char **want);
void net_policy_configured(bool take);

/** net_policy_full_checksums() - Is the guest to be given no blank ones? */
bool net_policy_full_checksums(struct bdev *d);

/**
 * net_policy_keys() - Under which addresses it may send: `mac` and `ip`
 *
 * Return: 0 or -errno after bdev_fault().
 */
int must_check net_policy_keys(struct bdev *d, struct net_conf *c);

void net_policy_describe(const struct net_conf *c, struct bdev_facts *f);

/**
 * net_addrs_parse() - Addresses and networks, "10.0.0.5 fd00::/64", with blanks between
 *
 * Return: 0, -EINVAL, or -E2BIG for more than NET_SPOOF_ADDRS. Pure.
 */
int must_check net_addrs_parse(const char *s, struct net_spoof_conf *c);

#endif
