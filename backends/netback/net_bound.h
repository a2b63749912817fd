/* SPDX-License-Identifier: MIT */
/*
 * How much may wait for a guest: memory that a worker shares with a program of the kernel
 * (net_bound_super.c), which lets no more bytes into a queue of the TAP than that. By
 * itself a TAP counts frames, 1000 of them, and each may have 64 KiB: what a guest
 * without receive slots would cost the host is 64 MB a queue.
 *
 * The program adds what comes, the worker what it has read. Whoever has taken a worker
 * over can undo the bound for that guest's queues, and do no more.
 */
#ifndef PVB_NET_BOUND_H
#define PVB_NET_BOUND_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"

#define NET_BOUND_QUEUES 8U
#define NET_BOUND_LINE   64U

/**
 * struct net_bound_queue - Each side writes a cache line of its own
 * @came:	Bytes that were let in, by the kernel
 * @over:	Frames that were not, by the kernel
 * @gone:	Bytes that were read, by the worker
 */
struct net_bound_queue {
	uint64_t came;
	uint64_t over;
	uint8_t pad1[NET_BOUND_LINE - 16];
	uint64_t gone;
	uint8_t pad2[NET_BOUND_LINE - 8];
};

struct net_bound {
	struct net_bound_queue queue[NET_BOUND_QUEUES];
};

_Static_assert(sizeof(struct net_bound_queue) == 2UL * NET_BOUND_LINE, "two lines");

/**
 * struct net_bound_view - A queue's, as its reader has it; zero is none
 * @q:		Or NULL: there is no bound
 * @came:	When the reader last looked
 * @over:	Frames that it has counted
 * @gone:	Bytes that it has read
 */
struct net_bound_view {
	struct net_bound_queue *q;
	uint64_t came, over, gone;
};

/** net_bound_begin() - The reader goes on where the last one was */
void net_bound_begin(struct net_bound_view *v, struct net_bound_queue *q);

/** net_bound_look() - Before the queue is read. Return: frames not let in since. */
uint64_t net_bound_look(struct net_bound_view *v);

/**
 * net_bound_read() - @bytes were read since
 * @empty:	And nothing was left
 *
 * What the kernel has dropped behind the program was counted and is never read, and a tag
 * that was beside a frame is read and was not counted: so when nothing is left, what had
 * come at the last look is gone, and no more than has come by now.
 */
void net_bound_read(struct net_bound_view *v, uint64_t bytes, bool empty);

#endif
