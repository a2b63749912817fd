/* SPDX-License-Identifier: MIT */
/*
 * An event channel that a queue's thread listens to: taken events stay masked until the
 * thread goes to sleep, and longer if they keep coming for nothing.
 */
#ifndef PVB_CHAN_H
#define PVB_CHAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler.h"
#include "evt.h"
#include "pace.h"

/**
 * struct chan - An event channel; zero-initialised is one that is not there
 * @evt:	NULL: this ring has that of another one, or none yet
 * @masked:	An event was taken and the port is not unmasked yet
 * @unmask_at:	When it may be: CLOCK_MONOTONIC, ns; 0 is at once
 * @seen:	What had come on the ring when the last event came
 */
struct chan {
	struct evt *evt;
	bool masked;
	uint64_t unmask_at;
	uint32_t seen;
	struct pace pace;
};

/** chan_open() - Return: 0, or -errno with @text; the caller closes c->evt */
int must_check chan_open(struct chan *c, uint32_t domid, uint32_t port, char *text,
                         size_t text_size);

/**
 * chan_take() - Take an event, as the descriptor is readable
 * @came:	A count that has changed if anything came since the one before
 * @more:	Something has come that @came does not count yet
 *
 * Return: 0, or -errno when the channel is of no use any more.
 */
int must_check chan_take(struct chan *c, uint32_t came, bool more);

/** chan_listen() - Before sleeping. Return: ns after which to try again, or -1. */
int64_t chan_listen(struct chan *c);

#endif
