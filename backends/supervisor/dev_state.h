/* SPDX-License-Identifier: MIT */
/*
 * The xenbus life of a device as one transition table: what is seen or has happened goes
 * in, what to do comes out. Pure: no I/O, no clock, no allocation.
 *
 * Our state is our own and never derived from the frontend's alone; what XenStore says is
 * looked at whenever something may have changed and boiled down to one event, so lost,
 * merged and repeated watch events make no difference.
 */
#ifndef PVB_DEV_STATE_H
#define PVB_DEV_STATE_H

#include <stdbool.h>

#include "xenabi.h"

/*
 * enum dev_state - The number in brackets is our xenbus state in XenStore.
 *
 *   NEW       [1] the toolstack is still writing keys, or they are not judged yet
 *   INITWAIT  [2] offered; the toolstack's part (hotplug script) is not done
 *   OPENED    [2] storage is open; the frontend is not ready
 *   SPAWNING  [2] the frontend is ready; the guest's worker is being started
 *   STARTING  [2] the worker was told to connect and has not answered
 *   ABORTING  [2] as STARTING, but the answer is no longer wanted
 *   CONNECTED [4] the worker serves the ring; [8] while a frontend that was at 4 is at 7
 *   REVIVING  [*] the worker died; its successor is being started, and what it has begun
 *                 is waited for
 *   RETAKING  [*] the successor was told to take the ring up and has not answered
 *   CLOSING   [5] the worker still serves, until the frontend is done (6)
 *   HALTED    [5] nothing is held; waits for the frontend to be done (6)
 *   STOPPING  [*] the worker was told to let go; Closed follows
 *   PARKING   [4] the worker was told to let go because pvbackd stops; the guest is not
 *                 to notice
 *   PARKED    [4] nothing is held, the ring is at rest; what an orderly stop leaves
 *                 behind for the next start. At the end also of devices in other states,
 *                 which are left as they are.
 *   CLOSED    [6] nothing is held
 *   GONE          the directory is gone, the record can go as well
 *
 * A device that is taken up again after an orderly stop passes OPENED, SPAWNING and
 * STARTING with its xenbus state at 4.
 */
enum dev_state {
	DEV_NEW,
	DEV_INITWAIT,
	DEV_OPENED,
	DEV_SPAWNING,
	DEV_STARTING,
	DEV_ABORTING,
	DEV_CONNECTED,
	DEV_REVIVING,
	DEV_RETAKING,
	DEV_CLOSING,
	DEV_HALTED,
	DEV_STOPPING,
	DEV_PARKING,
	DEV_PARKED,
	DEV_CLOSED,
	DEV_GONE,
	DEV_NSTATES
};

/*
 * Events. The first group is what dev_observe() makes of XenStore and of the guest; such
 * an event is repeated for as long as it is true. The second is what happened at the
 * worker, once each; the last says that an action could not be done.
 */
enum dev_event {
	EV_NONE,
	EV_DIR_GONE,     /* our directory was removed */
	EV_RECREATED,    /* our directory was removed and written anew meanwhile */
	EV_STOP,         /* pvbackd is to stop */
	EV_GUEST_DEAD,   /* the domain is gone or dying */
	EV_REMOVE,       /* the toolstack wants it gone: online=0 and state=5 */
	EV_FRONT_GONE,   /* the frontend's directory was removed, or its state is no state
	                  */
	EV_FRONT_WAITS,  /* the frontend is not there yet, or has nothing to say */
	EV_FRONT_INIT,   /* frontend 1: starts, or starts over */
	EV_FRONT_RECONF, /* frontend 7: has changed keys that count while it is connected
	                  */
	EV_FRONT_READY,  /* frontend 3 or 4: its ring and event channel are in XenStore */
	EV_FRONT_CLOSING, /* frontend 5 */
	EV_FRONT_CLOSED,  /* frontend 6 */
	EV_WORKER_UP, /* the guest's worker takes devices (repeated, as the first group)
	               */

	EV_WORKER_READY,   /* it serves the ring */
	EV_WORKER_REFUSED, /* it could not connect, and has forgotten the device */
	EV_WORKER_UPDATED, /* it has taken what has changed of the device */
	EV_WORKER_DONE,    /* it has let go of the device */
	EV_WORKER_FAILED,  /* it cannot serve the ring any more */
	EV_WORKER_DIED,    /* it is dead, and so is what it held */
	EV_WORKER_LOST,    /* it is dead, and another can go on where it was */

	EV_FAULT,
	EV_NEVENTS
};

