/* SPDX-License-Identifier: MIT */
/*
 * Lives of a device, as sequences of what others write and what we write upon it: first
 * those recorded on real Xen 4.17 with Linux 6.1, then other frontends' habits, faults
 * and restarts.
 */
#include "life_model.h"

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

/* Whether the guest has seen a 4 that is lost with XenStore, nobody can say. */
static void a_store_that_forgets_does_not_end_a_start(void **state)
{
	static const struct beat beats[] = { { FRONT, 3, "2", DEV_STARTING },
		                             { LOST, 0, "", DEV_STARTING },
		                             { WORKER, EV_WORKER_READY, "",
		                               DEV_CONNECTED },
		                             { DEAD, 0, "", DEV_STOPPING },
		                             { WORKER, EV_WORKER_DONE, "", DEV_GONE },
		                             { 0 } };

	(void)state;
	play("forgotten while starting", beats,
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
		cmocka_unit_test(a_store_that_forgets_does_not_end_a_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
