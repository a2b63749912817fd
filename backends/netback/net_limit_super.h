/* SPDX-License-Identifier: MIT */
/*
 * How much may pass a card: the toolstack's `rate`, limits of pvbackd.conf, and those
 * that an administrator has set for this card, which are kept in our directory.
 */
#ifndef PVB_NET_LIMIT_SUPER_H
#define PVB_NET_LIMIT_SUPER_H

#include "backend.h"
#include "net_shape.h"

/** struct net_limit_set - Some limits: those that are said */
struct net_limit_set {
	bool said[NET_NLIMITS];
	uint64_t limit[NET_NLIMITS];
};

/**
 * net_limit_parse() - "tx-bytes=1000000 rx-packets=0", 0 for none
 *
 * What is not named stays as it is in @set. Return: 0 or -EINVAL. Pure.
 */
int must_check net_limit_parse(const char *s, struct net_limit_set *set);

/** net_limit_text() - The same back. Return: @out. Pure. */
#define NET_LIMIT_TEXT 160
const char *net_limit_text(char out[NET_LIMIT_TEXT], const struct net_limit_set *set);

/** net_limit_configure(), net_limit_configured() - As super_backend has them */
int net_limit_configure(const char *key, const char *value, const char **want);
void net_limit_configured(bool take);

/**
 * net_limit_read() - What holds for a card now
 * @why:	Set with -EINVAL: a key is malformed
 *
 * Return: 0 or -errno.
 */
int must_check net_limit_read(struct bdev *d, struct net_limits *l, char *why,
                              size_t why_size);

/**
 * net_limit_tune() - Set some for this card: our directory changes, and so it is looked
 * at
 *
 * Return: 0 or -errno with @why.
 */
int must_check net_limit_tune(struct bdev *d, const char *what, char *why,
                              size_t why_size);

void net_limit_describe(const struct net_limits *l, struct bdev_facts *f);

/** net_limit_log() - What has changed */
void net_limit_log(const struct bdev *d, const struct net_limits *was,
                   const struct net_limits *is);

#endif