/* What device.c does on the way to the next state; "close" is that of the storage. */
enum dev_action {
	ACT_NONE,
	ACT_OFFER,   /* judge the toolstack's keys, write 2 */
	ACT_OPEN,    /* open the storage, if the toolstack's part is done */
	ACT_ADOPT,   /* judge the toolstack's keys and open the storage, write nothing */
	ACT_SPAWN,   /* see to it that the guest has a worker */
	ACT_CONNECT, /* judge the frontend's keys, tell the worker to connect */
	ACT_RETAKE,  /* tell a new worker to go on where the one that died was */
	ACT_PUBLISH, /* write the disk's keys and 4 */
	ACT_REPUBLISH,    /* write the disk's keys and 4 again, if it is at 4 */
	ACT_RECONFIGURE,  /* write 8, when the worker heeds what the frontend has changed
	                   */
	ACT_RECONFIGURED, /* write 4 again, if it is at 8 */
	ACT_CLOSING,      /* write 5 */
	ACT_HALT,         /* close, write 5 */
	ACT_STOP,         /* tell the worker to let go */
	ACT_FAIL_STOP,    /* say why, write 5, tell the worker to let go */
	ACT_CLOSE,        /* close, write 6 */
	ACT_FAIL,         /* say why, close, write 5, then 6 */
	ACT_PARK,         /* close, leave the mark of an orderly stop */
	ACT_LEAVE,        /* close, leave XenStore as it is */
	ACT_KEEP,         /* the same, and what a successor goes on with */
	ACT_RESET,  /* close, forget what may be different when the guest starts over */
	ACT_RENEW,  /* close, forget all keys: there is a new device in its place */
	ACT_FORGET, /* close, forget all keys and the device */
	ACT_NACTIONS
};

/** struct dev_move - Do @act; when that has succeeded, be in @next */
struct dev_move {
	enum dev_action act;
	enum dev_state next;
};

/** dev_next() - What @ev means in @state; ACT_NONE and @state itself when nothing */
struct dev_move dev_next(enum dev_state state, enum dev_event ev);

const char *dev_state_name(enum dev_state state);
const char *dev_event_name(enum dev_event ev);

/* Xenbus states as numbers; no state node, and one that holds something else. */
#define XENBUS_MISSING (-1)
#define XENBUS_BAD     (-2)

/** xenbus_state_parse() - "0" to "8" -> number, NULL -> XENBUS_MISSING, else XENBUS_BAD
 */
int xenbus_state_parse(const char *s);

/** xenbus_is_served() - Of our own state: Connected, or Reconfigured after that */
static inline bool xenbus_is_served(int own)
{
	return own == XenbusStateConnected || own == XenbusStateReconfigured;
}

/** xenbus_state_name() - "InitWait", for log lines; "none" for what is no state */
const char *xenbus_state_name(int state);

enum dev_online {
	ONLINE_MISSING,
	ONLINE_NO,
	ONLINE_YES,
	ONLINE_BAD
};

/** dev_online_parse() - The `online` node: "0", "1", NULL */
enum dev_online dev_online_parse(const char *s);

/**
 * struct dev_view - What is known of a device's surroundings
 * @dir:	Our directory is there
 * @own:	Our `state` node, XENBUS_*
 * @online:	Our `online` node: 0 means that the toolstack wants to be rid of it
 * @front:	The frontend's `state` node, XENBUS_*
 * @front_seen:	It has been there since our directory appeared: if it is missing now, it
 *		was removed, otherwise it is still to come
 * @offered:	We have written our state since our directory appeared, so a 1 there is
 *		somebody else's
 * @init_spent:	The frontend's present 1 has been answered with an error; a new try needs
 *		another 1
 * @kept:	XenStore came back without our directory, which is no wish to be rid of
 *		the device: see dev_is_kept()
 * @live:	What its frontend changes while it is connected counts
 * @foreign:	Somebody else serves it: not ours to touch
 * @dead:	The guest is gone or dying
 * @stop:	pvbackd is to stop
 * @worker_up:	The guest's worker takes devices
 * @resting:	Workers have crashed with it: it is not tried for now
 */
struct dev_view {
	bool dir;
	int own;
	enum dev_online online;
	int front;
	bool front_seen;
	bool offered;
	bool init_spent;
	bool kept;
	bool live;
	bool foreign;
	bool dead;
	bool stop;
	bool worker_up;
	bool resting;
};

/**
 * dev_is_kept() - A guest has this disk, whether its worker lives or not, or has it for
 * all we know: a XenStore that ends may have shown our 4 and not said so. One that comes
 * back without the disk does not end it while the guest lives
 */
bool dev_is_kept(enum dev_state state);

/** dev_observe() - The one event that @v amounts to for a device in @state */
enum dev_event dev_observe(enum dev_state state, const struct dev_view *v);

/**
 * dev_initial() - State of a device that was there before we started
 * @marked:	It bears the mark of an orderly stop
 *
 * CONNECTED means that its server ended without letting go: EV_WORKER_DIED is due.
 */
enum dev_state dev_initial(int own, bool marked);

#endif
