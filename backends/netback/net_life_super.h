/* SPDX-License-Identifier: MIT */
/*
 * What of a connected network card outlives its worker, besides its TAP: the journal, and
 * what the worker was told.
 */
#ifndef PVB_NET_LIFE_SUPER_H
#define PVB_NET_LIFE_SUPER_H

#include <stdbool.h>

#include "backend.h"
#include "compiler.h"
#include "net_conf.h"
#include "net_hash.h"
#include "net_tap_super.h"

/**
 * struct net_life - Of a card; zero while it is not connected
 * @on:		It is
 * @journal:	File
 * @steer:	With NET_STEERED of @conf.flags: net_steer.h
 * @bound:	With @conf.rx_bytes: net_bound.h
 */
struct net_life {
	bool on;
	int journal;
	int steer[NET_STEER_FDS];
	int bound;
	struct net_conf conf;
};

/**
 * net_life_begin() - A new connection
 * @t:		Is told what there is of it in the kernel
 *
 * Return: 0, or -errno after bdev_fault().
 */
int must_check net_life_begin(struct bdev *d, struct net_life *l, const struct net_tap *t,
                              const struct net_conf *c);

/**
 * net_life_conf() - Judge what a worker was told that outlived another pvbackd
 *
 * Return: 0, or -EPROTO after bdev_fault().
 */
int must_check net_life_conf(struct bdev *d, const struct bdev_conf *conf,
                             struct net_conf *c);

/**
 * net_life_adopt() - Its connection; descriptors that are kept are taken, if there are
 * any
 *
 * Return: 0, or -errno after bdev_fault().
 */
int must_check net_life_adopt(struct bdev *d, struct net_life *l, const struct net_tap *t,
                              const struct net_conf *c, struct bdev_conf *conf);

/** net_life_tell() - Fill in what a worker is told */
void net_life_tell(const struct net_life *l, const struct net_tap *t,
                   struct bdev_conf *conf);

/** net_life_hash() - What the guest has said on its control ring. Return: it is hashed.
 */
bool must_check net_life_hash(const struct net_life *l, struct net_hash_conf *c);

/** net_life_serving() - The worker was at work on a queue when it ended */
bool net_life_serving(const struct net_life *l);

void net_life_end(struct net_life *l);

#endif
