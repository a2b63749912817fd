/* SPDX-License-Identifier: MIT */
/* The one thing that is said over rtnetlink. */
#ifndef PVB_NET_NOQUEUE_SUPER_H
#define PVB_NET_NOQUEUE_SUPER_H

#include <stdint.h>

/**
 * net_noqueue() - Give interface @index no queueing discipline, as a bridge has none
 *
 * A TAP never tells the stack to wait, so none of its packets is ever queued; but the
 * kernel makes one for each of the 256 queues that a TAP may have: 6 MiB for each card
 * that is up, with the default txqueuelen. Whoever wants one sets it, with tc.
 *
 * What fails is logged: the card works without.
 */
void net_noqueue(uint32_t index);

#endif
