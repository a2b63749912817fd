/* SPDX-License-Identifier: MIT */
/* Being a daemon: going to the background. */
#ifndef PVB_DAEMON_H
#define PVB_DAEMON_H

#include "compiler.h"

/**
 * daemon_fork() - Go to the background; call it before any thread or loop exists
 *
 * The process that was started waits for daemon_ready(), and exits with 0 then; if the
 * daemon ends before, with the daemon's exit status. It does not return there.
 *
 * Return: 0 in the daemon, with standard error still the caller's, or -errno.
 */
int must_check daemon_fork(void);

/** daemon_ready() - Let the process that was started go, and its terminal */
void daemon_ready(void);

#endif
