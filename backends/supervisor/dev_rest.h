/* SPDX-License-Identifier: MIT */
/*
 * A device with which worker after worker crashes rests: its guest waits, with its
 * requests in the journal, and does not see an end of it. It is tried again after a pause
 * that doubles, or when an administrator says so; its guest's other devices are served
 * meanwhile.
 */
#ifndef PVB_DEV_REST_H
#define PVB_DEV_REST_H

#include <stdbool.h>

struct device;

/** dev_rest() - The worker that had it ended, see @how; it rests if that is once too
 * often */
void dev_rest(struct device *d, const char *how);

/** dev_rests() - Is it still to be left alone? If so, why is said, once */
bool dev_rests(struct device *d);

/**
 * dev_rest_end() - It is tried at its next turn
 *
 * Return: NULL, or why that is no use; of this call.
 */
const char *dev_rest_end(struct device *d);

#endif
