/* SPDX-License-Identifier: MIT */
/*
 * XenStore, as this project uses it: the only file that calls libxenstore.
 *
 * Strings that are returned are malloc'ed and the caller's. Errors are -errno; -ENOENT is
 * a missing node, -EAGAIN inside xst_transact() a conflict, -EIO, -EPIPE, -EBADF and
 * -ECONNRESET (see xst_broken()) a connection that is gone: close and open again, watches
 * and transactions are lost with it.
 */
#ifndef PVB_XS_H
#define PVB_XS_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"

/* XENSTORE_ABS_PATH_MAX of xen/io/xs_wire.h, and its NUL. */
#define XST_PATH_MAX 3073

struct xst;

/** typedef xst_t - Transaction, XST_NULL outside one */
typedef uint32_t xst_t;
#define XST_NULL ((xst_t)0)

/** struct xst_event - A watch that fired: the changed path, the watch's own token */
struct xst_event {
	char *path;
	char *token;
};

/** xst_open() - Connect: the daemon's socket, or /dev/xen/xenbus in a domU */
int must_check xst_open(struct xst **out);
void xst_close(struct xst *x);
bool xst_broken(int rc);

/** xst_fd() - Readable when xst_next() has something; for an event loop */
int xst_fd(const struct xst *x);

/** xst_read() - Value of a node, NUL-terminated. A value with a NUL inside is -EINVAL. */
int must_check xst_read(struct xst *x, xst_t t, char **out, const char *path_fmt, ...)
	printf_like(4, 5);

/** xst_read_u32() - A node that must hold a decimal number up to @max (see num.h) */
int must_check xst_read_u32(struct xst *x, xst_t t, uint32_t max, uint32_t *out,
                            const char *path_fmt, ...) printf_like(5, 6);

/** xst_list() - Names of a node's children, sorted as the store has them */
int must_check xst_list(struct xst *x, xst_t t, char ***names, unsigned int *n,
                        const char *path_fmt, ...) printf_like(5, 6);

int must_check xst_write(struct xst *x, xst_t t, const char *path, const char *value);

/** xst_printf() - Write DIR/KEY with a formatted value */
int must_check xst_printf(struct xst *x, xst_t t, const char *dir, const char *key,
                          const char *value_fmt, ...) printf_like(5, 6);

/** xst_rm() - Remove a subtree; a missing one is success */
int must_check xst_rm(struct xst *x, xst_t t, const char *path);

/** xst_watch() - Watch a subtree; an event comes at once, and one for each change */
int must_check xst_watch(struct xst *x, const char *path, const char *token);
void xst_unwatch(struct xst *x, const char *path, const char *token);

/**
 * xst_next() - Take one watch event without blocking
 *
 * Return: 1 and an event to be released with xst_event_free(), 0 when there is none, or
 * -errno when the connection is gone.
 */
int must_check xst_next(struct xst *x, struct xst_event *ev);
void xst_event_free(struct xst_event *ev);

/**
 * xst_transact() - Run @fn in a transaction until it commits
 * @fn:	Returns 0 to commit, -errno to abort; may run several times
 *
 * A conflict (-EAGAIN) is retried up to 32 times with a pause that grows, so that a guest
 * that keeps writing in the same subtree cannot hold us for ever (XSA-206).
 *
 * Return: 0, what @fn returned, or -EAGAIN after the last try.
 */
int must_check xst_transact(struct xst *x, int (*fn)(struct xst *x, xst_t t, void *arg),
                            void *arg);

#endif
