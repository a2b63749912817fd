/* SPDX-License-Identifier: MIT */
/*
 * What netback's supervisor half tells its worker half: the blob of CONNECT, together
 * with the descriptors of the TAP, one for each queue, and that of the journal. Data
 * only: no pointers, no padding.
 */
#ifndef PVB_NET_CONF_H
#define PVB_NET_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "net_bound.h"
#include "net_shape.h"
#include "net_spoof.h"
#include "net_steer.h"

/* What the frontend takes; the TAP was told the same. */
#define NET_SG        0x1U  /* frames of more than one slot */
#define NET_CSUM4     0x2U  /* blank checksums, IPv4 */
#define NET_CSUM6     0x4U  /* the same, IPv6 */
#define NET_GSO4      0x8U  /* frames to be segmented, IPv4 */
#define NET_GSO6      0x10U /* the same, IPv6 */
/* It sends an event when it posts receive slots; without, the ring is looked at. */
#define NET_RX_NOTIFY 0x20U
/*
 * An orderly stop left the rings with nothing in flight: go on at their own rsp_prod
 * instead of 0.
 */
#define NET_RESUME    0x40U
/* A program chooses the queue of a frame for it: net_steer.h. */
#define NET_STEERED   0x80U

#define NET_FLAGS 0xffU

#define NET_QUEUES_MAX 8U
/* Descriptors behind those of the queues: the journal; with NET_STEERED those of
 * net_steer.h; and with @rx_bytes the memory of net_bound.h. */
#define NET_FDS        1U

/**
 * struct net_queue_conf - A pair of rings
 * @tx_ref:	Grant of the transmit ring's page
 * @rx_ref:	Grant of the receive ring's page
 * @tx_port:	Port of the guest to bind to, of the transmit ring
 * @rx_port:	Of the receive ring; 0: @tx_port is that of both
 */
struct net_queue_conf {
	uint32_t tx_ref;
	uint32_t rx_ref;
	uint32_t tx_port;
	uint32_t rx_port;
};

/**
 * struct net_live - What may change while it is connected; blob of UPDATE
 * @limits:	How much may pass it
 * @mcast:	1: of groups it is given only those that it has added
 * @headroom:	Bytes that the first page of a frame that it is given begins with, which
 *		are not touched, up to NET_HEADROOM_MAX
 */
struct net_live {
	struct net_limits limits;
	uint32_t mcast;
	uint32_t headroom;
};

/**
 * struct net_conf - A network card
 * @flags:	NET_*
 * @nqueues:	Pairs of rings
 * @drain_ms:	A frame waits so long for receive slots; 0: for ever
 * @stall_ms:	Then the card has no carrier; 0: it keeps it
 * @ctrl_ref:	Grant of the control ring's page
 * @ctrl_port:	Port of the guest to bind to, with NET_STEERED; 0: there is no control
 * ring
 * @rx_bytes:	So many may wait in each queue of the TAP; 0: the TAP counts frames
 * @spoof:	Under which addresses it may send
 */
struct net_conf {
	uint32_t flags;
	uint32_t nqueues;
	struct net_live live;
	uint32_t drain_ms;
	uint32_t stall_ms;
	struct net_queue_conf queue[NET_QUEUES_MAX];
	uint32_t ctrl_ref;
	uint32_t ctrl_port;
	uint32_t rx_bytes;
	uint32_t pad;
	struct net_spoof_conf spoof;
};

/** net_conf_fds() - Descriptors that come with it */
static inline uint32_t net_conf_fds(const struct net_conf *c)
{
	return c->nqueues + NET_FDS + (c->flags & NET_STEERED ? NET_STEER_FDS : 0U) +
	       (c->rx_bytes ? 1U : 0U);
}

/** net_conf_ctrl_ok() - A control ring has what it says how to choose */
static inline bool net_conf_ctrl_ok(const struct net_conf *c)
{
	return !c->ctrl_port || c->flags & NET_STEERED;
}

_Static_assert(NET_QUEUES_MAX <= NET_BOUND_QUEUES, "a bound for each");
_Static_assert(sizeof(struct net_live) == 56, "no padding on the socket");
_Static_assert(sizeof(struct net_conf) == 880, "no padding on the socket");

#endif
