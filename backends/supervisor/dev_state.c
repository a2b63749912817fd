/* SPDX-License-Identifier: MIT */
#include "dev_state.h"

#include <string.h>

#include "compiler.h"
#include "xenabi.h"

static const char *const state_name[] = {
	[DEV_NEW] = "new",
	[DEV_INITWAIT] = "initwait",
	[DEV_OPENED] = "opened",
	[DEV_SPAWNING] = "spawning",
	[DEV_STARTING] = "starting",
	[DEV_ABORTING] = "aborting",
	[DEV_CONNECTED] = "connected",
	[DEV_REVIVING] = "reviving",
	[DEV_RETAKING] = "retaking",
	[DEV_CLOSING] = "closing",
	[DEV_HALTED] = "halted",
	[DEV_STOPPING] = "stopping",
	[DEV_PARKING] = "parking",
	[DEV_PARKED] = "parked",
	[DEV_CLOSED] = "closed",
	[DEV_GONE] = "gone",
};
_Static_assert(ARRAY_SIZE(state_name) == DEV_NSTATES, "a state has no name");

static const char *const event_name[] = {
	[EV_NONE] = "none",
	[EV_DIR_GONE] = "directory gone",
	[EV_RECREATED] = "directory written anew",
	[EV_STOP] = "stop",
	[EV_GUEST_DEAD] = "guest dead",
	[EV_REMOVE] = "toolstack removes",
	[EV_FRONT_GONE] = "frontend gone",
	[EV_FRONT_WAITS] = "frontend waits",
	[EV_FRONT_INIT] = "frontend initialising",
	[EV_FRONT_RECONF] = "frontend reconfiguring",
	[EV_FRONT_READY] = "frontend ready",
	[EV_FRONT_CLOSING] = "frontend closing",
	[EV_FRONT_CLOSED] = "frontend closed",
	[EV_WORKER_UP] = "worker up",
	[EV_WORKER_READY] = "worker ready",
	[EV_WORKER_REFUSED] = "worker refused",
	[EV_WORKER_UPDATED] = "worker updated",
	[EV_WORKER_DONE] = "worker done",
	[EV_WORKER_FAILED] = "worker failed",
	[EV_WORKER_DIED] = "worker died",
	[EV_WORKER_LOST] = "worker lost",
	[EV_FAULT] = "fault",
};
_Static_assert(ARRAY_SIZE(event_name) == EV_NEVENTS, "an event has no name");

/*
 * An entry that is not here means "nothing to do, stay": {ACT_NONE, DEV_NEW} is zero, and
 * no transition leads back to NEW without an action.
 */
#define GO(act_, next_)                                \
	{                                              \
		.act = ACT_##act_, .next = DEV_##next_ \
	}

/* Where nothing is held by a worker, all ways to the end are short. */
#define ENDS_AT_ONCE                                                          \
	[EV_DIR_GONE] = GO(FORGET, GONE), [EV_RECREATED] = GO(RENEW, NEW),    \
	[EV_GUEST_DEAD] = GO(CLOSE, CLOSED), [EV_REMOVE] = GO(CLOSE, CLOSED), \
	[EV_FRONT_GONE] = GO(CLOSE, CLOSED), [EV_FRONT_CLOSED] = GO(CLOSE, CLOSED)

/* Where a worker has the ring, it has to let go first; CLOSED sees to the rest. */
#define ENDS_BY_STOP                                                                  \
	[EV_DIR_GONE] = GO(STOP, STOPPING), [EV_RECREATED] = GO(STOP, STOPPING),      \
	[EV_GUEST_DEAD] = GO(STOP, STOPPING), [EV_FRONT_GONE] = GO(STOP, STOPPING),   \
	[EV_FRONT_INIT] = GO(STOP, STOPPING), [EV_FRONT_CLOSED] = GO(STOP, STOPPING), \
	[EV_WORKER_FAILED] = GO(FAIL_STOP, STOPPING)

