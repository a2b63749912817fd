/* SPDX-License-Identifier: MIT */
/*
 * When a queue's thread listens, and how: how long to look at what it waits for, a ring
 * or storage, before going to sleep, and how long to leave a port masked whose events
 * announce nothing. Pure: the caller has the clock.
 */
#ifndef PVB_PACE_H
#define PVB_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* Longest look at what is awaited before sleeping, ns. */
#define PACE_SPIN_MAX_NS 32000U
#define PACE_SPIN_MIN_NS 4000U
/* Storage that takes longer is slower than waking up. */
#define PACE_STORED_NS   16000U

/* Empty events in a row that are forgiven, then the first and the longest pause, ns. */
#define PACE_EMPTY_FREE   8U
#define PACE_DELAY_MIN_NS 1000000ULL
#define PACE_DELAY_MAX_NS 64000000ULL

/**
 * struct pace - One queue's; zero-initialised is ready
 * @spin_ns:	How long it pays to look; 0: not at all
 * @empty:	Events in a row without a request
 */
struct pace {
	uint32_t spin_ns;
	uint32_t empty;
};

/**
 * pace_waited() - Learn from a wait that what was awaited has ended, asleep in the end
 * @ns:	From before the look to after the sleep
 *
 * One that was shorter than the longest look would have been better not slept; a longer
 * one shows that the other side is slower than that, or idle.
 */
void pace_waited(struct pace *p, uint64_t ns);

/**
 * pace_stored() - Storage was waited for
 * @ns:	How long
 *
 * Where that takes longer than a wake-up, little is won by not sleeping when it is the
 * guest's turn, and the guest, whose processor has slept as long, is no quicker for it.
 */
void pace_stored(struct pace *p, uint64_t ns);

/*
 * A look that is tried now and then, and always while it succeeds: for what says nothing
 * about itself while one sleeps, as waking up takes longer than it does.
 */
#define PACE_TRY_REST 255U

/**
 * struct pace_try - Zero-initialised is ready
 * @rest:	Sleeps before it is tried again
 * @next:	How many there will be after the next one that fails
 */
struct pace_try {
	uint32_t rest;
	uint32_t next;
};

/** pace_try() - Before a sleep: is it time to look instead? */
bool pace_try(struct pace_try *t);

/** pace_tried() - It was worth it, or not */
void pace_tried(struct pace_try *t, bool worth);

/**
 * pace_event() - An event came
 * @useful:	A request has come since the one before it
 *
 * The kernel's own brake (XSA-332) does not work for event channels in user space.
 *
 * Return: how long to leave the port masked, ns.
 */
uint64_t pace_event(struct pace *p, bool useful);

#endif
