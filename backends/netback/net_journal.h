/* SPDX-License-Identifier: MIT */
/*
 * How far the rings of a queue were served, in memory that outlives the worker.
 *
 * Slots are answered in the order in which they were taken, so the index of the next
 * response says where to go on: what was taken and not answered is in the ring still, and
 * is taken again. That is so because a response is written here first, and into the ring,
 * where it overwrites its request, only when all that are to be shown with it are here
 * and announced. Whoever comes next writes those that were announced and not shown.
 *
 *   net_journal_respond()   net_journal_publish()
 *   in the journal -------> announced -> in the ring -> shown -> said to be shown
 *
 * The worker may be killed between any two instructions. Pure: memory and arithmetic.
 */
#ifndef PVB_NET_JOURNAL_H
#define PVB_NET_JOURNAL_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "compiler.h"
#include "net_conf.h"
#include "ring.h"

/* Of this layout. */
#define NET_JOURNAL_VERSION 1U
/* Slots of a one-page ring of frames, of the control ring, and bytes for a response. */
#define NET_JOURNAL_SLOTS   256U
#define NET_JOURNAL_RSP     8U
#define NET_JOURNAL_CTRL    128U
#define NET_JOURNAL_ANSWER  16U
#define NET_JOURNAL_BYTES   (NET_JOURNAL_SLOTS * NET_JOURNAL_RSP)

_Static_assert(NET_JOURNAL_CTRL *NET_JOURNAL_ANSWER == NET_JOURNAL_BYTES, "for either");

/**
 * struct net_journal_ring - Of one ring
 * @shown:	shown.h
 * @rsp:	Responses, each where its index in the ring is
 */
struct net_journal_ring {
	uint64_t shown;
	uint8_t rsp[NET_JOURNAL_BYTES];
};

/**
 * struct net_journal - Of a queue: the layout, zeroed before it is used first
 * @started:	A worker came so far that it may have taken something; otherwise what is
 *		here means nothing
 * @busy:	Not 0 while the worker is at work on the queue
 */
struct net_journal {
	uint32_t magic, version;
	uint32_t started;
	uint32_t busy;
	struct net_journal_ring tx, rx;
};

/* Memory for a queue's, a multiple of the page size. */
#define NET_JOURNAL_SIZE 8192U

_Static_assert(sizeof(struct net_journal) <= NET_JOURNAL_SIZE, "room for one");

/**
 * net_journal_attach() - Begin with two rings, or go on with them
 * @resume:	In the beginning: an orderly stop has left them, at their own rsp_prod
 * @text:	What is wrong
 *
 * What was announced is shown; the guest is to be sent an event when it was not the
 * beginning, as the last worker may have died just before it would have.
 *
 * Return: 0; -EPROTO or -EILSEQ with @text.
 */
int must_check net_journal_attach(struct net_journal *j, struct ring_back *tx,
                                  struct ring_back *rx, bool resume, char *text,
                                  size_t text_size);

/** net_journal_begin(), net_journal_go_on() - As net_journal_attach(), for one ring */
int must_check net_journal_begin(struct net_journal_ring *j, struct ring_back *r,
                                 bool resume, char *text, size_t text_size);
int must_check net_journal_go_on(struct net_journal_ring *j, struct ring_back *r,
                                 char *text, size_t text_size);

/** net_journal_respond() - Write a response of @len bytes; shown by net_journal_publish()
 * @rsp:	No implicit padding, every byte is ours to show (XSA-216)
 */
static inline void net_journal_respond(struct net_journal_ring *j, struct ring_back *r,
                                       const void *rsp, size_t len)
{
	uint8_t *to =
		j->rsp + (r->rsp_prod % NET_JOURNAL_SLOTS) * (size_t)NET_JOURNAL_RSP;

	assert(len <= NET_JOURNAL_RSP && r->size == NET_JOURNAL_SLOTS);
	assert(r->rsp_prod != r->req_cons);
	memset(to, 0, NET_JOURNAL_RSP);
	memcpy(to, rsp, len);
	r->rsp_prod++;
}

/** net_journal_answer() - The same, on a control ring */
void net_journal_answer(struct net_journal_ring *j, struct ring_back *r,
                        const struct xen_netif_ctrl_response *rsp);

/** net_journal_publish() - Show the responses written. Return: whether to notify. */
bool net_journal_publish(struct net_journal_ring *j, struct ring_back *r);

/** net_journal_busy() - At work on the queue, or asleep: who is to blame for a crash? */
static inline void net_journal_busy(struct net_journal *j, bool busy)
{
	__atomic_store_n(&j->busy, busy, __ATOMIC_RELAXED);
}

#endif