static const struct dev_move moves[][EV_NEVENTS] = {
	[DEV_NEW] = {
		[EV_DIR_GONE] = GO(FORGET, GONE),
		[EV_STOP] = GO(LEAVE, PARKED),
		[EV_REMOVE] = GO(CLOSE, CLOSED),
		[EV_FRONT_GONE] = GO(CLOSE, CLOSED),
		/* libxl waits for a 2, whatever the frontend is at. */
		[EV_FRONT_WAITS] = GO(OFFER, INITWAIT),
		[EV_FRONT_INIT] = GO(OFFER, INITWAIT),
		[EV_FRONT_READY] = GO(OFFER, INITWAIT),
		[EV_FRONT_CLOSING] = GO(OFFER, INITWAIT),
		[EV_FRONT_CLOSED] = GO(OFFER, INITWAIT),
		[EV_FAULT] = GO(FAIL, CLOSED),
	},
	[DEV_INITWAIT] = {
		ENDS_AT_ONCE,
		[EV_STOP] = GO(LEAVE, PARKED),
		[EV_FRONT_WAITS] = GO(OPEN, OPENED),
		[EV_FRONT_INIT] = GO(OPEN, OPENED),
		[EV_FRONT_READY] = GO(OPEN, OPENED),
		[EV_FRONT_CLOSING] = GO(HALT, HALTED),
		[EV_FAULT] = GO(FAIL, CLOSED),
	},
	[DEV_OPENED] = {
		ENDS_AT_ONCE,
		[EV_STOP] = GO(LEAVE, PARKED),
		[EV_FRONT_READY] = GO(SPAWN, SPAWNING),
		[EV_FRONT_CLOSING] = GO(HALT, HALTED),
		[EV_FAULT] = GO(FAIL, CLOSED),
	},
	[DEV_SPAWNING] = {
		ENDS_AT_ONCE,
		[EV_STOP] = GO(LEAVE, PARKED),
		[EV_FRONT_INIT] = GO(CLOSE, CLOSED),
		[EV_FRONT_CLOSING] = GO(HALT, HALTED),
		[EV_WORKER_UP] = GO(CONNECT, STARTING),
		[EV_WORKER_DIED] = GO(FAIL, CLOSED),
		[EV_WORKER_LOST] = GO(SPAWN, SPAWNING),
		[EV_FAULT] = GO(FAIL, CLOSED),
	},
	[DEV_STARTING] = {
		[EV_DIR_GONE] = GO(NONE, ABORTING),
		[EV_RECREATED] = GO(NONE, ABORTING),
		[EV_GUEST_DEAD] = GO(NONE, ABORTING),
		[EV_REMOVE] = GO(NONE, ABORTING),
		[EV_FRONT_GONE] = GO(NONE, ABORTING),
		[EV_FRONT_INIT] = GO(NONE, ABORTING),
		[EV_FRONT_CLOSING] = GO(NONE, ABORTING),
		[EV_FRONT_CLOSED] = GO(NONE, ABORTING),
		[EV_WORKER_READY] = GO(PUBLISH, CONNECTED),
		[EV_WORKER_REFUSED] = GO(FAIL, CLOSED),
		[EV_WORKER_FAILED] = GO(FAIL_STOP, STOPPING),
		[EV_WORKER_DIED] = GO(FAIL, CLOSED),
		/* It may have taken requests before it said that it was ready. */
		[EV_WORKER_LOST] = GO(SPAWN, REVIVING),
		[EV_FAULT] = GO(FAIL_STOP, STOPPING),
	},
	[DEV_ABORTING] = {
		[EV_WORKER_READY] = GO(STOP, STOPPING),
		[EV_WORKER_REFUSED] = GO(CLOSE, CLOSED),
		[EV_WORKER_FAILED] = GO(STOP, STOPPING),
		[EV_WORKER_DIED] = GO(CLOSE, CLOSED),
		[EV_WORKER_LOST] = GO(CLOSE, CLOSED),
	},
	[DEV_CONNECTED] = {
		ENDS_BY_STOP,
		[EV_STOP] = GO(STOP, PARKING),
		[EV_FRONT_RECONF] = GO(RECONFIGURE, CONNECTED),
		[EV_FRONT_READY] = GO(RECONFIGURED, CONNECTED),
		[EV_FRONT_CLOSING] = GO(CLOSING, CLOSING),
		[EV_WORKER_UPDATED] = GO(REPUBLISH, CONNECTED),
		[EV_WORKER_DIED] = GO(FAIL, CLOSED),
		[EV_WORKER_LOST] = GO(SPAWN, REVIVING),
	},
	/*
	 * The guest is not to notice: what has to be said or done about the frontend's 5
	 * or about a stop of ours is when the ring is served again.
	 */
	[DEV_REVIVING] = {
		ENDS_AT_ONCE,
		[EV_STOP] = GO(KEEP, PARKED),
		[EV_FRONT_INIT] = GO(CLOSE, CLOSED),
		[EV_WORKER_UP] = GO(RETAKE, RETAKING),
		[EV_WORKER_DIED] = GO(FAIL, CLOSED),
		[EV_WORKER_LOST] = GO(SPAWN, REVIVING),
		[EV_FAULT] = GO(FAIL, CLOSED),
	},
	[DEV_RETAKING] = {
		[EV_DIR_GONE] = GO(NONE, ABORTING),
		[EV_RECREATED] = GO(NONE, ABORTING),
		[EV_GUEST_DEAD] = GO(NONE, ABORTING),
		[EV_FRONT_GONE] = GO(NONE, ABORTING),
		[EV_FRONT_INIT] = GO(NONE, ABORTING),
		[EV_FRONT_CLOSED] = GO(NONE, ABORTING),
		[EV_WORKER_READY] = GO(PUBLISH, CONNECTED),
		[EV_WORKER_REFUSED] = GO(FAIL, CLOSED),
		[EV_WORKER_FAILED] = GO(FAIL_STOP, STOPPING),
		[EV_WORKER_DIED] = GO(FAIL, CLOSED),
		[EV_WORKER_LOST] = GO(SPAWN, REVIVING),
		[EV_FAULT] = GO(FAIL_STOP, STOPPING),
	},
	[DEV_CLOSING] = {
		ENDS_BY_STOP,
		[EV_STOP] = GO(STOP, STOPPING),
		[EV_WORKER_DIED] = GO(CLOSE, CLOSED),
		[EV_WORKER_LOST] = GO(SPAWN, REVIVING),
	},
	[DEV_HALTED] = {
		ENDS_AT_ONCE,
		[EV_STOP] = GO(LEAVE, PARKED),
		/* A frontend that is at none of 5 and 6 does not know that we wait. */
		[EV_FRONT_WAITS] = GO(CLOSE, CLOSED),
		[EV_FRONT_INIT] = GO(CLOSE, CLOSED),
		[EV_FRONT_READY] = GO(CLOSE, CLOSED),
	},
	[DEV_STOPPING] = {
		[EV_WORKER_DONE] = GO(CLOSE, CLOSED),
		[EV_WORKER_DIED] = GO(CLOSE, CLOSED),
		[EV_WORKER_LOST] = GO(CLOSE, CLOSED),
	},
	[DEV_PARKING] = {
		[EV_WORKER_DONE] = GO(PARK, PARKED),
		[EV_WORKER_DIED] = GO(FAIL, CLOSED),
		[EV_WORKER_LOST] = GO(SPAWN, REVIVING),
	},
	[DEV_PARKED] = {
		ENDS_AT_ONCE,
		[EV_FRONT_INIT] = GO(CLOSE, CLOSED),
		[EV_FRONT_READY] = GO(ADOPT, OPENED),
		[EV_FRONT_CLOSING] = GO(HALT, HALTED),
		[EV_FAULT] = GO(FAIL, CLOSED),
	},
	[DEV_CLOSED] = {
		ENDS_AT_ONCE,
		[EV_STOP] = GO(LEAVE, PARKED),
		/* Domain reset, kexec, driver reload, boot loader -> kernel. */
		[EV_FRONT_INIT] = GO(RESET, NEW),
		[EV_FRONT_CLOSING] = GO(CLOSE, CLOSED),
	},
	[DEV_GONE] = { { 0 } },
};
_Static_assert(ARRAY_SIZE(moves) == DEV_NSTATES, "a state has no row");

