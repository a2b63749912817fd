/* SPDX-License-Identifier: MIT */
/*
 * Lives of a device, as sequences of what others write and what we write upon it: first
 * those recorded on real Xen 4.17 with Linux 6.1, then other frontends' habits, faults
 * and restarts.
 */
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

/* As xl 4.17 and Linux 6.1 did it, in the order of the traces. */
static void recorded_lifecycles(void **state)
{
	(void)state;
	PLAY("block-attach, block-detach", CONNECT_IT, { DETACH, 0, "", DEV_CONNECTED },
	     { FRONT, 6, "6", DEV_CLOSED }, { RM_F, 0, "", DEV_CLOSED },
	     { RM_B, 0, "", DEV_GONE });
	PLAY("block-detach, frontend says 5 first", CONNECT_IT,
	     { DETACH, 0, "", DEV_CONNECTED }, { FRONT, 5, "", DEV_CLOSING },
	     { FRONT, 6, "6", DEV_CLOSED }, { RM_B, 0, "", DEV_GONE });
	PLAY("shutdown", CONNECT_IT, { FRONT, 5, "5", DEV_CLOSING },
	     { FRONT, 6, "6", DEV_CLOSED }, { DEAD, 0, "", DEV_CLOSED },
	     { RM_F, 0, "", DEV_CLOSED }, { ONLINE, 0, "", DEV_CLOSED },
	     { RM_B, 0, "", DEV_GONE });
	PLAY("destroy, save", CONNECT_IT, { DESTROY, 0, "6", DEV_CLOSED },
	     { DEAD, 0, "", DEV_CLOSED }, { RM_B, 0, "", DEV_GONE });
	PLAY("destroy, the death is seen first", CONNECT_IT, { DEAD, 0, "6", DEV_CLOSED },
	     { DESTROY, 0, "", DEV_CLOSED }, { RM_B, 0, "", DEV_GONE });
	PLAY("boot loader to kernel", CONNECT_IT, { FRONT, 6, "6", DEV_CLOSED },
	     { FRONT, 1, "2", DEV_OPENED }, { FRONT, 3, "4", DEV_CONNECTED },
	     { FRONT, 4, "", DEV_CONNECTED }, { DESTROY, 0, "6", DEV_CLOSED },
	     { RM_B, 0, "", DEV_GONE });
	PLAY("kexec, driver reload", CONNECT_IT, { FRONT, 5, "5", DEV_CLOSING },
	     { FRONT, 6, "6", DEV_CLOSED }, { FRONT, 1, "2", DEV_OPENED },
	     { FRONT, 3, "4", DEV_CONNECTED });
	PLAY("restore: new directories, a frontend that was 4 before", CONNECT_IT,
	     { DESTROY, 0, "6", DEV_CLOSED }, { RM_B, 0, "", DEV_GONE },
	     { ATTACH, 0, "2", DEV_OPENED }, { FRONT, 3, "4", DEV_CONNECTED });
	PLAY("reboot: both directories written anew in one transaction", CONNECT_IT,
	     { ATTACH, 0, "2", DEV_OPENED }, { FRONT, 3, "4", DEV_CONNECTED });
	PLAY("written anew before it connected, and after it closed",
	     { ATTACH, 0, "2", DEV_OPENED }, { ATTACH, 0, "2", DEV_OPENED },
	     { DETACH, 0, "6", DEV_CLOSED }, { ATTACH, 0, "2", DEV_OPENED });
	PLAY("attach fails, detach of what never connected",
	     { ATTACH, 0, "2", DEV_OPENED }, { DETACH, 0, "6", DEV_CLOSED },
	     { RM_B, 0, "", DEV_GONE });
}

