/* SPDX-License-Identifier: MIT */
/* A worker as a process: starting it, and its end. */
#ifndef PVB_CHILD_H
#define PVB_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "compiler.h"

/**
 * struct child - A process and what connects us with it
 * @pid:	0 when there is none
 * @pidfd:	Readable when it has ended
 * @sock:	Our end of the socket for messages
 * @log:	Where its standard error can be read, without blocking
 */
struct child {
	pid_t pid;
	int pidfd;
	int sock;
	int log;
};

#define CHILD_NONE ((struct child){ .pidfd = -1, .sock = -1, .log = -1 })

/**
 * child_start() - Start @program as msg.h says
 * @run_dir:	Where its socket is that another supervisor can find it by
 *
 * Return: 0; -EADDRINUSE when there is one for this guest already; or other -errno.
 */
int must_check child_start(const char *program, uint32_t domid, const char *run_dir,
                           struct child *out);

/**
 * child_find() - Connect with one that another supervisor has started
 *
 * Return: 0, -ENOENT when there is none, or other -errno.
 */
int must_check child_find(const char *run_dir, uint32_t domid, struct child *out);

/** child_pipe() - A pipe for log lines: @c->log, and the end that is the worker's */
int must_check child_pipe(struct child *c, int *theirs);

/** child_forget() - It has ended, its socket can go */
void child_forget(const char *run_dir, uint32_t domid);

/** child_kill() - SIGKILL; child_reap() is still due */
void child_kill(const struct child *c);

/**
 * struct child_end - What the end of a process was like
 * @good:	It exited with status 0
 * @crashed:	It brought its end about itself: a signal other than SIGKILL, or a status
 * @how:	For a log line: "exit status 1", "signal 9 (Killed)"
 */
struct child_end {
	bool good, crashed;
	char how[64];
};

/** child_reap() - Collect a child whose pidfd is readable, close all */
void child_reap(struct child *c, struct child_end *end);

#endif
