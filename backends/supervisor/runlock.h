/* SPDX-License-Identifier: MIT */
/*
 * Who is the pvbackd of a run directory? The one that lives: RUN_DIR/pvbackd.pid is
 * locked by it, and holds its process id.
 *
 * The lock is a record lock of fcntl(2): no process that we start is a copy of it, and
 * the kernel says whose it is. It ends when the last thread has, and one that waits in
 * the kernel for storage ends with that only, killed or not: who is dying is given a
 * moment, and then passed over. Each of those keeps its byte of the file, and the one
 * that lives has another.
 */
#ifndef PVB_RUNLOCK_H
#define PVB_RUNLOCK_H

#include <stdbool.h>

#include "compiler.h"

/**
 * runlock_take() - Be the only one in @run_dir, which is made if it is missing
 * @pid:	Of the one that is there, if -EEXIST is returned; 0 if it is not known
 *
 * The lock ends with the process, or when it executes another program.
 *
 * Return: 0, -EEXIST, or other -errno (logged).
 */
int must_check runlock_take(const char *run_dir, long *pid);

/**
 * runlock_dying() - Will this process never run another instruction of its program?
 * @stat:	Its /proc/PID/stat, see proc(5)
 *
 * Its main thread has ended, is about to, or has SIGKILL pending. What cannot be
 * understood is alive.
 */
bool runlock_dying(const char *stat);

#endif
