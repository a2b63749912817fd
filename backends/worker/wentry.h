/* SPDX-License-Identifier: MIT */
/* One device that the worker serves, from CONNECT to its end. */
#ifndef PVB_WENTRY_H
#define PVB_WENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend.h"
#include "compiler.h"
#include "msg.h"

struct wdevs;

/**
 * struct wentry - A device, and what its threads have to say
 * @all:	The list that it is in
 * @what, @blob, @fds: CONNECT as it came, for a supervisor that comes later
 * @stopping:	disconnect() has been called
 * @broken:	FAILED was sent
 * @failed:	Note: FAILED is to be sent, with @result
 * @ailing:	Note: STATUS is to be sent, with @status
 * @gone:	Note: DISCONNECTED is to be sent, and this to be freed
 *
 * The list is the main thread's; the notes are guarded by the lock.
 */
struct wentry {
	struct wdev dev;
	struct wdevs *all;
	struct wentry *next;
	const struct worker_backend *backend;
	struct msg_connect what;
	uint32_t blob_len;
	uint32_t nfds;
	uint8_t blob[MSG_BLOB_MAX];
	int fds[MSG_FDS_MAX];
	bool stopping;
	bool broken;
	bool failed;
	bool ailing;
	bool gone;
	struct msg_result result;
	struct msg_result status;
};

/**
 * wentry_new() - The device that a CONNECT is about, not connected yet
 *
 * Return: 0; or -errno with @text and nothing left.
 */
int must_check wentry_new(struct wdevs *all, const struct msg *connect, char *text,
                          size_t size, struct wentry **out);

/** wentry_connect() - Keep what came, and have the backend serve it
 *
 * Return: 0; or -errno with @text, and @e is the caller's to free.
 */
int must_check wentry_connect(struct wentry *e, struct msg *connect, char *text,
                              size_t size);

/** wentry_stop() - Have the backend let go of it; once */
void wentry_stop(struct wentry *e);

void wentry_free(struct wentry *e);

#endif
