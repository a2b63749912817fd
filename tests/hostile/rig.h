/* SPDX-License-Identifier: MIT */
/*
 * A guest that may lie, and a supervisor, around the real pvbackd-worker.
 *
 * The test plays a guest with Xen's own libraries and speaks the ring by hand: it
 * shares nothing with the project's frontends. As the supervisor it speaks common/msg.h.
 * Every wait has an end; one that fails ends the test.
 */
#ifndef PVB_RIG_H
#define PVB_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include <xenevtchn.h>
#include <xengnttab.h>

#include "msg.h"
#include "xenabi.h"

/* Guests, made by tests/hostile/on-xensim: the one, another, and one that dies. */
#define RIG_GUEST   5U
#define RIG_OTHER   6U
#define RIG_MORTAL  7U
#define RIG_WAIT_MS 20000

/**
 * struct worker - The process, seen from the supervisor; its stderr is a file
 * @domid:	Its guest
 * @shr:	The guest's handle
 */
struct worker {
	pid_t pid;
	uint32_t domid;
	int sock;
	int log;
	uint32_t next_handle;
	xengntshr_handle *shr;
};

/** worker_up() - Start one for guest RIG_GUEST, take its HELLO */
void worker_up(struct worker *w);

/**
 * worker_start() - Start one
 * @before:	Called in the new process before it becomes the worker, or NULL
 */
void worker_start(struct worker *w, uint32_t domid, void (*before)(void));

/** worker_wait() - It must end by itself, with this status of waitpid() */
void worker_wait(struct worker *w, int status);

/** worker_exits() - Close its socket; it must exit with status 0 */
void worker_exits(struct worker *w);

/** worker_down() - The same, if that has not happened yet, and free everything */
void worker_down(struct worker *w);
bool worker_alive(struct worker *w);

/** worker_log() - What it has written to stderr so far; the caller frees it */
char *worker_log(struct worker *w);

/** worker_served() - Value of a counter in the last "served" line of its log */
uint64_t worker_served(struct worker *w, const char *name);

/**
 * worker_count() - Entries in a directory below /proc/PID, "fd" or "task"; without the
 * descriptors of the simulator, which come when an event is first sent
 */
unsigned int worker_count(struct worker *w, const char *dir);

/**
 * worker_fds_back() - It has no more than @fds descriptors, soon: the simulator moves its
 * own, which are there twice for a moment
 */
void worker_fds_back(struct worker *w, unsigned int fds);

/** worker_holds() - Pages it has mapped and ports it has bound, by the simulator's books
 */
unsigned int worker_holds(struct worker *w);

/** worker_cpu_us() - Time it has run */
uint64_t worker_cpu_us(struct worker *w);

/** worker_recv() - The next message, which must be of @type */
void worker_recv(struct worker *w, enum msg_type type, struct msg *m);

/** worker_silent() - No message is waiting */
bool worker_silent(struct worker *w);

/**
 * worker_connected() - What it answers to CONNECT of a device
 * @text:	Its text, until the next one; or NULL
 *
 * Return: err of CONNECTED.
 */
int worker_connected(struct worker *w, uint32_t handle, const char **text);

/** worker_disconnect() - Ask for the end of a device and wait for it */
void worker_disconnect(struct worker *w, uint32_t handle);

/** worker_setup(), worker_teardown() - For cmocka; *state is the worker */
int worker_setup(void **state);
int worker_teardown(void **state);

#define WORKER_TEST(f, w) \
	cmocka_unit_test_prestate_setup_teardown(f, worker_setup, worker_teardown, w)

/** guest_port() - An event channel that the guest offers the host, on a handle of its own
 */
evtchn_port_t guest_port(const struct worker *w, xenevtchn_handle **xce);

uint64_t now_ms(void);

/** as_guest() - Handles opened by @fn(arg) belong to domain @domid */
void as_guest(uint32_t domid, void (*fn)(void *arg), void *arg);

#endif