struct dev_move dev_next(enum dev_state state, enum dev_event ev)
{
	struct dev_move m = moves[state][ev];

	if (m.act == ACT_NONE && m.next == DEV_NEW)
		m.next = state;
	return m;
}

const char *dev_state_name(enum dev_state state)
{
	return state_name[state];
}

const char *dev_event_name(enum dev_event ev)
{
	return event_name[ev];
}

int xenbus_state_parse(const char *s)
{
	if (!s)
		return XENBUS_MISSING;
	if (s[0] < '0' || s[0] > '0' + XenbusStateReconfigured || s[1])
		return XENBUS_BAD;
	return s[0] - '0';
}

const char *xenbus_state_name(int state)
{
	static const char *const name[] = {
		"Unknown", "Initialising", "InitWait",      "Initialised", "Connected",
		"Closing", "Closed",       "Reconfiguring", "Reconfigured"
	};

	_Static_assert(ARRAY_SIZE(name) == XenbusStateReconfigured + 1,
	               "a state has no name");
	return state < 0 ? "none" : name[state];
}

enum dev_online dev_online_parse(const char *s)
{
	if (!s)
		return ONLINE_MISSING;
	if (strcmp(s, "0") == 0)
		return ONLINE_NO;
	return strcmp(s, "1") == 0 ? ONLINE_YES : ONLINE_BAD;
}

