/* SPDX-License-Identifier: MIT */
/*
 * How a frame is laid into the slots a guest has posted. Pure.
 *
 * A frame is its first slot, then its extras, then the rest; each slot of data holds a
 * page, from its first byte on, but for the last, and for headroom in the first. The
 * response to a slot stands where its request stood, so a plan is a run of responses for
 * the next requests of the ring.
 */
#ifndef PVB_NET_RX_H
#define PVB_NET_RX_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"
#include "xenabi.h"

/*
 * Largest frame: an IP packet of 64 KiB and its Ethernet and VLAN headers. Linux's
 * netfront takes 18 slots of data and no more.
 */
#define NET_RX_FRAME_MAX (65535U + 14U + 8U)
#define NET_RX_DATA_MAX  ((NET_RX_FRAME_MAX + XEN_PAGE - 1) / XEN_PAGE)
/* Those of data, and for each kind of extra one. */
#define NET_RX_SLOTS_MAX (NET_RX_DATA_MAX + 3U)

_Static_assert(NET_RX_DATA_MAX <= XEN_NETIF_NR_SLOTS_MIN, "netfront takes no more");

/*
 * Most of a page that may be left free for an XDP program; Linux's netfront asks for 256.
 * A frame of 1500 bytes still has one page, and the largest one as many as without.
 */
#define NET_HEADROOM_MAX 2048U

_Static_assert(NET_RX_FRAME_MAX + NET_HEADROOM_MAX <= NET_RX_DATA_MAX * XEN_PAGE,
               "the largest frame has room");

/** enum net_rx_cause - Why this guest is not given a frame */
enum net_rx_cause {
	NET_RX_SIZE, /* it is larger than it takes */
	NET_RX_GSO,  /* it is to be segmented in a way that it does not take */
	NET_RX_CSUM, /* its checksum is to be where there is none */
	NET_RX_NCAUSES
};

/**
 * struct net_rx_meta - What a frame says besides its bytes
 * @csum_blank:	Its TCP or UDP checksum is that of the pseudo header only
 * @validated:	Its checksum is right, or blank on a way that loses nothing
 * @gso_type:	XEN_NETIF_GSO_TYPE_*
 * @gso_size:	Bytes of payload a segment gets, not 0 with a @gso_type
 * @hashed:	It has a hash that the guest is to be told: @hash, of @hash_type
 * @hash_type:	_XEN_NETIF_CTRL_HASH_TYPE_*
 * @headroom:	Bytes at the head of its first page that are not touched
 * @cause:	With V_REJECT
 */
struct net_rx_meta {
	bool csum_blank;
	bool validated;
	uint8_t gso_type;
	uint16_t gso_size;
	bool hashed;
	uint8_t hash_type;
	uint32_t hash;
	uint16_t headroom;
	enum net_rx_cause cause;
};

/**
 * struct net_rx_slot - One response, without the id of its request
 * @is_extra:	It is @extra, which says nothing otherwise: no data goes to its grant
 * @flags:	NETRXF_*
 * @off:	First byte of the frame that goes to its grant
 * @at:		Where in its page
 * @len:	Bytes, 1 to XEN_PAGE - @at
 */
struct net_rx_slot {
	bool is_extra;
	uint16_t flags;
	uint32_t off;
	uint16_t at;
	uint16_t len;
	struct netif_extra_info extra;
};

/** net_rx_extras() - Extras that a frame has */
static inline uint32_t net_rx_extras(const struct net_rx_meta *m)
{
	return (uint32_t)(m->gso_type != XEN_NETIF_GSO_TYPE_NONE) + m->hashed +
	       (m->headroom != 0);
}

/** net_rx_slots() - Slots a frame of @len bytes needs, 1 to NET_RX_FRAME_MAX */
static inline uint32_t net_rx_slots(uint32_t len, const struct net_rx_meta *m)
{
	return (m->headroom + len + XEN_PAGE - 1) / XEN_PAGE + net_rx_extras(m);
}

/**
 * net_rx_plan() - Lay out a frame of @len bytes
 * @out:	Room for NET_RX_SLOTS_MAX
 *
 * Return: net_rx_slots(@len, @m).
 */
uint32_t net_rx_plan(uint32_t len, const struct net_rx_meta *m, struct net_rx_slot *out);

#endif
