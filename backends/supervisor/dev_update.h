/* SPDX-License-Identifier: MIT */
/* What changes of a device while it is connected: of the device itself, of its health. */
#ifndef PVB_DEV_UPDATE_H
#define PVB_DEV_UPDATE_H

#include "compiler.h"

struct device;

/** dev_update() - Ask the backend; tell the worker. Does nothing but when connected. */
void dev_update(struct device *d);

/**
 * dev_reconfigure() - The frontend is at 7: write 8 when the worker heeds what it wants
 *
 * Called again for as long as it is so. One that wants what cannot be gets no answer but
 * the error node's. Return: 0, or as dev_committed().
 */
int must_check dev_reconfigure(struct device *d);

/** dev_reconfigured() - It is at 4, and so are we: if we were at 8. Return: as above. */
int must_check dev_reconfigured(struct device *d);

/** dev_ailing() - The worker says what is wrong with it, or with @err 0 that nothing is
 */
void dev_ailing(struct device *d, int err, const char *text);

#endif
