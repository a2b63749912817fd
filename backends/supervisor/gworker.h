/* SPDX-License-Identifier: MIT */
/* A guest's worker as a process: when it is started, and what its end means. */
#ifndef PVB_GWORKER_H
#define PVB_GWORKER_H

#include "compiler.h"

struct guest;

/* A worker has so long to say HELLO, to answer a CONNECT, and to go. */
#define GUEST_ANSWER_MS 10000
/* So long a DISCONNECT may take before it is worth a line: storage may be slow. */
#define GUEST_DRAIN_MS  30000

/** gworker_init() - The timers of a new guest. Return: 0 or -errno. */
int must_check gworker_init(struct guest *g);

/** gworker_adopt() - If another pvbackd has left a worker for this guest, take it over */
void gworker_adopt(struct guest *g);

/** guest_on_sock() - The worker has said something; guest.c */
void guest_on_sock(void *arg);

#endif
