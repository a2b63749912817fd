/* SPDX-License-Identifier: MIT */
/*
 * The transition table against an expectation for each pair of state and event, rules
 * that must hold whatever the table says, and the lifecycles recorded on real Xen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "act_name.h"
#include "compiler.h"
#include "dev_state.h"
#include "xenabi.h"

/* "." is: nothing to do, stay. */
static const char *const expected[DEV_NSTATES][EV_NEVENTS] = {
#define FRONT(...) FRONT_RECONF(__VA_ARGS__), [EV_FRONT_RECONF] = "."
#define FRONT_RECONF(gone, waits, init, ready, closing, closed)                   \
	[EV_FRONT_GONE] = gone, [EV_FRONT_WAITS] = waits, [EV_FRONT_INIT] = init, \
	[EV_FRONT_READY] = ready, [EV_FRONT_CLOSING] = closing,                   \
	[EV_FRONT_CLOSED] = closed
#define WORKER(...) WORKER_UPDATED(__VA_ARGS__), [EV_WORKER_UPDATED] = "."
#define WORKER_UPDATED(up, ready, refused, done, failed, died, lost)                   \
	[EV_WORKER_UP] = up, [EV_WORKER_READY] = ready, [EV_WORKER_REFUSED] = refused, \
	[EV_WORKER_DONE] = done, [EV_WORKER_FAILED] = failed, [EV_WORKER_DIED] = died, \
	[EV_WORKER_LOST] = lost
#define OTHER(dir_gone, recreated, stop, dead, remove, fault)                  \
	[EV_NONE] = ".", [EV_DIR_GONE] = dir_gone, [EV_RECREATED] = recreated, \
	[EV_STOP] = stop, [EV_GUEST_DEAD] = dead, [EV_REMOVE] = remove,        \
	[EV_FAULT] = fault
	/* clang-format off */
	[DEV_NEW] = {
		OTHER("forget>gone", ".", "leave>parked", ".", "close>closed", "fail>closed"),
		FRONT("close>closed", "offer>initwait", "offer>initwait", "offer>initwait",
		      "offer>initwait", "offer>initwait"),
		WORKER(".", ".", ".", ".", ".", ".", "."),
	},
	[DEV_INITWAIT] = {
		OTHER("forget>gone", "renew>new", "leave>parked", "close>closed",
		      "close>closed", "fail>closed"),
		FRONT("close>closed", "open>opened", "open>opened", "open>opened",
		      "halt>halted", "close>closed"),
		WORKER(".", ".", ".", ".", ".", ".", "."),
	},
	[DEV_OPENED] = {
		OTHER("forget>gone", "renew>new", "leave>parked", "close>closed",
		      "close>closed", "fail>closed"),
		FRONT("close>closed", ".", ".", "spawn>spawning", "halt>halted",
		      "close>closed"),
		WORKER(".", ".", ".", ".", ".", ".", "."),
	},
	[DEV_SPAWNING] = {
		OTHER("forget>gone", "renew>new", "leave>parked", "close>closed",
		      "close>closed", "fail>closed"),
		FRONT("close>closed", ".", "close>closed", ".", "halt>halted",
		      "close>closed"),
		WORKER("connect>starting", ".", ".", ".", ".", "fail>closed", "spawn>spawning"),
	},
	[DEV_STARTING] = {
		OTHER("->aborting", "->aborting", ".", "->aborting", "->aborting",
		      "fail-stop>stopping"),
		FRONT("->aborting", ".", "->aborting", ".", "->aborting", "->aborting"),
		WORKER(".", "publish>connected", "fail>closed", ".", "fail-stop>stopping",
		       "fail>closed", "spawn>reviving"),
	},
	[DEV_ABORTING] = {
		OTHER(".", ".", ".", ".", ".", "."),
		FRONT(".", ".", ".", ".", ".", "."),
		WORKER(".", "stop>stopping", "close>closed", ".", "stop>stopping",
		       "close>closed", "close>closed"),
	},
	[DEV_CONNECTED] = {
		OTHER("stop>stopping", "stop>stopping", "stop>parking", "stop>stopping", ".",
		      "."),
		FRONT_RECONF("stop>stopping", ".", "stop>stopping", "reconfigured>connected",
		             "closing>closing", "stop>stopping"),
		[EV_FRONT_RECONF] = "reconfigure>connected",
		[EV_WORKER_UPDATED] = "republish>connected",
		WORKER_UPDATED(".", ".", ".", ".", "fail-stop>stopping", "fail>closed", "spawn>reviving"),
	},
	[DEV_REVIVING] = {
		OTHER("forget>gone", "renew>new", "keep>parked", "close>closed", "close>closed",
		      "fail>closed"),
		FRONT("close>closed", ".", "close>closed", ".", ".", "close>closed"),
		WORKER("retake>retaking", ".", ".", ".", ".", "fail>closed",
		       "spawn>reviving"),
	},
	[DEV_RETAKING] = {
		OTHER("->aborting", "->aborting", ".", "->aborting", ".",
		      "fail-stop>stopping"),
		FRONT("->aborting", ".", "->aborting", ".", ".", "->aborting"),
		WORKER(".", "publish>connected", "fail>closed", ".", "fail-stop>stopping",
		       "fail>closed", "spawn>reviving"),
	},
	[DEV_CLOSING] = {
		OTHER("stop>stopping", "stop>stopping", "stop>stopping", "stop>stopping",
		      ".", "."),
		FRONT("stop>stopping", ".", "stop>stopping", ".", ".", "stop>stopping"),
		WORKER(".", ".", ".", ".", "fail-stop>stopping", "close>closed", "spawn>reviving"),
	},
	[DEV_HALTED] = {
		OTHER("forget>gone", "renew>new", "leave>parked", "close>closed",
		      "close>closed", "."),
		FRONT("close>closed", "close>closed", "close>closed", "close>closed", ".",
		      "close>closed"),
		WORKER(".", ".", ".", ".", ".", ".", "."),
	},
	[DEV_STOPPING] = {
		OTHER(".", ".", ".", ".", ".", "."),
		FRONT(".", ".", ".", ".", ".", "."),
		WORKER(".", ".", ".", "close>closed", ".", "close>closed", "close>closed"),
	},
	[DEV_PARKING] = {
		OTHER(".", ".", ".", ".", ".", "."),
		FRONT(".", ".", ".", ".", ".", "."),
		WORKER(".", ".", ".", "park>parked", ".", "fail>closed", "spawn>reviving"),
	},
	[DEV_PARKED] = {
		OTHER("forget>gone", "renew>new", ".", "close>closed", "close>closed",
		      "fail>closed"),
		FRONT("close>closed", ".", "close>closed", "adopt>opened", "halt>halted",
		      "close>closed"),
		WORKER(".", ".", ".", ".", ".", ".", "."),
	},
	[DEV_CLOSED] = {
		OTHER("forget>gone", "renew>new", "leave>parked", "close>closed",
		      "close>closed", "."),
		FRONT("close>closed", ".", "reset>new", ".", "close>closed", "close>closed"),
		WORKER(".", ".", ".", ".", ".", ".", "."),
	},
	[DEV_GONE] = {
		OTHER(".", ".", ".", ".", ".", "."),
		FRONT(".", ".", ".", ".", ".", "."),
		WORKER(".", ".", ".", ".", ".", ".", "."),
	},
	/* clang-format on */
};

