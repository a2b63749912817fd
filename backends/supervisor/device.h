/* SPDX-License-Identifier: MIT */
/* A device: looks at its surroundings, asks the transition table, does what it says. */
#ifndef PVB_DEVICE_H
#define PVB_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "backend.h"
#include "compiler.h"
#include "dev_state.h"

/* Lines in 10 seconds about what a guest can repeat at will. */
#define DEVICE_LINES     20
/* Seconds in which a toolstack that writes key by key is done; libxl gives us 10. */
#define DEVICE_NEW_TICKS 5

struct dev_held;
struct guest;

/** enum dev_link - What the worker has of a device, by the messages exchanged */
enum dev_link {
	LINK_NONE,
	LINK_CONNECTING,    /* CONNECT sent */
	LINK_UP,            /* CONNECTED received */
	LINK_FAILED,        /* and FAILED */
	LINK_DISCONNECTING, /* DISCONNECT sent */
};

/** enum renewal - How a device came to its present worker, at the last replacement */
enum renewal {
	RENEWAL_NONE,
	RENEWAL_DRAINED, /* the last one had answered all requests */
	RENEWAL_JOURNAL, /* what it had not was done by the present one */
};

/**
 * struct device - A directory under backend/KIND/DOMID
 * @id:		Counted up: never that of another device
 * @rel:	That directory, relative to our home; its token in watches, too
 * @view:	What was seen at the last look, corrected by what we wrote since
 * @fresh:	XenStore has not been looked at since it was (re)connected
 * @known:	It has been looked at once: @state is meant
 * @probed:	The backend's probe() has succeeded and release() is due
 * @opening:	The backend's open() has said "not yet" and abandon() is due
 * @open:	It has succeeded and close() is due
 * @watched:	The frontend's state is watched
 * @marked:	Our directory bears the mark of an orderly stop
 * @resume:	It is being taken up again after such a stop
 * @error_node:	The error node is there
 * @updating:	UPDATE was sent, UPDATED has not come
 * @reconf_ns:	When the frontend was seen to be reconfiguring, which is not answered
 *		yet; 0: it is not
 * @reconf_told:	Since then the worker was told of a change
 * @refused:	It is to change into what it cannot be, and the error node says so
 * @age:	Seconds in which it was new
 * @handle:	Its number on the worker's socket
 * @conf:	What the worker was told
 * @stats:	memfd of its statistics; made when it is first connected, else -1
 * @nqueues:	Most queues it has had, and so that have statistics
 * @held:	What a worker that outlived another pvbackd has of it, until that is taken
 *		over; or NULL
 * @drained:	Such a worker has let go of it, every request is answered
 * @kept:	There are files that outlive us and the worker
 * @renewing:	Its worker is being replaced, since @renew_ns
 * @renewal:	How that was done last, in @renew_ms
 * @lost:	A worker that was told of it died; nobody has gone on since
 * @lost_ns:	When I/O of that worker was found to be in the way; 0: it was not
 * @retakes:	Attempts to go on with it that failed, in a row
 * @retake_ns:	Not before this moment, clock_ns(), is the next one
 * @crashes:	Workers that crashed while they served it, in a row
 * @rest_ns:	It rests until then, clock_ns()
 * @rest_how:	How the worker ended after whose crash it rests
 * @served_ns:	When the worker said that it serves it
 * @worker_ev:	What the worker has done and the table has not been asked about yet
 * @worker_text: What it said with it
 * @fault:	Why it cannot be served, or why it waits
 * @said:	The @fault that was reported last
 */
struct device {
	LIST_ENTRY(device) link;
	TAILQ_ENTRY(device) dirty_link;
	bool dirty;
	struct guest *guest;
	const struct super_backend *ops;
	struct bdev bdev;
	uint64_t id;
	char tag[48];
	char rel[64];
	char path[96];
	char front[96];
	enum dev_state state;
	struct dev_view view;
	bool fresh, known, probed, opening, open, watched, marked, resume, error_node;
	bool updating;
	bool refused, reconf_told;
	uint64_t reconf_ns;
	unsigned int age;
	uint32_t handle;
	enum dev_link worker_link;
	struct bdev_conf conf;
	int stats;
	unsigned int nqueues;
	struct dev_held *held;
	bool drained;
	bool kept;
	bool renewing;
	uint64_t renew_ns;
	enum renewal renewal;
	uint32_t renew_ms;
	bool lost;
	uint64_t lost_ns;
	unsigned int retakes;
	uint64_t retake_ns;
	unsigned int crashes;
	uint64_t rest_ns;
	char rest_how[96];
	uint64_t served_ns;
	enum dev_event worker_ev;
	char worker_text[256];
	char fault[512];
	char said[512];
	struct log_limit limit;
};

/** device_new() - A directory has appeared. Return: NULL without memory. */
struct device *device_new(struct guest *g, const struct super_backend *ops,
                          uint32_t devid);

/** device_find() - Among the devices of a guest */
struct device *device_find(const struct guest *g, const struct super_backend *ops,
                           uint32_t devid);

/**
 * device_step() - Its turn: look, and go on as far as possible
 *
 * Return: false when the device is gone and was freed.
 */
bool device_step(struct device *d);

/** device_tick() - A second has passed */
void device_tick(struct device *d);

/** device_worker_event() - The worker has said or done something; @text may be NULL */
void device_worker_event(struct device *d, enum dev_event ev, const char *text);

/**
 * device_retries() - A worker that was to go on with it could not
 *
 * The kernel may still hold what the last one had, the port of the event channel.
 *
 * Return: whether to try again, which is so for a while.
 */
bool device_retries(struct device *d);

/** device_needs_worker() - It is connected, or wants to be */
bool device_needs_worker(const struct device *d);

/** device_unsettled() - It was there before us, or lost its worker, and is not served yet
 */
bool device_unsettled(const struct device *d);

/** device_on_trial() - Workers have crashed with it, and the present one is just at it */
bool device_on_trial(const struct device *d);

/** device_free() - Forget it, without a word in XenStore */
void device_free(struct device *d);

#endif
