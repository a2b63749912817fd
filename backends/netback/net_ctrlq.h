/* SPDX-License-Identifier: MIT */
/*
 * The control ring of a card, and the thread that serves it: requests in the order in
 * which they come, a bounded number in a turn. Each is carried out before it is answered,
 * and all may be carried out twice: a worker that takes over from one that died does
 * that.
 */
#ifndef PVB_NET_CTRLQ_H
#define PVB_NET_CTRLQ_H

#include "compiler.h"
#include "net_queue.h"

struct net_ctrlq;

/**
 * net_ctrlq_open() - Map the control ring, bind its event channel; what a predecessor
 * left is in effect
 *
 * Return: 0, or -errno with everything released and @text.
 */
int must_check net_ctrlq_open(struct net_vif *v, char *text, size_t text_size);

/** net_ctrlq_close() - Undo net_ctrlq_open(); NULL is accepted */
void net_ctrlq_close(struct net_ctrlq *q);

/** net_ctrlq_run() - The thread, as net_queue_run() */
void *net_ctrlq_run(void *ctrlq);

#endif
