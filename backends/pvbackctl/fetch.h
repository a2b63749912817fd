/* SPDX-License-Identifier: MIT */
/* Ask pvbackd for devices. */
#ifndef PVB_FETCH_H
#define PVB_FETCH_H

#include "conn.h"
#include "reply.h"

/** struct devs - Devices, sorted by guest and number; zero-initialised is none */
struct devs {
	struct dev *v;
	size_t n;
};

#define FETCH_REQUEST 160

/** fetch_request() - A request, about @only, or all devices if that is NULL */
void fetch_request(char request[FETCH_REQUEST], const char *cmd, const struct dev *only);

/**
 * fetch() - Send "list", "stats" or "show" and collect the answer
 * @only:	Of this device; NULL: of all
 * @raw:	Copy the lines to standard output, too
 *
 * Return: 0, or an exit status, having said what is wrong.
 */
int must_check fetch(struct conn *c, const char *cmd, const struct dev *only, bool raw,
                     struct devs *out);

/** fetch_done() - The answer to what is not a question. Return: as fetch(). */
int must_check fetch_done(struct conn *c);

void devs_free(struct devs *d);

/** devs_find() - The same device in another answer, or NULL */
const struct dev *devs_find(const struct devs *d, const struct dev *what);

/**
 * devs_keep() - Forget all but what @name means: a device, or with @guests all of a guest
 *
 * Return: 0, or EXIT_NO_DEVICE, having said so.
 */
int must_check devs_keep(struct devs *d, const char *name, bool guests);

/** devs_only() - As devs_keep() of a device; it has to be one */
int must_check devs_only(struct devs *d, const char *name);

#endif
