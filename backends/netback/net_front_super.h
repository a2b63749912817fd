/* SPDX-License-Identifier: MIT */
/* What is said to a vif's frontend, and what it says. */
#ifndef PVB_NET_FRONT_SUPER_H
#define PVB_NET_FRONT_SUPER_H

#include "backend.h"
#include "net_conf.h"

/** net_front_configure(), net_front_configured() - As those of struct super_backend */
int net_front_configure(const char *key, const char *value, const char **want);
void net_front_configured(bool take);

/** net_front_offer() - What the frontend reads in InitWait. Return: 0 or -errno. */
int must_check net_front_offer(struct bdev *d, xst_t t);

/**
 * net_front_keys() - Judge what it has published: rings, ports, and what it takes
 *
 * Return: 0 or -errno after bdev_fault().
 */
int must_check net_front_keys(struct bdev *d, struct net_conf *c);

/**
 * net_front_live() - What of it counts when it is written anew, while it is connected
 *
 * Return: as above, with @l as it was.
 */
int must_check net_front_live(struct bdev *d, struct net_live *l);

#endif
