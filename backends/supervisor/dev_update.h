/* SPDX-License-Identifier: MIT */
/* What changes of a device while it is connected: of the device itself, of its health. */
#ifndef PVB_DEV_UPDATE_H
#define PVB_DEV_UPDATE_H

struct device;

/** dev_update() - Ask the backend; tell the worker. Does nothing but when connected. */
void dev_update(struct device *d);

/** dev_ailing() - The worker says what is wrong with it, or with @err 0 that nothing is
 */
void dev_ailing(struct device *d, int err, const char *text);

#endif
