/* SPDX-License-Identifier: MIT */
/*
 * What a frontend and we say to each other in XenStore: what is offered, what it chose.
 * The disk itself is none of it.
 */
#ifndef PVB_BLK_FRONT_SUPER_H
#define PVB_BLK_FRONT_SUPER_H

#include "backend.h"
#include "blk_conf.h"
#include "compiler.h"

/** blk_front_configure() - configure() of struct super_backend: what frontends get */
int must_check blk_front_configure(const char *key, const char *value, const char **want);

/** blk_front_configured() - configured() of struct super_backend */
void blk_front_configured(bool take);

/** blk_front_offer() - Keys that a frontend reads before it makes its rings */
int must_check blk_front_offer(struct bdev *d, xst_t t);

/**
 * blk_front_keys() - Read and judge the keys of the frontend: its part of @c
 *
 * Return: 0, or -errno after bdev_fault().
 */
int must_check blk_front_keys(struct bdev *d, struct blk_conf *c);

/** blk_front_publish() - What the rings can do, for when we are Connected */
int must_check blk_front_publish(struct bdev *d, xst_t t);

#endif
