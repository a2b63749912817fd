/* SPDX-License-Identifier: MIT */
/* Being a daemon: going to the background, and being the only one. */
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

/**
 * daemon_lock() - Be the only one in @run_dir, which is made if it is missing
 * @pid:	Of the one that is there, if -EEXIST is returned; 0 if it did not say
 *
 * The lock is RUN_DIR/pvbackd.pid and holds our process id; it ends with the process.
 *
 * Return: 0, -EEXIST, or other -errno (logged).
 */
int must_check daemon_lock(const char *run_dir, long *pid);

/** daemon_files_max() - Raise the limit of open files to what is allowed */
void daemon_files_max(void);

#endif
