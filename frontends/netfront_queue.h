/* SPDX-License-Identifier: MIT */
/*
 * A queue of a network card: a pair of rings, their buffers, their event channels. What
 * netfront.c puts together; the rest of its functions are in netfront.h.
 */
#ifndef PVB_NETFRONT_QUEUE_H
#define PVB_NETFRONT_QUEUE_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "front_chan.h"
#include "netfront.h"
#include "netfront_ring.h"

/* Descriptors of a queue: its event channels. */
#define NETFRONT_QUEUE_FDS 2

/**
 * struct netfront_queue - A pair of rings; zero-initialised has nothing
 * @tag:	For log lines
 * @split:	An event channel for each ring
 * @rx_notify:	Tell the backend when slots were posted
 * @chan:	Of the transmit ring and of all pages; of the receive ring, if it has one
 * @ring:	The two ring pages, or NULL while not connected
 * @tx_buf:	A page for each id of the transmit ring
 * @rx_buf:	The same for the receive ring
 * @error:	0, or why it is disabled
 */
struct netfront_queue {
	const char *tag;
	bool split;
	bool rx_notify;
	struct front_chan chan[2];
	struct netfront_tx tx;
	struct netfront_rx rx;
	uint8_t *ring, *tx_buf, *rx_buf;
	uint32_t ring_ref[2];
	uint32_t tx_ref[NETFRONT_RING], rx_ref[NETFRONT_RING];
	int error;
	struct netfront_stats stats;
};

/** netfront_queue_share() - Grant rings and buffers. Return: 0 or -errno, logged;
 *  netfront_queue_unshare() is due either way. @first_id: as netfront_tx_init() */
int must_check netfront_queue_share(struct netfront_queue *q, uint32_t backend,
                                    uint16_t first_id);

/** netfront_queue_post() - Post so many receive slots, the first ones */
void netfront_queue_post(struct netfront_queue *q, unsigned int rx_slots);
void netfront_queue_unshare(struct netfront_queue *q);

/** netfront_queue_rx_port() - The port of the receive ring; may be that of both */
uint32_t netfront_queue_rx_port(const struct netfront_queue *q);

/** netfront_queue_stats() - Since it was made */
struct netfront_stats netfront_queue_stats(const struct netfront_queue *q);

/**
 * netfront_queue_watch() - Ask for events; fill in NETFRONT_QUEUE_FDS descriptors
 *
 * Return: no need to wait, there is something to do.
 */
bool netfront_queue_watch(struct netfront_queue *q, struct pollfd *fd);

/** netfront_queue_events() - Take what they say. Return: 0 or -errno, disabled. */
int must_check netfront_queue_events(struct netfront_queue *q, const struct pollfd *fd);

#endif