static void frontends_with_other_habits(void **state)
{
	(void)state;
	PLAY("mini-os goes to 4 without a look", { ATTACH, 0, "2", DEV_OPENED },
	     { FRONT, 4, "4", DEV_CONNECTED });
	PLAY("Windows closes before it connects", { ATTACH, 0, "2", DEV_OPENED },
	     { FRONT, 5, "5", DEV_HALTED }, { FRONT, 6, "6", DEV_CLOSED },
	     { FRONT, 1, "2", DEV_OPENED }, { FRONT, 3, "4", DEV_CONNECTED });
	PLAY("6 and 1 at once", CONNECT_IT, { FRONT, 1, "62", DEV_OPENED },
	     { FRONT, 3, "4", DEV_CONNECTED });
	PLAY("state is no state", CONNECT_IT, { FRONT, XENBUS_BAD, "6", DEV_CLOSED },
	     { FRONT, 1, "2", DEV_OPENED });
	PLAY("reconfiguring is none of ours", CONNECT_IT, { FRONT, 7, "", DEV_CONNECTED },
	     { FRONT, 2, "", DEV_CONNECTED });
	PLAY("offline, the frontend never appears", { ATTACH, 0, "2", DEV_OPENED },
	     { RM_F, 0, "6", DEV_CLOSED }, { ONLINE, 0, "", DEV_CLOSED },
	     { RM_B, 0, "", DEV_GONE });
	PLAY("removal in two writes", CONNECT_IT, { OWN, 5, "", DEV_CONNECTED },
	     { ONLINE, 0, "", DEV_CONNECTED }, { FRONT, 6, "6", DEV_CLOSED });
	PLAY("closed already, removal insists", CONNECT_IT, { FRONT, 6, "6", DEV_CLOSED },
	     { ONLINE, 0, "", DEV_CLOSED }, { OWN, 5, "6", DEV_CLOSED });
	PLAY("forced: no answer from the guest", CONNECT_IT,
	     { DETACH, 0, "", DEV_CONNECTED }, { RM_F, 0, "6", DEV_CLOSED });
	PLAY("offline is not reconnected", CONNECT_IT, { ONLINE, 0, "", DEV_CONNECTED },
	     { FRONT, 6, "6", DEV_CLOSED }, { FRONT, 1, "", DEV_CLOSED });
}

/* Network cards of Linux do it when an XDP program comes or goes. */
static void a_frontend_reconfigures(void **state)
{
	(void)state;
	PLAY_LIVE("there and back", CONNECT_IT, { FRONT, 7, "8", DEV_CONNECTED },
	          { FRONT, 7, "", DEV_CONNECTED }, { FRONT, 4, "4", DEV_CONNECTED },
	          { FRONT, 7, "8", DEV_CONNECTED }, { FRONT, 5, "5", DEV_CLOSING },
	          { FRONT, 6, "6", DEV_CLOSED });
	PLAY_LIVE("gone before it is answered", CONNECT_IT,
	          { FRONT, 7, "8", DEV_CONNECTED }, { FRONT, 1, "62", DEV_OPENED },
	          { FRONT, 4, "4", DEV_CONNECTED });
	PLAY_LIVE("before it was connected", { ATTACH, 0, "2", DEV_OPENED },
	          { FRONT, 7, "", DEV_OPENED }, { FRONT, 4, "4", DEV_CONNECTED });
	PLAY_LIVE("the worker dies", CONNECT_IT, { FRONT, 7, "8", DEV_CONNECTED },
	          { WORKER, EV_WORKER_LOST, "", DEV_CONNECTED },
	          { FRONT, 4, "4", DEV_CONNECTED });
	PLAY_LIVE("pvbackd stops meanwhile", CONNECT_IT, { FRONT, 7, "8", DEV_CONNECTED },
	          { STOP, 0, "M", DEV_PARKED }, { START, 0, "", DEV_CONNECTED },
	          { FRONT, 4, "4", DEV_CONNECTED });
	PLAY_LIVE("before pvbackd could answer", CONNECT_IT, { STOP, 0, "M", DEV_PARKED },
	          { FRONT, 7, "", DEV_PARKED }, { START, 0, "8", DEV_CONNECTED });
	PLAY_LIVE("it is back when pvbackd is", CONNECT_IT,
	          { FRONT, 7, "8", DEV_CONNECTED }, { STOP, 0, "M", DEV_PARKED },
	          { FRONT, 4, "", DEV_PARKED }, { START, 0, "4", DEV_CONNECTED });
	PLAY_LIVE("the toolstack removes it", CONNECT_IT,
	          { FRONT, 7, "8", DEV_CONNECTED }, { DETACH, 0, "", DEV_CONNECTED },
	          { FRONT, 4, "", DEV_CONNECTED }, { FRONT, 6, "6", DEV_CLOSED });
}

