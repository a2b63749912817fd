/* SPDX-License-Identifier: MIT */
/*
 * How an event travels: transitions of the word of a port.
 *
 *   0                        idle: the next raise claims the port and queues it
 *   BUSY|CLAIMED             somebody is writing the port's number to its owner's queue
 *   BUSY                     queued, or read by the owner and masked until it unmasks
 *   BUSY|PENDING             and another event has come meanwhile
 *
 * A port is in the queue at most once, so the queue cannot overflow. An ownerless port is
 * BUSY from birth: its events stay pending.
 *
 * Each transition is one compare-and-swap: a process killed before it has done nothing,
 * and one killed after a claim leaves EV_CLAIMED, which the broker sees when it closes
 * the dead process's end of the channel, and queues the event itself.
 */
#ifndef XENSIM_EVENT_H
#define XENSIM_EVENT_H

#include <stdbool.h>

#include "shm.h"

/**
 * event_raise() - Note that an event has arrived
 *
 * Return: true if the caller has claimed the port: queue it, then call event_queued()
 */
static inline bool event_raise(struct shm_port *port)
{
	uint32_t old, new;

	/* What was written before the notify is seen by whoever consumes the event. */
	atomic_thread_fence(memory_order_seq_cst);
	old = atomic_load_explicit(&port->word, memory_order_relaxed);
	do {
		new = old &EV_BUSY ? old | EV_PENDING : EV_BUSY | EV_CLAIMED;
		if (new == old)
			return false;
	} while (!atomic_compare_exchange_weak(&port->word, &old, new));
	return !(old & EV_BUSY);
}

/**
 * event_unmask() - Accept events again
 *
 * Return: true if one is due at once: queue the port, then call event_queued()
 */
static inline bool event_unmask(struct shm_port *port)
{
	uint32_t old = atomic_load(&port->word), new;

	do {
		if (!(old & EV_BUSY))
			return false;
		new = old &EV_PENDING ? EV_BUSY | EV_CLAIMED : 0;
	} while (!atomic_compare_exchange_weak(&port->word, &old, new));
	return old & EV_PENDING;
}

static inline void event_queued(struct shm_port *port)
{
	atomic_fetch_and(&port->word, ~EV_CLAIMED);
}

#endif
