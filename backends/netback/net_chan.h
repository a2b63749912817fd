/* SPDX-License-Identifier: MIT */
/*
 * An event channel that a queue listens to: taken events stay masked until the thread
 * goes to sleep, and longer if they keep coming for nothing.
 */
#ifndef PVB_NET_CHAN_H
#define PVB_NET_CHAN_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"
#include "evt.h"
#include "pace.h"

/**
 * struct net_chan - An event channel
 * @evt:	NULL: this ring has that of the other one
 * @masked:	An event was taken and the port is not unmasked yet
 * @unmask_at:	When it may be: CLOCK_MONOTONIC, ns; 0 is at once
 * @seen:	What had come on the ring when the last event came
 */
struct net_chan {
	struct evt *evt;
	bool masked;
	uint64_t unmask_at;
	uint32_t seen;
	struct pace pace;
};

/** net_chan_open() - Return: 0, or -errno with @text */
int must_check net_chan_open(struct net_chan *c, uint32_t domid, uint32_t port,
                             char *text, size_t text_size);

/**
 * net_chan_take() - Take an event, as the descriptor is readable
 * @came:	A count that has changed if anything came since the one before
 *
 * Return: 0, or -errno when the channel is of no use any more.
 */
int must_check net_chan_take(struct net_chan *c, uint32_t came, uint64_t now);

/** net_chan_listen() - Before sleeping. Return: ns after which to try again, or -1. */
int64_t net_chan_listen(struct net_chan *c, uint64_t now);

#endif
