/* SPDX-License-Identifier: MIT */
/*
 * The frontend's half of xenbus: find a device of this domain, walk it through its states
 * together with its backend, notice when the backend leaves.
 *
 *   Initialising (1)  the backend is awaited in InitWait (2)          front_start()
 *   Initialised (3)   keys are published, it is awaited in Connected  front_publish()
 *   Connected (4)     the ring is in use                              front_connected()
 *   Reconfiguring (7) awaited in Reconfigured (8) before 4 again  front_set_state()
 *   Closing (5)       awaited in Closing or Closed                    front_stop()
 *   Closed (6)        awaited in Closed: it has let go of the ring    front_stop()
 *
 * From Closed front_start() goes round again. Every wait is for a watch, with a time
 * limit, and ends when the wake-up descriptor is readable.
 */
#ifndef PVB_FRONT_H
#define PVB_FRONT_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"
#include "xenabi.h"
#include "xs.h"

/**
 * struct front - A device of this domain
 * @xs:			XenStore, this device's own connection
 * @dir:		Our directory, relative to our domain's: "device/vbd/51712"
 * @backend:		The backend's directory
 * @backend_id:		The backend's domain
 * @devid:		Device number
 * @state:		Our state, as last written or read
 * @backend_state:	The backend's, as last read; Unknown when it has none
 * @gone:		The toolstack has removed our directory
 * @wake_fd:		Ends every wait when it is readable; -1 for none
 * @tag:		"vbd-51712", for log lines
 */
struct front {
	struct xst *xs;
	char *dir;
	char *backend;
	uint32_t backend_id;
	uint32_t devid;
	enum xenbus_state state;
	enum xenbus_state backend_state;
	bool gone;
	int wake_fd;
	char tag[24];
};

/** front_list() - Numbers of this domain's devices of @kind, ascending; free() them */
int must_check front_list(struct xst *xs, const char *kind, uint32_t **devids,
                          unsigned int *n);

/**
 * front_open() - Connect to XenStore and look a device up
 * @f:	Result; front_close() takes it also after a failure
 *
 * Return: 0, -ENODEV when this domain has no such device, other -errno. The reason is
 * logged.
 */
int must_check front_open(struct front *f, const char *kind, uint32_t devid, int wake_fd);
void front_close(struct front *f);

/**
 * front_start() - Be Initialising, and find the backend in InitWait
 * @reset:	Take the device over from a frontend that has died without closing it
 * @hasty:	Of a device that is new, do not wait for InitWait
 *
 * Without @reset a device in any other state than Initialising or Closed is in use, by
 * another program or by the kernel: -EBUSY.
 */
int must_check front_start(struct front *f, bool reset, bool hasty, int timeout_ms);

/**
 * front_publish() - Write our keys and @state, in one transaction
 * @state:	Initialised, or Connected of one that does not wait for its backend
 * @keys:	Writes the keys; may be called several times
 *
 * Return: 0, -EBUSY when another program was faster, other -errno.
 */
int must_check front_publish(struct front *f, enum xenbus_state state,
                             int (*keys)(struct xst *xs, xst_t t, void *arg), void *arg);

/** front_await() - Wait for the backend to be Connected; -ENODEV if it declines */
int must_check front_await(struct front *f, int timeout_ms);

/** front_set_state() - Write our state */
int must_check front_set_state(struct front *f, enum xenbus_state state);

/**
 * front_connected() - Take what XenStore has to tell, without blocking
 *
 * For when front_fd() is readable. Return: 0 while the backend is Connected, or
 * Reconfigured after that; -ENODEV once it is not, or the device is gone; other -errno
 * when XenStore is.
 */
int must_check front_connected(struct front *f);
int front_fd(const struct front *f);

/**
 * front_stop() - Closing, Closed; the backend has let go of what we shared on success
 * @ours:	Keys to remove: they meant the ring which is closed now. Ends with NULL; a
 *		name that ends in "*" is all names that begin so.
 *
 * A device that is gone, or was never published, is success.
 */
int front_stop(struct front *f, const char *const *ours, int timeout_ms);

/** front_drop() - Closed at once, as FreeBSD's drivers do it; its keys stay */
int must_check front_drop(struct front *f, int timeout_ms);

/** front_close_first() - Closing, Closed, of one that was not connected yet */
int must_check front_close_first(struct front *f, int timeout_ms);

/** front_clear() - Remove the keys of @dir that are @ours, as front_stop() does */
int must_check front_clear(struct xst *xs, xst_t t, const char *dir,
                           const char *const *ours);

/** front_state_name() - "Connected" */
const char *front_state_name(enum xenbus_state state);

/** front_ms() - Monotonic clock, milliseconds */
int64_t front_ms(void);

/** front_left() - Milliseconds until @deadline, not less than 0; -1 for a negative one */
int front_left(int64_t deadline);

#endif
