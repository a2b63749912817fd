/* SPDX-License-Identifier: MIT */
/* The connection to pvbackd: requests and answers as lines. */
#ifndef PVB_CONN_H
#define PVB_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "compiler.h"

/* Exit statuses, as pvbackctl(8) documents them. */
enum {
	EXIT_USAGE = 2,
	EXIT_NOT_RUNNING = 3,
	EXIT_NO_DEVICE = 4,
};

/**
 * struct conn - A connection
 * @quiet:	What goes wrong with it is not said, as it will be tried again
 */
struct conn {
	bool quiet;
	FILE *in;
	char *line;
	size_t size;
	const char *path;
};

/**
 * conn_open() - Connect to RUN_DIR/control.sock
 *
 * Return: 0, or an exit status, having said what is wrong.
 */
int must_check conn_open(struct conn *c, const char *run_dir);
/** conn_try() - The same, without a word; a @c that is quiet stays so. Return: 0 or
 * -errno.
 */
int must_check conn_try(struct conn *c, const char *run_dir);
void conn_close(struct conn *c);

/** conn_say() - A line on standard error, unless it is to be quiet */
void conn_say(const struct conn *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** conn_send() - A request, without the end of the line. Return: as conn_open(). */
int must_check conn_send(struct conn *c, const char *request);

/** conn_send_fds() - With @n descriptors, which stay the caller's */
int must_check conn_send_fds(struct conn *c, const char *request, const int *fds,
                             unsigned int n);

/** conn_line() - The next line of the answer, or NULL after having said what is wrong */
const char *conn_line(struct conn *c);

#endif
