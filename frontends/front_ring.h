/* SPDX-License-Identifier: MIT */
/* What xen/io/ring.h leaves to those who have the frontend's end of a ring. */
#ifndef PVB_FRONT_RING_H
#define PVB_FRONT_RING_H

#include <stdbool.h>

#include "xenabi.h"

/* The barriers that its macros ask for. */
#define xen_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define xen_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

/**
 * front_ring_push() - Give the backend what was put. Return: whether to notify it.
 * @r:	Of any type that has the ring as front, and as pushed the value of req_prod that
 *	the backend was given
 */
#define front_ring_push(r)                                                         \
	({                                                                         \
		bool notify_ = false;                                              \
                                                                                   \
		if ((r)->pushed != (r)->front.req_prod_pvt) {                      \
			RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&(r)->front, notify_); \
			(r)->pushed = (r)->front.req_prod_pvt;                     \
		}                                                                  \
		notify_;                                                           \
	})

#endif