static void each_pair_is_as_expected(void **state)
{
	(void)state;
	for (int s = 0; s < DEV_NSTATES; s++)
		for (int e = 0; e < EV_NEVENTS; e++) {
			struct dev_move m =
				dev_next((enum dev_state)s, (enum dev_event)e);
			char got[64] = ".";

			assert_non_null(expected[s][e]);
			if (m.act != ACT_NONE || m.next != (enum dev_state)s)
				snprintf(got, sizeof(got), "%s>%s",
				         m.act ? act_name[m.act] : "-",
				         dev_state_name(m.next));
			if (strcmp(got, expected[s][e]) != 0)
				fail_msg("%s + %s: %s, expected %s",
				         dev_state_name((enum dev_state)s),
				         dev_event_name((enum dev_event)e), got,
				         expected[s][e]);
		}
}

static bool worker_has_it(enum dev_state s)
{
	return s == DEV_STARTING || s == DEV_ABORTING || s == DEV_CONNECTED ||
	       s == DEV_RETAKING || s == DEV_CLOSING || s == DEV_STOPPING ||
	       s == DEV_PARKING;
}

/* The storage may be closed only when no worker can use it any more. */
static void nothing_is_closed_under_a_worker(void **state)
{
	(void)state;
	for (int s = 0; s < DEV_NSTATES; s++)
		for (int e = 0; e < EV_NEVENTS; e++) {
			struct dev_move m =
				dev_next((enum dev_state)s, (enum dev_event)e);
			bool lets_go = e == EV_WORKER_DONE || e == EV_WORKER_DIED ||
			               e == EV_WORKER_REFUSED || e == EV_WORKER_LOST;
			bool tells = m.act == ACT_STOP || m.act == ACT_FAIL_STOP;

			if (worker_has_it((enum dev_state)s) && !lets_go)
				assert_true(worker_has_it(m.next));
			if (worker_has_it((enum dev_state)s) && lets_go &&
			    m.next != (enum dev_state)s)
				assert_false(worker_has_it(m.next));
			/* Told once: from where it serves, to where it is awaited. */
			assert_int_equal(tells, (m.next == DEV_STOPPING ||
			                         m.next == DEV_PARKING) &&
			                                m.next != (enum dev_state)s);
			assert_int_equal(m.act == ACT_CONNECT,
			                 m.next == DEV_STARTING && s == DEV_SPAWNING);
			assert_int_equal(m.act == ACT_RETAKE,
			                 m.next == DEV_RETAKING && s == DEV_REVIVING);
		}
}

