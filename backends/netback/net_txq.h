/* SPDX-License-Identifier: MIT */
/*
 * Serve a transmit ring: take slots, judge them, copy what they grant, answer, write the
 * frames to the TAP. Knows no event channel and never sleeps; net_queue does.
 *
 *   net_txq_turn()                                              net_txq_write()
 *   taken -> [judge] -> copied -> answered, in the ring's order -> written
 *
 * Answers come before writing, as nothing of the guest is needed any more; frames that
 * the TAP has no room for wait here, and nothing more is taken meanwhile.
 */
#ifndef PVB_NET_TXQ_H
#define PVB_NET_TXQ_H

#include <stdbool.h>
#include <stdint.h>

#include <sys/uio.h>

#include "compiler.h"
#include "gnt.h"
#include "log.h"
#include "net_journal.h"
#include "net_capture.h"
#include "net_mcast.h"
#include "net_spoof.h"
#include "net_stats.h"
#include "net_tx.h"
#include "net_vnet.h"
#include "ring.h"

/* Slots of a one-page ring. */
#define NET_TX_RING  256U
/* No frame is begun behind so many pages of a turn. */
#define NET_TX_PAGES NET_TX_RING
/* Each part of a frame finds a page at most, and so does the header before the first. */
#define NET_TX_ARENA ((size_t)(NET_TX_PAGES + NET_TX_FRAGS + 1U) * XEN_PAGE)

/* Of a frame in the arena, with the TAP's header right before it. */
#define NET_TX_ALIGN 16U

_Static_assert(sizeof(struct virtio_net_hdr) <= NET_TX_ALIGN, "room for it");

struct net_tx_work;

/**
 * struct net_tx_out - A frame for the TAP
 * @work:	What it was
 * @first:	Its first bytes, NET_HEAD_MAX or all, in one place
 * @iov:	The TAP's header and @first without a gap, then what else there is: one
 *		piece is a plain write(), which the kernel is done with sooner
 * @head:	A header and a copy of the frame's, if those are scattered over slots
 */
struct net_tx_out {
	const struct net_tx_work *work;
	const uint8_t *first;
	uint32_t len;
	uint32_t niov;
	struct iovec iov[NET_TX_FRAGS + 1];
	uint8_t head[NET_TX_ALIGN + NET_HEAD_MAX];
};

/**
 * struct net_tx_work - Slots that were judged and are not answered yet
 * @slot:	First of them in @net_txq.slot
 * @data:	Where each part of it is copied to
 */
struct net_tx_work {
	struct net_tx_frame f;
	enum verdict v;
	uint32_t slot;
	uint8_t *data[NET_TX_FRAGS];
};

/**
 * struct net_txq - A transmit ring and all that serving it needs
 * @journal:	Where responses are until they are shown
 * @tap:	Descriptor; the queue's
 * @arena:	NET_TX_ARENA bytes, page-aligned
 * @mcast:	Groups that the guest listens to
 * @now:	When this turn began, see net_turn_ns()
 * @hist:	Of slots, since they were seen
 * @since:	When those in @slot were
 * @nr:	The queue's number
 * @capture:	Of this turn, or NULL
 * @spoof:	Whose frames the guest may send; NULL: anybody's
 * @allow:	May a frame of @len go? 0, or ns to wait
 * @taken:	Slots in @slot, of which @judged are done with
 * @nout:	Frames in @out, of which @written are done with
 * @dead:	The TAP is gone
 */
struct net_txq {
	const char *tag;
	struct log_limit limit;
	struct ring_back ring;
	struct net_journal_ring *journal;
	int tap;
	uint8_t *arena;
	struct gnt_batch *batch;
	struct net_stats *stats;
	uint64_t *now;
	struct hist *hist;
	uint64_t since;
	uint32_t nr;
	struct net_capture *capture;
	struct net_mcast *mcast;
	const struct net_spoof_conf *spoof;
	uint64_t (*allow)(void *arg, uint32_t len);
	void *arg;
	uint32_t taken, judged;
	uint32_t nwork;
	uint32_t nout, written;
	bool dead;
	union net_tx_slot slot[NET_TX_RING];
	struct net_tx_work work[NET_TX_RING];
	struct net_tx_out out[NET_TX_RING];
};

/**
 * net_txq_turn() - Take what is new, answer it, have its frames ready
 * @wait:	Result: ns until a frame that was taken may go, 0 when there is none
 * @why:	Set if V_FATAL
 *
 * The responses are written, not published. Nothing is taken while frames wait for the
 * TAP, or as long as slots that were taken are not judged.
 *
 * Return: V_OK, or V_FATAL; what was taken before is served all the same.
 */
enum verdict must_check net_txq_turn(struct net_txq *q, uint64_t *wait, const char **why);

/** net_txq_shown() - What the last turn has answered was published at @now */
void net_txq_shown(struct net_txq *q, uint64_t now);

/** net_txq_write() - Hand frames to the TAP, as many as it takes */
void net_txq_write(struct net_txq *q);

/** net_txq_held() - Frames wait for the TAP to have room */
static inline bool net_txq_held(const struct net_txq *q)
{
	return q->written != q->nout;
}

/** net_txq_took() - The last turn had something to do; before net_txq_shown() */
static inline bool net_txq_took(const struct net_txq *q)
{
	return q->nwork;
}

/** net_txq_idle() - Nothing is taken that is not answered */
static inline bool net_txq_idle(const struct net_txq *q)
{
	return q->judged == q->taken;
}

#endif
