/* SPDX-License-Identifier: MIT */
/*
 * Starting a worker while storage hangs.
 *
 * To close a file may wait for its storage (FUSE asks its server each time, NFS writes
 * what is left in memory), and a process that is forked has all of ours, to be closed
 * before or when it executes the worker. With an image on storage that hangs neither
 * would a worker come up for any other guest, nor would vfork() return. So the new
 * process shares our table of descriptors first, and then asks for a copy of its
 * beginning (CLOSE_RANGE_UNSHARE). That is at least 64 in all kernels; so many are kept
 * in use, by nothing that matters, and whatever is opened later lies behind.
 */
#ifndef PVB_SPAWN_H
#define PVB_SPAWN_H

#include <sys/types.h>

#include "compiler.h"

/** struct spawn_fds - What msg.h says that a worker finds open; they stay the caller's */
struct spawn_fds {
	int sock;
	int log;
	int listen;
};

/** spawn_prepare() - Before anything of a guest's is opened. Return: 0 or -errno. */
int must_check spawn_prepare(void);

/**
 * spawn() - Execute @program with @argv and our environment; main thread only
 *
 * Return: 0 when it is executed, or -errno.
 */
int must_check spawn(const char *program, char *const argv[], const struct spawn_fds *fds,
                     pid_t *pid);

#endif
