/* SPDX-License-Identifier: MIT */
/* A pair of rings with its event channels, its queue of the TAP, and the thread for it.
 */
#ifndef PVB_NET_QUEUE_H
#define PVB_NET_QUEUE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "backend.h"
#include "compiler.h"
#include "net_capture.h"
#include "net_conf.h"
#include "net_live.h"
#include "net_pass.h"
#include "net_rss.h"

struct net_ctrlq;
struct net_journal;
struct net_keep;
struct net_queue;

/**
 * struct net_vif - A network card: what its queues share
 * @stop:	eventfd that is readable when the threads are to end, for all of them
 * @live:	Threads that have not ended
 * @failed:	The supervisor has been told
 * @stalled:	Queues that receive nothing; guarded by @lock
 * @lock:	The threads wait for it to begin
 * @go:		They may; else they are to end
 * @ctrl:	Its control ring, or NULL
 * @lives:	What may change meanwhile
 * @bound:	On what waits for it, or NULL
 * @journal:	NET_JOURNAL_SIZE bytes for each queue, then @keep
 */
struct net_vif {
	struct wdev *dev;
	struct net_conf conf;
	int stop;
	atomic_uint live;
	atomic_flag failed;
	pthread_mutex_t lock;
	bool go;
	uint32_t stalled;
	struct net_pass pass;
	struct net_lives lives;
	struct net_bound *bound;
	uint8_t *journal;
	struct net_keep *keep;
	struct net_rss rss;
	struct net_ctrlq *ctrl;
	struct net_capture capture;
	struct net_queue *queue[NET_QUEUES_MAX];
};

/**
 * net_queue_open() - Map the rings of queue @i, bind its event channels
 * @tap:	Taken, and set to -1, on success
 *
 * Return: 0, or -errno with everything released and @text.
 */
int must_check net_queue_open(struct net_vif *v, uint32_t i, int *tap, char *text,
                              size_t text_size);

/** net_queue_await() - Wait until its thread heeds what is in @v->lives now: what it
 *  publishes from then on is as it is to be */
void net_queue_await(const struct net_queue *q);

/** net_queue_close() - Undo net_queue_open(); NULL is accepted */
void net_queue_close(struct net_queue *q);

/**
 * net_queue_run() - The thread, until @v->stop is readable; then closes the queue
 *
 * What follows is the last one's: see net_vif_ended().
 */
void *net_queue_run(void *queue);

/**
 * net_queue_carrier() - Plug or unplug the cable, as the host sees it
 *
 * At the end it is the supervisor that unplugs it: another worker may go on.
 */
void net_queue_carrier(const struct net_queue *q, int on);

/** net_vif_begins() - First in a thread. Return: it may go on; else it is to end. */
bool must_check net_vif_begins(struct net_vif *v);

/** net_vif_failed() - A ring cannot be served any more; the first one is told of */
void net_vif_failed(struct net_vif *v, int err, const char *why);

/** net_vif_ended() - A thread is done with @v; the last one reports and frees it */
void net_vif_ended(struct net_vif *v);

/** net_vif_stalled() - Queue @q has stopped receiving, or it goes on: while any has
 *  stopped the card has no carrier */
void net_vif_stalled(struct net_vif *v, const struct net_queue *q, bool stalled);

/** net_vif_journal() - Of queue @i */
struct net_journal *net_vif_journal(const struct net_vif *v, uint32_t i);

#endif
