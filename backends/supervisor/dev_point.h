/* SPDX-License-Identifier: MIT */
/*
 * Places in the life of a device at which a test has pvbackd die. Where they are compiled
 * in (DEV_POINTS, for tests/points) each is a call; in the pvbackd that is installed they
 * are nothing.
 *
 * Each action of the transition table has two: "NAME before" and "NAME after", which is
 * before the next state is entered. The others are in the midst of one.
 */
#ifndef PVB_DEV_POINT_H
#define PVB_DEV_POINT_H

#include <stdbool.h>

#include "dev_state.h"

#ifdef DEV_POINTS
void dev_point_call(const char *name);
void dev_point_act_call(enum dev_action act, bool done);
#define dev_point(name)          dev_point_call(name)
#define dev_point_act(act, done) dev_point_act_call(act, done)
#else
#define dev_point(name)          ((void)(name))
#define dev_point_act(act, done) ((void)(act))
#endif

#endif
