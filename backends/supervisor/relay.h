/* SPDX-License-Identifier: MIT */
/* A worker's standard error, line by line into our log, within an allowance. */
#ifndef PVB_RELAY_H
#define PVB_RELAY_H

#include "log.h"

/* A worker that crashes has a page to say, a guest that makes it talk no more than that.
 */
#define RELAY_LINES 100

/**
 * struct relay - One worker's output
 * @tag:	"guest 3"; whatever the worker says is marked as that guest's
 * @len:	Bytes of @line that are there, without an end yet
 */
struct relay {
	const char *tag;
	struct log_limit limit;
	size_t len;
	char line[1024];
};

/**
 * relay_read() - Log what @fd has, a bufferful at most
 *
 * Return: 1 when there may be more, 0 when there is not for now, -1 at the end.
 */
int must_check relay_read(struct relay *r, int fd);

/**
 * relay_parse() - Take apart a line as log_write() makes it: "NAME[PID] LEVEL: TEXT"
 *
 * Return: TEXT inside @line; all of it, as a warning, when it is something else.
 */
const char *relay_parse(const char *line, enum log_level *level);

#endif
