/* SPDX-License-Identifier: MIT */
/* What lives of a device are told with: sequences of what others write, to a model. */
#ifndef PVB_LIFE_MODEL_H
#define PVB_LIFE_MODEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dev_state.h"

/* ---- A model of XenStore, of a worker that answers at once, and of device.c ------ */

struct model {
	enum dev_state state;
	struct dev_view v;
	bool marked, resumed;
	bool worker_refuses, silent;
	enum dev_event answer; /* what the worker says next */
	int fault;             /* as many actions to fail */
	char wrote[32];        /* the states we wrote, as digits; M is the mark */
};

static void wrote(struct model *m, char what)
{
	size_t n = strlen(m->wrote);

	assert_true(n + 1 < sizeof(m->wrote));
	m->wrote[n] = what;
	m->wrote[n + 1] = 0;
}

static void write_state(struct model *m, int s)
{
	/* No node may be made anew in a directory that is gone. */
	if (!m->v.dir || (m->v.own == 1 && m->v.offered) || m->v.own == s)
		return;
	m->v.own = s;
	m->v.offered = true;
	m->marked = false;
	wrote(m, (char)('0' + s));
}

static bool model_act(struct model *m, enum dev_action act)
{
	if (m->fault && (act == ACT_OFFER || act == ACT_OPEN || act == ACT_ADOPT ||
	                 act == ACT_CONNECT || act == ACT_PUBLISH)) {
		m->fault--;
		return false;
	}
	switch (act) {
	case ACT_OFFER:
		write_state(m, 2);
		break;
	case ACT_ADOPT:
		m->resumed = true;
		break;
	case ACT_SPAWN:
		m->v.worker_up = true;
		break;
	case ACT_CONNECT:
		m->v.worker_up = true;
		m->marked = false;
		if (!m->silent)
			m->answer = m->worker_refuses ? EV_WORKER_REFUSED
			                              : EV_WORKER_READY;
		break;
	case ACT_RETAKE:
		m->resumed = m->v.own != 2;
		m->answer = m->silent ? EV_NONE : EV_WORKER_READY;
		break;
	case ACT_PUBLISH:
		if (!m->resumed)
			write_state(m, 4);
		m->resumed = false;
		break;
	case ACT_RECONFIGURE:
		if (m->v.own == 4)
			write_state(m, 8);
		break;
	case ACT_RECONFIGURED:
		if (m->v.own == 8)
			write_state(m, 4);
		break;
	case ACT_CLOSING:
	case ACT_HALT:
		write_state(m, 5);
		break;
	case ACT_FAIL_STOP:
		write_state(m, 5);
		m->answer = EV_WORKER_DONE;
		break;
	case ACT_STOP:
		m->answer = m->silent ? EV_NONE : EV_WORKER_DONE;
		break;
	case ACT_FAIL:
		m->v.init_spent = m->v.front == 1;
		if (m->v.own != 6)
			write_state(m, 5);
		write_state(m, 6);
		break;
	case ACT_CLOSE:
		write_state(m, 6);
		break;
	case ACT_PARK:
		m->marked = m->v.dir;
		wrote(m, 'M');
		break;
	case ACT_RESET:
	case ACT_RENEW:
		m->v.offered = false;
		m->v.front_seen = m->v.front != XENBUS_MISSING;
		break;
	default:
		break;
	}
	return true;
}

static bool model_apply(struct model *m, enum dev_event ev)
{
	enum dev_state old = m->state;
	struct dev_move move = dev_next(m->state, ev);

	if (!model_act(m, move.act)) {
		move = dev_next(m->state, EV_FAULT);
		assert_true(model_act(m, move.act));
	}
	m->state = move.next;
	return m->state != old;
}

/* Everything that is to be done, until there is nothing. */
static void model_settle(struct model *m)
{
	m->v.front_seen |= m->v.front != XENBUS_MISSING;
	m->v.init_spent &= m->v.front == 1;
	for (int turns = 0; turns < 32; turns++) {
		bool moved = model_apply(m, dev_observe(m->state, &m->v));
		enum dev_event answer = m->answer;

		if (!moved && answer == EV_NONE)
			return;
		if (!moved) {
			m->answer = EV_NONE;
			model_apply(m, answer);
		}
	}
	fail_msg("it never comes to rest: %s", dev_state_name(m->state));
}

/* ---- Lifecycles: what others write, and what we are to write upon it -------------- */