static void faults_close_and_a_new_handshake_recovers(void **state)
{
	static const struct beat beats[] = { { FAULT, 0, "56", DEV_CLOSED },
		                             { FRONT, 1, "", DEV_CLOSED },
		                             { ONLINE, 1, "", DEV_CLOSED },
		                             { FRONT, 6, "", DEV_CLOSED },
		                             { FRONT, 1, "2", DEV_OPENED },
		                             { FAULT, 0, "", DEV_OPENED },
		                             { FRONT, 3, "56", DEV_CLOSED },
		                             { FRONT, 6, "", DEV_CLOSED },
		                             { FRONT, 1, "2", DEV_OPENED },
		                             { FRONT, 3, "4", DEV_CONNECTED },
		                             { WORKER, EV_WORKER_FAILED, "56",
		                               DEV_CLOSED },
		                             { FRONT, 6, "", DEV_CLOSED },
		                             { FRONT, 1, "2", DEV_OPENED },
		                             { FRONT, 3, "4", DEV_CONNECTED },
		                             { WORKER, EV_WORKER_DIED, "56", DEV_CLOSED },
		                             { ATTACH, 0, "2", DEV_OPENED },
		                             { 0 } };
	(void)state;
	play("faults", beats,
	     (struct model){
		     .state = DEV_NEW,
		     .v = { .dir = true, .own = 1, .online = ONLINE_YES, .front = 1 } });
}

static void a_worker_that_is_asked_is_waited_for(void **state)
{
	static const struct beat beats[] = { { FRONT, 3, "2", DEV_STARTING },
		                             { FRONT, 6, "", DEV_ABORTING },
		                             { FRONT, 1, "", DEV_ABORTING },
		                             { WORKER, EV_WORKER_READY, "",
		                               DEV_STOPPING },
		                             { RM_B, 0, "", DEV_STOPPING },
		                             { ATTACH, 0, "", DEV_STOPPING },
		                             { WORKER, EV_WORKER_DONE, "2", DEV_OPENED },
		                             { FRONT, 3, "", DEV_STARTING },
		                             { RM_B, 0, "", DEV_ABORTING },
		                             { WORKER, EV_WORKER_REFUSED, "", DEV_GONE },
		                             { 0 } };

	(void)state;
	play("slow worker", beats,
	     (struct model){
		     .state = DEV_NEW,
		     .silent = true,
		     .v = { .dir = true, .own = 1, .online = ONLINE_YES, .front = 1 } });
}

static void a_refusal_closes(void **state)
{
	static const struct beat beats[] = { { FRONT, 3, "256", DEV_CLOSED }, { 0 } };

	(void)state;
	play("refused", beats,
	     (struct model){
		     .state = DEV_NEW,
		     .worker_refuses = true,
		     .v = { .dir = true, .own = 1, .online = ONLINE_YES, .front = 1 } });
}

