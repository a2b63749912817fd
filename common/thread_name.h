/* SPDX-License-Identifier: MIT */
/*
 * Names of the threads that serve a device: seen in top, and told by a worker that
 * crashes.
 */
#ifndef PVB_THREAD_NAME_H
#define PVB_THREAD_NAME_H

#include <stdbool.h>
#include <stdint.h>

/* With its NUL, prctl(PR_SET_NAME). */
#define THREAD_NAME 16U

/**
 * thread_name() - "vbd-51712", or "vbd-51712.3" for one of several queues
 * @tag:	"guest 3 vbd-51712"
 * @queue:	Its last digit is said
 */
void thread_name(const char *tag, uint32_t queue, uint32_t nqueues,
                 char name[THREAD_NAME]);

/** thread_is_of() - Is @name what thread_name() makes of @tag for any queue? */
bool thread_is_of(const char *name, const char *tag);

#endif
