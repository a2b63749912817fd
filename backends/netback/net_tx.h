/* SPDX-License-Identifier: MIT */
/*
 * Judge what a guest transmits: slots of the ring in, one frame out. Pure: no I/O, no
 * state, no pointer into shared memory.
 */
#ifndef PVB_NET_TX_H
#define PVB_NET_TX_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"
#include "xenabi.h"

/* Ethernet header, bytes: a frame has at least that. */
#define NET_ETH_HLEN 14U

/*
 * Slots of a frame besides its first. The limit of netif.h is 18, and what Linux's
 * netback has always enforced is one more; up to the second limit a guest is merely
 * mistaken, beyond it the ring is not trusted any more.
 */
#define NET_TX_REST_MAX   18U
#define NET_TX_REST_FATAL 20U
#define NET_TX_FRAGS      (1U + NET_TX_REST_MAX)

/** union net_tx_slot - Private copy of a slot of the ring */
union net_tx_slot {
	struct netif_tx_request req;
	struct netif_extra_info extra;
};

_Static_assert(sizeof(union net_tx_slot) == 12, "a slot of the ring");

/** struct net_tx_frag - Part of one granted page; @off + @len never exceeds the page */
struct net_tx_frag {
	uint32_t gref;
	uint16_t off;
	uint16_t len;
};

/** enum net_tx_kind - What a run of slots is */
enum net_tx_kind {
	NET_TX_FRAME,
	NET_TX_MCAST_ADD, /* no data: add @mac to what the guest listens to */
	NET_TX_MCAST_DEL, /* no data: take it away */
};

/** enum net_tx_cause - Why slots are refused */
enum net_tx_cause {
	NET_TX_SLOTS, /* there are too many */
	NET_TX_SIZE,  /* parts are larger than the frame */
	NET_TX_SHORT, /* no Ethernet header in the first */
	NET_TX_NCAUSES
};

/**
 * struct net_tx_frame - A frame after validation; holds nothing unchecked
 * @kind:	A frame, or a request without data
 * @cause:	With V_REJECT
 * @nslots:	Slots that it takes in the ring: set unless the verdict is V_FATAL
 * @nextra:	Of which extras, right behind the first slot
 * @nfrag:	Parts of it; 1 at least for a frame. One of no length may be among them.
 * @len:	Bytes: the sum of the parts', NET_ETH_HLEN at least
 * @csum_blank:	The checksum of its TCP or UDP header is that of the pseudo header only
 * @validated:	The guest vouches for its checksum
 * @gso_type:	XEN_NETIF_GSO_TYPE_NONE, _TCPV4 or _TCPV6
 * @gso_size:	Bytes of payload a segment gets, not 0 with a @gso_type
 * @mac:	With @kind NET_TX_MCAST_*
 */
struct net_tx_frame {
	enum net_tx_kind kind;
	enum net_tx_cause cause;
	uint32_t nslots;
	uint32_t nextra;
	uint32_t nfrag;
	uint32_t len;
	bool csum_blank;
	bool validated;
	uint8_t gso_type;
	uint16_t gso_size;
	uint8_t mac[6];
	struct net_tx_frag frag[NET_TX_FRAGS];
};

/**
 * net_tx_parse() - Turn the next slots of the ring into a frame that is safe to serve
 * @slot:	Private copies, in the ring's order
 * @n:		How many the guest has published, 1 at least: it publishes whole frames
 * @f:		Result
 * @why:	Set unless V_OK, for the log
 *
 * Source: xen/io/netif.h, and the order and limits of Linux's netback.
 *
 * Return: V_OK; V_REJECT: answer each slot with an error; V_FATAL.
 */
enum verdict must_check net_tx_parse(const union net_tx_slot *slot, uint32_t n,
                                     struct net_tx_frame *f, const char **why);

/**
 * net_tx_answer() - The response to slot @i of a frame of @nextra extras
 * @slot:	The frame's slots
 * @status:	Of the slots that are no extras
 *
 * An extra has no id; its response is there because there has to be one.
 */
static inline struct netif_tx_response
net_tx_answer(const union net_tx_slot *slot, uint32_t nextra, uint32_t i, int16_t status)
{
	if (i >= 1 && i <= nextra)
		return (struct netif_tx_response){ .status = NETIF_RSP_NULL };
	return (struct netif_tx_response){ .id = slot[i].req.id, .status = status };
}

#endif