static void a_restart_is_not_noticed(void **state)
{
	(void)state;
	PLAY("clean restart", CONNECT_IT, { STOP, 0, "M", DEV_PARKED },
	     { START, 0, "", DEV_CONNECTED }, { FRONT, 6, "6", DEV_CLOSED });
	PLAY("restart, the frontend stays at 3", { ATTACH, 0, "2", DEV_OPENED },
	     { FRONT, 3, "4", DEV_CONNECTED }, { STOP, 0, "M", DEV_PARKED },
	     { START, 0, "", DEV_CONNECTED });
	PLAY("the guest leaves while nobody is there", CONNECT_IT,
	     { STOP, 0, "M", DEV_PARKED }, { FRONT, 5, "", DEV_PARKED },
	     { START, 0, "5", DEV_HALTED }, { FRONT, 6, "6", DEV_CLOSED });
	PLAY("the guest starts over while nobody is there", CONNECT_IT,
	     { STOP, 0, "M", DEV_PARKED }, { FRONT, 1, "", DEV_PARKED },
	     { START, 0, "62", DEV_OPENED });
	PLAY("it is detached while nobody is there", CONNECT_IT,
	     { STOP, 0, "M", DEV_PARKED }, { DETACH, 0, "", DEV_PARKED },
	     { START, 0, "6", DEV_CLOSED });
	PLAY("crash", CONNECT_IT, { CRASH, 0, "", DEV_CONNECTED },
	     { START, 0, "56", DEV_CLOSED }, { FRONT, 6, "", DEV_CLOSED },
	     { FRONT, 1, "2", DEV_OPENED });
	PLAY("stop before it is connected", { ATTACH, 0, "2", DEV_OPENED },
	     { STOP, 0, "", DEV_PARKED }, { START, 0, "", DEV_OPENED },
	     { FRONT, 3, "4", DEV_CONNECTED });
	PLAY("stop while it closes", CONNECT_IT, { FRONT, 5, "5", DEV_CLOSING },
	     { STOP, 0, "6", DEV_PARKED }, { START, 0, "", DEV_CLOSED });
	PLAY("the store comes back empty", CONNECT_IT, { LOST, 0, "", DEV_CONNECTED },
	     { DEAD, 0, "", DEV_GONE });
	PLAY("the store is lost before it connects", { ATTACH, 0, "2", DEV_OPENED },
	     { LOST, 0, "", DEV_GONE });
}

static void stop_waits_for_an_answer(void **state)
{
	static const struct beat beats[] = { { FRONT, 3, "2", DEV_STARTING },
		                             { STOP, 0, "", DEV_STARTING },
		                             { WORKER, EV_WORKER_READY, "4",
		                               DEV_PARKING },
		                             { WORKER, EV_WORKER_DONE, "M", DEV_PARKED },
		                             { 0 } };

	(void)state;
	play("stop while starting", beats,
	     (struct model){
		     .state = DEV_NEW,
		     .silent = true,
		     .v = { .dir = true, .own = 1, .online = ONLINE_YES, .front = 1 } });
}

/* The guest is not to notice: nothing is written until something else happens. */
static void lives_with_a_worker_that_dies(void **state)
{
	(void)state;
	PLAY("it dies", CONNECT_IT, { WORKER, EV_WORKER_LOST, "", DEV_CONNECTED });
	PLAY("the toolstack has detached", CONNECT_IT, { DETACH, 0, "", DEV_CONNECTED },
	     { WORKER, EV_WORKER_LOST, "", DEV_CONNECTED },
	     { FRONT, 6, "6", DEV_CLOSED });
	PLAY("the frontend is closing", CONNECT_IT, { FRONT, 5, "5", DEV_CLOSING },
	     { WORKER, EV_WORKER_LOST, "", DEV_CLOSING }, { FRONT, 6, "6", DEV_CLOSED });
	PLAY("XenStore has forgotten the disk", CONNECT_IT,
	     { LOST, 0, "", DEV_CONNECTED },
	     { WORKER, EV_WORKER_LOST, "", DEV_CONNECTED }, { DEAD, 0, "", DEV_GONE });
	PLAY("a stop", CONNECT_IT, { WORKER, EV_WORKER_LOST, "", DEV_CONNECTED },
	     { STOP, 0, "M", DEV_PARKED });
	PLAY("it dies too often", CONNECT_IT,
	     { WORKER, EV_WORKER_LOST, "", DEV_CONNECTED },
	     { WORKER, EV_WORKER_DIED, "56", DEV_CLOSED });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_lifecycles),
		cmocka_unit_test(frontends_with_other_habits),
		cmocka_unit_test(a_frontend_reconfigures),
		cmocka_unit_test(faults_close_and_a_new_handshake_recovers),
		cmocka_unit_test(a_worker_that_is_asked_is_waited_for),
		cmocka_unit_test(a_refusal_closes),
		cmocka_unit_test(a_restart_is_not_noticed),
		cmocka_unit_test(stop_waits_for_an_answer),
		cmocka_unit_test(lives_with_a_worker_that_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
