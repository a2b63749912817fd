/* SPDX-License-Identifier: MIT */
/* What the command-line tools share: the way out by a signal, and how they end. */
#ifndef PVB_TOOL_H
#define PVB_TOOL_H

#include <errno.h>

#include "compiler.h"

/* Exit statuses, as the manual pages have them; 128 + N is "ended by signal N". */
#define EXIT_IO     1
#define EXIT_USAGE  2
#define EXIT_BREACH 3
#define EXIT_DEVICE 4

/* The command line does not fit what is there; it has been said. */
#define ERR_USAGE (-EDOM)

/** wake_fd - Readable once SIGINT, SIGTERM or SIGHUP has come; -1 before tool_signals()
 */
extern int wake_fd;

/** tool_signals() - From now on they make wake_fd readable. Return: 0 or -errno, logged.
 */
int must_check tool_signals(void);

/** tool_status() - The exit status for 0 or -errno; -EINTR is the signal that came */
int tool_status(int rc);

#endif