static enum dev_event observe_ready(enum dev_state state, const struct dev_view *v)
{
	return state == DEV_SPAWNING && v->worker_up ? EV_WORKER_UP : EV_FRONT_READY;
}

static enum dev_event observe_front(enum dev_state state, const struct dev_view *v)
{
	switch (v->front) {
	case XENBUS_MISSING:
		/* Removed, or never to come; otherwise the toolstack is not there yet. */
		return v->front_seen || v->online == ONLINE_NO ? EV_FRONT_GONE
		                                               : EV_FRONT_WAITS;
	case XENBUS_BAD:
	case XenbusStateUnknown:
		return EV_FRONT_GONE;
	case XenbusStateInitialising:
		if (state == DEV_CLOSED && (v->online != ONLINE_YES || v->init_spent))
			return EV_FRONT_WAITS;
		return EV_FRONT_INIT;
	case XenbusStateReconfiguring:
		if (!v->live || !xenbus_is_served(v->own))
			return EV_FRONT_WAITS;
		if (state == DEV_CONNECTED)
			return EV_FRONT_RECONF;
		/* Its rings are what they were at 4. */
		return observe_ready(state, v);
	case XenbusStateInitialised:
	case XenbusStateConnected:
		return observe_ready(state, v);
	case XenbusStateClosing:
		return EV_FRONT_CLOSING;
	case XenbusStateClosed:
		return EV_FRONT_CLOSED;
	default:
		return EV_FRONT_WAITS;
	}
}

bool dev_is_kept(enum dev_state state)
{
	return state == DEV_STARTING || state == DEV_CONNECTED || state == DEV_REVIVING ||
	       state == DEV_RETAKING;
}

static enum dev_event observe(enum dev_state state, const struct dev_view *v)
{
	bool reviving = state == DEV_REVIVING || state == DEV_RETAKING;
	bool serving = state == DEV_CONNECTED || state == DEV_CLOSING || reviving;

	/* One that rests is at rest, and the next pvbackd goes on with it. */
	if (v->stop && (!reviving || v->resting))
		return EV_STOP;
	if (!v->dir && !(v->kept && dev_is_kept(state)))
		return EV_DIR_GONE;
	if (v->foreign && state == DEV_NEW)
		return EV_NONE;
	if (v->own == XenbusStateInitialising && v->offered)
		return EV_RECREATED;
	if (v->dead)
		return EV_GUEST_DEAD;
	if (!v->dir)
		return EV_NONE;
	/* A frontend that is connected is given the time to close by itself. */
	if (v->own == XenbusStateClosing && v->online == ONLINE_NO &&
	    (!serving || v->resting))
		return EV_REMOVE;
	return observe_front(state, v);
}

enum dev_event dev_observe(enum dev_state state, const struct dev_view *v)
{
	enum dev_event ev = observe(state, v);

	/* Whatever the frontend is at, its requests are answered. */
	if (state == DEV_REVIVING && v->worker_up && dev_next(state, ev).act == ACT_NONE)
		return EV_WORKER_UP;
	return ev;
}

enum dev_state dev_initial(int own, bool marked)
{
	switch (own) {
	case XenbusStateConnected:
	case XenbusStateReconfigured:
		return marked ? DEV_PARKED : DEV_CONNECTED;
	case XenbusStateClosing:
		return DEV_HALTED;
	case XenbusStateClosed:
		return DEV_CLOSED;
	default:
		return DEV_NEW;
	}
}
