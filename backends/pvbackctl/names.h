/* SPDX-License-Identifier: MIT */
/*
 * What an administrator may call a device. Pure.
 *
 * It is printed as GUEST/DEVICE with the guest's number, "3/xvda". These are accepted,
 * too: the guest's name, "web/xvda"; the device's number, "3/51712"; the names in sysfs
 * and of interfaces, "vbd-3-51712" and "vif3.0".
 */
#ifndef PVB_NAMES_H
#define PVB_NAMES_H

#include <stdbool.h>

#include "reply.h"

/** name_is_device() - Does @s mean @d? */
bool name_is_device(const char *s, const struct dev *d);

/** name_is_guest() - Does @s mean the guest of @d, by number or name? */
bool name_is_guest(const char *s, const struct dev *d);

#endif
