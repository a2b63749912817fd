/* SPDX-License-Identifier: MIT */
/*
 * What a frontend shares with its backend's domain: granted pages and an event channel.
 * The only user of libxengntshr (in libxengnttab) and libxenevtchn in the frontends.
 */
#ifndef PVB_FRONT_CHAN_H
#define PVB_FRONT_CHAN_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"

/**
 * struct front_chan - Pages and event channel for one backend
 * @port:	Our end of the event channel; what the event-channel key holds
 * @sent:	Notifications sent
 * @received:	Events taken
 */
struct front_chan {
	struct xengntdev_handle *shr;
	struct xenevtchn_handle *evt;
	uint32_t domid;
	uint32_t port;
	uint64_t sent;
	uint64_t received;
};

/** front_chan_open() - Open the drivers, allocate a port that @domid may bind to */
int must_check front_chan_open(struct front_chan *c, uint32_t domid, const char *tag);

/** front_chan_close() - Zero-initialised is closed. Pages must have been unshared. */
void front_chan_close(struct front_chan *c);

/** front_chan_fd() - Readable when front_chan_event() has something */
int front_chan_fd(const struct front_chan *c);
int must_check front_chan_notify(struct front_chan *c);

/**
 * front_chan_event() - Take one event and let the next one come
 *
 * Only when front_chan_fd() is readable: it may block otherwise.
 */
int must_check front_chan_event(struct front_chan *c);

/**
 * front_chan_share() - Allocate zeroed pages and grant them
 * @writable:	The backend may write
 * @refs:	@n grant references
 * @out:	Address of the first page, page-aligned, contiguous
 */
int must_check front_chan_share(struct front_chan *c, unsigned int n, bool writable,
                                uint32_t *refs, void **out);

/** front_chan_unshare() - Revoke and free; a page still mapped is freed later */
void front_chan_unshare(struct front_chan *c, void *pages, unsigned int n);

#endif
