/* SPDX-License-Identifier: MIT */
/*
 * Devices that a worker has which outlived the pvbackd that started it. Such a device
 * goes the way of one that an orderly stop has left, keys are judged and its storage is
 * opened, but the worker serves it all the while, and is not told of it again.
 */
#ifndef PVB_DEV_HELD_H
#define PVB_DEV_HELD_H

#include <stdbool.h>

#include "backend.h"
#include "compiler.h"
#include "dev_state.h"

struct device;
struct guest;
struct msg;

/**
 * struct dev_held - What the worker was told in CONNECT
 * @conf:	Its descriptors are ours
 */
struct dev_held {
	struct bdev_conf conf;
};

/** dev_held() - HELD has come. Return: 0, or -errno when it makes no sense. */
int must_check dev_held(struct guest *g, const struct msg *m);

/** dev_held_over() - DISCONNECTED has come for such a device */
void dev_held_over(struct device *d);

/**
 * dev_held_first() - Before @act is done about @d: the worker has to let go
 *
 * Return: 0 when @act may be done, -EAGAIN when DISCONNECTED has to come first.
 */
int must_check dev_held_first(struct device *d, enum dev_action act);

/** dev_held_take() - Its storage is open: take over what there is. Return: 0 or -errno.
 */
int must_check dev_held_take(struct device *d);

/** dev_held_free() - Close what was handed to us */
void dev_held_free(struct device *d);

#endif
