/* SPDX-License-Identifier: MIT */
/* Names of virtual disks ("xvda", "hda1") and their numbers: xen-vbd-interface(7). */
#ifndef PVB_VDEV_H
#define PVB_VDEV_H

#include <stddef.h>
#include <stdint.h>

#include "compiler.h"

/* Longest name with its NUL: "xvd", 5 letters, 3 digits. */
#define VDEV_NAME_MAX 16

/**
 * vdev_parse() - Device number of a name
 * @s:	"xvdc", "xvdc7", "d2p7", "hda", "sdb1", or a decimal number
 *
 * Return: 0, -EINVAL (not a name) or -ERANGE (no such disk or partition number).
 */
int must_check vdev_parse(const char *s, uint32_t *devid);

/** vdev_name() - Name of a number, "vbd-N" for one that has none. Return: @name. */
const char *vdev_name(uint32_t devid, char name[VDEV_NAME_MAX]);

#endif