enum who {
	ATTACH,  /* the toolstack writes both directories, states 1 */
	FRONT,   /* the frontend's state becomes @n */
	OWN,     /* the toolstack writes our state @n */
	ONLINE,  /* and online */
	DETACH,  /* online=0, state=5 unless it is 6, in one transaction */
	RM_F,    /* the frontend's directory goes */
	DESTROY, /* RM_F and DETACH in one transaction */
	RM_B,    /* our directory goes */
	DEAD,    /* @releaseDomain, and the domain is dying */
	STOP,    /* SIGTERM */
	START,   /* a new pvbackd finds what there is */
	CRASH,   /* pvbackd and its workers are killed */
	WORKER,  /* the worker says @n, an event */
	FAULT,   /* the next action fails */
	LOST,    /* xenstored comes back empty */
};

struct beat {
	enum who who;
	int n;
	const char *wrote;
	enum dev_state state;
};

static void detach(struct model *m)
{
	m->v.online = ONLINE_NO;
	if (m->v.own != 6)
		m->v.own = 5;
}

static void attach(struct model *m)
{
	if (m->state == DEV_GONE)
		*m = (struct model){ .state = DEV_NEW, .v.live = m->v.live };
	m->v.dir = true;
	m->v.own = 1;
	m->v.online = ONLINE_YES;
	m->v.front = 1;
}

static void start(struct model *m)
{
	struct dev_view v = m->v;

	m->state = dev_initial(v.own, m->marked);
	m->v = (struct dev_view){ .dir = v.dir,
		                  .own = v.own,
		                  .online = v.online,
		                  .front = v.front,
		                  .live = v.live };
	m->v.offered = m->v.front_seen = m->state != DEV_NEW;
	if (m->state == DEV_CONNECTED)
		m->answer = EV_WORKER_DIED;
}

static void beat_model(struct model *m, const struct beat *b)
{
	switch (b->who) {
	case ATTACH:
		attach(m);
		break;
	case FRONT:
		m->v.front = b->n;
		break;
	case OWN:
		m->v.own = b->n;
		break;
	case ONLINE:
		m->v.online = b->n ? ONLINE_YES : ONLINE_NO;
		break;
	case DETACH:
		detach(m);
		break;
	case DESTROY:
		detach(m);
		m->v.front = XENBUS_MISSING;
		break;
	case RM_F:
		m->v.front = XENBUS_MISSING;
		break;
	case RM_B:
		m->v.dir = false;
		m->v.own = XENBUS_MISSING;
		m->v.online = ONLINE_MISSING;
		break;
	case DEAD:
		m->v.dead = true;
		break;
	case STOP:
		m->v.stop = true;
		break;
	case START:
		start(m);
		break;
	case CRASH:
		m->answer = EV_NONE;
		return;
	case WORKER:
		m->answer = (enum dev_event)b->n;
		break;
	case FAULT:
		m->fault = 1;
		break;
	case LOST:
		m->v.kept = true;
		m->v.dir = false;
		m->v.own = m->v.front = XENBUS_MISSING;
		m->v.online = ONLINE_MISSING;
		break;
	}
	model_settle(m);
}

static void play(const char *name, const struct beat *b, struct model m)
{
	for (size_t i = 0; b[i].wrote; i++) {
		m.wrote[0] = 0;
		beat_model(&m, &b[i]);
		if (strcmp(m.wrote, b[i].wrote) != 0 || m.state != b[i].state)
			fail_msg("%s, step %zu: wrote \"%s\" and is %s, expected \"%s\" "
			         "and %s",
			         name, i, m.wrote, dev_state_name(m.state), b[i].wrote,
			         dev_state_name(b[i].state));
	}
}

#define PLAY_(name, live_, ...)                                                    \
	do {                                                                       \
		static const struct beat beats[] = { __VA_ARGS__, { 0 } };         \
		play(name, beats,                                                  \
		     (struct model){ .state = DEV_GONE, .v = { .live = live_ } }); \
	} while (0)
#define PLAY(name, ...)      PLAY_(name, false, __VA_ARGS__)
#define PLAY_LIVE(name, ...) PLAY_(name, true, __VA_ARGS__)

#define CONNECT_IT                                                        \
	{ ATTACH, 0, "2", DEV_OPENED }, { FRONT, 3, "4", DEV_CONNECTED }, \
	{                                                                 \
		FRONT, 4, "", DEV_CONNECTED                               \
	}

#endif
