/* SPDX-License-Identifier: MIT */
/* What a client of the control socket wants done with one device. */
#ifndef PVB_CTL_ACT_H
#define PVB_CTL_ACT_H

#include "report.h"

/* Descriptors of a request: those of a capture. */
#define CTL_FDS 2U

/**
 * ctl_act() - Do it
 * @d:		NULL: there is no such device
 * @fds:	That came with the request, @nfds; they stay the caller's
 *
 * Return: NULL, or why it was not done, until the next call.
 */
const char *ctl_act(struct device *d, const struct ctl_request *rq, const int *fds,
                    unsigned int nfds);

#endif
