/* SPDX-License-Identifier: MIT */
/*
 * What the control socket answers (request.h): lines of JSON. Nothing here blocks or
 * keeps anything.
 *
 * Whatever a guest, or a worker that it has taken over, may have a hand in is made
 * printable text or a number here.
 */
#ifndef PVB_REPORT_H
#define PVB_REPORT_H

#include "request.h"

struct super;

/*
 * Lines, with their end; malloc'ed, NULL without memory.
 */
char *report_device(struct device *d, enum ctl_cmd cmd);
char *report_version(const struct super *s);
char *report_done(void);
char *report_error(const char *why);

#endif
