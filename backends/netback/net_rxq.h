/* SPDX-License-Identifier: MIT */
/*
 * Serve a receive ring: read frames from the TAP when there are slots for them, copy them
 * to the guest, answer. Knows no event channel and never sleeps; net_queue does.
 *
 * The guest is shown whole frames only. Without slots nothing is read: the queue is the
 * kernel's, and so are its losses. A frame that was read and needs more slots than there
 * are waits here; there is one such at most.
 */
#ifndef PVB_NET_RXQ_H
#define PVB_NET_RXQ_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"
#include "gnt.h"
#include "log.h"
#include "net_bound.h"
#include "net_journal.h"
#include "net_capture.h"
#include "net_mcast.h"
#include "net_rss.h"
#include "net_rx.h"
#include "net_stats.h"
#include "net_vnet.h"
#include "ring.h"

/* Slots of a one-page ring. */
#define NET_RX_RING   256U
/* Frames read before they are copied: the guest takes one half of the ring meanwhile. */
#define NET_RX_BATCH  128U
/* Frames that may wait in the TAP: its txqueuelen is 1000. */
#define NET_STALE_MAX 4096U
/* Room for a frame of any size. */
#define NET_RX_ROOM   ((size_t)NET_RX_DATA_MAX * XEN_PAGE)
/*
 * Room for as much as the ring has slots, and for a frame of any size behind that; before
 * each there is the TAP's header, which may take a page more.
 */
#define NET_RX_ARENA  ((size_t)(NET_RX_RING + NET_RX_BATCH + 1U) * XEN_PAGE + NET_RX_ROOM)

/**
 * struct net_rx_frame - A frame that was read
 * @data:	In the arena, behind its headroom from the beginning of a page: a page
 *		goes to a slot. The TAP's header is right before it, so that one read()
 *		gets both.
 * @slots:	That it needs
 * @since:	When it was read
 */
struct net_rx_frame {
	uint8_t *data;
	uint32_t len;
	uint32_t slots;
	uint64_t since;
	struct net_rx_meta meta;
};

/**
 * struct net_rxq - A receive ring and all that serving it needs
 * @journal:	Where responses are until they are shown
 * @tap:	Descriptor; the queue's
 * @bound:	On what waits in @tap
 * @accept:	What the guest takes; what is in it changes between turns only
 * @arena:	NET_RX_ARENA bytes, page-aligned
 * @mcast:	Groups that it is given; NULL: all
 * @rss:	How frames are hashed, @view as of this turn
 * @allow:	May a frame be read? 0, or ns to wait
 * @went:	One of @len bytes was, for the guest
 * @wait:	ns until one may be; 0: it may
 * @now:	When this turn began, see net_turn_ns()
 * @hist:	Of frames, since they were read
 * @given:	Frames of this turn, the first of which was read at @first_since
 * @nr:	The queue's number
 * @capture:	Of this turn, or NULL
 * @nframe:	Frames in @frame: after a turn one or none, that waits for slots
 * @have:	Slots that were there at the end of the last turn
 * @empty:	The TAP was when it was last asked, in this turn or a moment ago
 * @dead:	The TAP is gone
 */
struct net_rxq {
	const char *tag;
	struct log_limit limit;
	struct ring_back ring;
	struct net_journal_ring *journal;
	int tap;
	struct net_bound_view bound;
	uint8_t *arena;
	struct gnt_batch *batch;
	struct net_stats *stats;
	struct net_accept accept;
	uint64_t (*allow)(void *arg);
	void (*went)(void *arg, uint32_t len);
	void *arg;
	uint64_t wait;
	const struct net_mcast *mcast;
	struct net_rss *rss;
	struct net_rss_view view;
	uint64_t *now;
	struct hist *hist;
	uint32_t given;
	uint64_t first_since;
	uint32_t nr;
	struct net_capture *capture;
	uint32_t nframe;
	uint32_t have;
	bool empty;
	bool dead;
	struct net_rx_frame frame[NET_RX_BATCH];
};

/**
 * net_rxq_turn() - Read what the slots are there for, put it into them
 * @why:	Set if V_FATAL
 *
 * Nothing is read of a TAP that is @empty.
 *
 * The responses are written, not published.
 *
 * Return: V_OK, or V_FATAL.
 */
enum verdict must_check net_rxq_turn(struct net_rxq *q, const char **why);

/** net_rxq_drop() - What waits for slots, here and in the TAP. Return: whether any did.
 */
bool net_rxq_drop(struct net_rxq *q);

/** net_rxq_shown() - What the last turn has given was published at @now */
void net_rxq_shown(struct net_rxq *q, uint64_t now);

/** net_rxq_starved() - It can go on only when the guest posts more slots */
static inline bool net_rxq_starved(const struct net_rxq *q)
{
	return q->nframe || !q->have;
}

#endif
