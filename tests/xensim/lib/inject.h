/* SPDX-License-Identifier: MIT */
/* Injecting faults into the calls of this process. */
#ifndef XENSIM_INJECT_H
#define XENSIM_INJECT_H

#include "fault.h"

/** inject_armed() - May a fault of that kind strike here at all? One load. */
bool inject_armed(enum fault_kind kind);

/** inject_strike() - Count a call made as @domid; Return: true if a fault strikes, in
 * @hit */
bool inject_strike(enum fault_kind kind, uint32_t domid, struct fault *hit);

/** inject_errno() - Count a call; Return: 0, or the -errno it is to fail with */
int inject_errno(enum fault_kind kind, uint32_t domid);

/** inject_notify() - Count a notify, delay it; Return: true if it is to be dropped */
bool inject_notify(uint32_t domid);

/**
 * xensim_point() - Pass a named point, at which the process may be killed
 *
 * Exported: a program that finds it with dlsym(RTLD_DEFAULT, "xensim_point") may name
 * points of its own.
 */
void xensim_point(const char *name);

#endif
