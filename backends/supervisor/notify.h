/* SPDX-License-Identifier: MIT */
/* Telling a service manager how we are: the datagrams of sd_notify(3). */
#ifndef PVB_NOTIFY_H
#define PVB_NOTIFY_H

#include "compiler.h"

/** notify() - "READY=1" and the like; nothing happens when nobody asked to be told */
void notify(const char *fmt, ...) printf_like(1, 2);

#endif
