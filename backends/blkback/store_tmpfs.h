/* SPDX-License-Identifier: MIT */
/*
 * An image on tmpfs: its storage is memory, and a small read or write is over sooner than
 * it is handed to somebody. io_uring hands every one to a thread of the kernel, as tmpfs
 * has no way to be asked for what takes no wait (FMODE_NOWAIT, io_uring/rw.c).
 *
 * What the host has swapped out is waited for by the ring's thread, one after the other.
 */
#ifndef PVB_STORE_TMPFS_H
#define PVB_STORE_TMPFS_H

#include <stdbool.h>

#include "store.h"

/* Largest read or write that is done at once, bytes: others are worth another thread. */
#define STORE_TMPFS_MAX   (16U << 10)
/*
 * Most bytes in one wait(), then the user answers these: a quarter of what waits, and of
 * a page of ring of 4 KiB each. On an idle host the guest needs as long to wake up as the
 * worker for two or three such batches, and is awake when it is told of them; with all,
 * or with three quarters, each side waits for the other (docs/performance.md).
 */
#define STORE_TMPFS_BATCH (32U << 10)

/** store_is_tmpfs() - Asks no storage */
bool store_is_tmpfs(int fd);

/**
 * store_tmpfs() - Do what is small by plain system calls in wait(), leave the rest to
 * @engine
 * @fd:	Image on tmpfs; stays the engine's
 *
 * Return: the store; @engine itself if there is no memory for one.
 */
struct store *store_tmpfs(int fd, struct store *engine);

#endif
