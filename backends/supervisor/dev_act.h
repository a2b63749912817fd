/* SPDX-License-Identifier: MIT */
/* What a device does on the way from one state to the next: the actions of the table. */
#ifndef PVB_DEV_ACT_H
#define PVB_DEV_ACT_H

#include "compiler.h"
#include "dev_state.h"
#include "device.h"

/**
 * dev_act() - Do it
 *
 * Return: 0, -EAGAIN when something has to change first, or another -errno with the
 * device's fault filled in.
 */
int must_check dev_act(struct device *d, enum dev_action act);

/** dev_report() - Say what is wrong, once for as long as it is the same */
void dev_report(struct device *d);

/**
 * dev_committed() - A change of our state that has to succeed for what follows gave @rc
 *
 * Return: 0, -EAGAIN when there is to be another turn, or -errno with the fault.
 */
int must_check dev_committed(struct device *d, int rc);

/** dev_well() - Nothing is wrong any more */
void dev_well(struct device *d);

/** dev_forget_keys() - And the storage: undo open() and probe() */
void dev_forget_keys(struct device *d);

/**
 * dev_fence() - May I/O of the worker that died still reach the storage?
 *
 * Return: 0 when not, -EAGAIN when it may: the device gets a turn in a moment.
 */
int must_check dev_fence(struct device *d);

#endif
