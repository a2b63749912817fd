/* SPDX-License-Identifier: MIT */
/*
 * Another worker for a guest, of the program that is installed now: devices are drained
 * where that is not noticed, the worker is told to go, and its successor takes them up.
 * What takes too long, or may not be drained, is left to the journals: the worker is
 * killed.
 */
#ifndef PVB_RENEW_H
#define PVB_RENEW_H

#include "compiler.h"

struct device;
struct guest;

/** guest_renew() - Begin. Return: NULL, or why not. */
const char *guest_renew(struct guest *g);

/** renew_drained() - The worker has let go of @d, one of those that are drained */
void renew_drained(struct device *d);

/** renew_overdue() - The worker is still at it */
void renew_overdue(struct guest *g);

/** renew_done() - @d is served again, if it was being renewed */
void renew_done(struct device *d);

#endif
