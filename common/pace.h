/* SPDX-License-Identifier: MIT */
/*
 * When a queue's thread listens, and how: how long to look at the ring before going to
 * sleep, and how long to leave a port masked whose events announce nothing. Pure: the
 * caller has the clock.
 */
#ifndef PVB_PACE_H
#define PVB_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* Longest look at the ring before sleeping, ns. */
#define PACE_SPIN_MAX_NS 20000U
#define PACE_SPIN_MIN_NS 4000U

/* Empty events in a row that are forgiven, then the first and the longest pause, ns. */
#define PACE_EMPTY_FREE   8U
#define PACE_DELAY_MIN_NS 1000000ULL
#define PACE_DELAY_MAX_NS 64000000ULL

/**
 * struct pace - One queue's; zero-initialised is ready
 * @spin_ns:	How long it pays to look at the ring; 0: not at all
 * @empty:	Events in a row without a request
 */
struct pace {
	uint32_t spin_ns;
	uint32_t empty;
};

/**
 * pace_slept() - Learn from a sleep with nothing in flight that a request ended
 *
 * A sleep that was shorter than the longest look would have been better not slept; a
 * longer one shows that the guest is slower than that, or idle.
 */
void pace_slept(struct pace *p, uint64_t ns);

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
