/* SPDX-License-Identifier: MIT */
/* Write ends of the event queues that a handle has notified. */
#ifndef XENSIM_QUEUE_H
#define XENSIM_QUEUE_H

#include "hmap.h"
#include "shm.h"

/** struct queues - Zeroed is empty; guarded by the lock of the handle it is in */
struct queues {
	struct hmap by_owner;
	size_t prune_at;
};

/**
 * queue_claimed() - Queue the event that the caller has claimed
 * @p:		The port, number @port of domain @domid
 */
void queue_claimed(struct queues *queues, struct shm_port *p, uint32_t domid,
                   uint32_t port);

void queues_free(struct queues *queues);

#endif