/* A device whose workers crash waits, but not with a stop of ours, nor to be removed. */
static void what_rests_can_be_left(void **state)
{
	struct dev_view v = { .dir = true,
		              .own = XenbusStateConnected,
		              .online = ONLINE_YES,
		              .front = XenbusStateConnected,
		              .worker_up = true };

	(void)state;
	for (int resting = 0; resting < 2; resting++) {
		struct dev_view stop = v, remove = v;

		stop.stop = true;
		remove.own = XenbusStateClosing;
		remove.online = ONLINE_NO;
		v.resting = stop.resting = remove.resting = resting;
		assert_int_equal(dev_observe(DEV_REVIVING, &v), EV_WORKER_UP);
		assert_int_equal(dev_observe(DEV_REVIVING, &stop),
		                 resting ? EV_STOP : EV_WORKER_UP);
		assert_int_equal(dev_observe(DEV_REVIVING, &remove),
		                 resting ? EV_REMOVE : EV_WORKER_UP);
	}
}

static void values_are_strict(void **state)
{
	(void)state;
	assert_int_equal(xenbus_state_parse("0"), 0);
	assert_int_equal(xenbus_state_parse("8"), 8);
	assert_int_equal(xenbus_state_parse("9"), XENBUS_BAD);
	assert_int_equal(xenbus_state_parse(""), XENBUS_BAD);
	assert_int_equal(xenbus_state_parse("4 "), XENBUS_BAD);
	assert_int_equal(xenbus_state_parse("44"), XENBUS_BAD);
	assert_int_equal(xenbus_state_parse("-1"), XENBUS_BAD);
	assert_int_equal(xenbus_state_parse(NULL), XENBUS_MISSING);
	assert_int_equal(dev_online_parse("0"), ONLINE_NO);
	assert_int_equal(dev_online_parse("1"), ONLINE_YES);
	assert_int_equal(dev_online_parse("2"), ONLINE_BAD);
	assert_int_equal(dev_online_parse(""), ONLINE_BAD);
	assert_int_equal(dev_online_parse(NULL), ONLINE_MISSING);
	assert_string_equal(xenbus_state_name(2), "InitWait");
	assert_string_equal(xenbus_state_name(XENBUS_BAD), "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_pair_is_as_expected),
		cmocka_unit_test(nothing_is_closed_under_a_worker),
		cmocka_unit_test(what_rests_can_be_left),
		cmocka_unit_test(values_are_strict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
