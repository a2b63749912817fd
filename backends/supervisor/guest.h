/* SPDX-License-Identifier: MIT */
/*
 * A guest: its devices, and the process that serves them.
 *
 * There is never more than one worker for a guest. It is started when a device needs it,
 * and told to go (by closing its socket) when it has no device any more. A worker that
 * breaks the protocol, or does not answer, is killed; what it held ends with it.
 */
#ifndef PVB_GUEST_H
#define PVB_GUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "child.h"
#include "compiler.h"
#include "log.h"
#include "relay.h"
#include "respawn.h"
#include "thread_name.h"

struct bdev_update;
struct device;
struct loop_src;
struct super;

LIST_HEAD(device_list, device);

enum worker_state {
	WORKER_NONE,
	WORKER_PAUSED,   /* several have died: the next one is started later */
	WORKER_STARTING, /* has not said HELLO */
	WORKER_ADOPTED,  /* was found, and has not said all that it has */
	WORKER_STRANGER, /* was found, and speaks another version: left alone */
	WORKER_UP,       /* takes devices */
	WORKER_LEAVING,  /* has no device, was told to go */
	WORKER_KILLED,   /* its end is awaited */
};

/**
 * struct guest - A domain that has a directory under ours
 * @tag:	"guest 3"
 * @name:	As the toolstack calls it, when it was last looked up; or ""
 * @known:	It was seen alive; only then can it be seen to die
 * @dead:	It is gone or dying
 * @timer:	Runs while the worker owes an answer, or the next one is not started yet
 * @retry:	Runs while I/O of the last worker is waited for
 * @started_ns:	When the worker was, CLOCK_MONOTONIC
 * @pause_ms:	Before the next one is started
 * @retries:	Looks whether that I/O has ended
 * @why:	What the worker was killed for, if it was
 * @crashed:	Thread of one of @devices that it crashed in, as it says; or ""
 * @renewing:	The worker is being replaced
 * @last_handle: Given to the device connected last; never used again for another
 */
struct guest {
	LIST_ENTRY(guest) link;
	struct super *super;
	uint32_t domid;
	char tag[16];
	char name[64];
	struct device_list devices;
	bool known, dead;
	enum worker_state worker;
	struct child child;
	struct loop_src *sock_src, *log_src, *end_src, *timer, *retry;
	struct respawn respawn;
	uint64_t started_ns;
	uint32_t pause_ms;
	unsigned int retries;
	char why[96];
	char crashed[THREAD_NAME];
	struct relay relay;
	struct log_limit limit;
	uint32_t last_handle;
	bool renewing;
};

/** guest_get() - The guest with @domid, made if it is new; NULL without memory */
struct guest *guest_get(struct super *s, uint32_t domid);

/** guest_put() - Forget a guest that has neither devices nor a worker */
void guest_put(struct guest *g);

/** guest_check() - Ask the hypervisor whether it lives. Return: true if that changed. */
bool guest_check(struct guest *g);

/** guest_settled() - What a worker that was found has is known */
bool guest_settled(const struct guest *g);

/** guest_want_worker() - Have one started unless there is one. Return: 0 or -errno. */
int must_check guest_want_worker(struct guest *g);
bool guest_worker_up(const struct guest *g);

/** guest_connect() - Send CONNECT for @d with its conf. Return: 0 or -errno. */
int must_check guest_connect(struct guest *g, struct device *d);

/** guest_update() - Send UPDATE for @d; EV_WORKER_UPDATED may follow. Return: 0 or
 * -errno.
 */
int must_check guest_update(struct guest *g, struct device *d,
                            const struct bdev_update *u);

/**
 * guest_capture() - Send CAPTURE for @d, which is connected
 * @fds:	Socket and memfd of who wants to look; they stay the caller's
 *
 * Return: 0 or -errno.
 */
int must_check guest_capture(struct guest *g, struct device *d, uint32_t snaplen,
                             const int fds[2]);

/** guest_disconnect() - Send DISCONNECT for @d; EV_WORKER_DONE or _DIED will follow */
void guest_disconnect(struct guest *g, struct device *d);

/** guest_log_level() - Tell the worker ours */
void guest_log_level(struct guest *g);

/** guest_leave() - Tell the worker, which has no device, to go */
void guest_leave(struct guest *g);

/** guest_idle() - Let the worker go if no device needs it */
void guest_idle(struct guest *g);

/** guest_retry() - Give all devices a turn in a moment: I/O of a dead worker is in the
 * way */
void guest_retry(struct guest *g);

/** guest_kill() - End the worker because of @why */
void guest_kill(struct guest *g, const char *why);

#endif
