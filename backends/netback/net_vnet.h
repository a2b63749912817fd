/* SPDX-License-Identifier: MIT */
/*
 * Offloads as netif has them (flags and a GSO extra) and as a TAP has them (a
 * virtio_net_hdr before the frame), one turned into the other. Pure: judges private
 * copies of headers.
 *
 * netif says that a checksum is blank and leaves it to the other side to find it; the TAP
 * wants to be told where it is. So the headers are parsed here, and what does not parse
 * is not sent: the kernel would have to.
 */
#ifndef PVB_NET_VNET_H
#define PVB_NET_VNET_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/virtio_net.h>

#include "compiler.h"
#include "net_rx.h"
#include "net_tx.h"

/* Bytes of a frame that are looked at for headers; more headers than that are none. */
#define NET_HEAD_MAX 256U
/* Smallest segment a guest may ask for: 64 KiB are not to become 64 Ki frames. */
#define NET_GSO_MIN  8U

/**
 * struct net_l4 - Where the TCP or UDP header of a frame is
 * @tcp:	It is TCP, else UDP
 * @v6:		In IPv6, else in IPv4
 * @ip:		Offset of the IP header
 * @start:	Offset of the TCP or UDP header
 * @hlen:	Its length; the whole of it is within the bytes that were looked at
 */
struct net_l4 {
	bool tcp;
	bool v6;
	uint32_t ip;
	uint32_t start;
	uint32_t hlen;
};

/**
 * net_ethertype() - What is in a frame, behind up to two VLAN tags
 * @head:	Its first @n bytes
 * @at:		Where that begins, which may be @n; more than @n if @n is less than a
 * header
 */
uint32_t net_ethertype(const uint8_t *head, uint32_t n, uint32_t *at);

/** net_l4_csum() - Offset of the checksum in the TCP or UDP header */
static inline uint32_t net_l4_csum(const struct net_l4 *l)
{
	return l->tcp ? 16 : 6;
}

/**
 * net_l4_find() - Look for a TCP or UDP header
 * @head:	The frame's first @n bytes, NET_HEAD_MAX if it has as many
 *
 * Behind up to two VLAN tags, in IPv4 or in IPv6 with extension headers. A fragment has
 * none.
 *
 * Return: V_OK or V_REJECT.
 */
enum verdict must_check net_l4_find(const uint8_t *head, uint32_t n, struct net_l4 *out);

/**
 * net_vnet_from_tx() - What the TAP is to be told about a frame from the guest
 * @head:	The frame's first bytes, as for net_l4_find(). The pseudo header's
 *		checksum is put in if the guest has left a full one in a frame to be
 *		segmented.
 * @out:	Result
 *
 * Return: V_OK, or V_REJECT: no host could make anything of it, so it is dropped.
 */
enum verdict must_check net_vnet_from_tx(const struct net_tx_frame *f, uint8_t *head,
                                         uint32_t n, struct virtio_net_hdr *out);

/**
 * struct net_accept - What this frontend takes
 * @sg:		Frames of more than one slot
 * @csum4:	IPv4 frames whose checksum is blank
 * @csum6:	The same for IPv6
 * @gso4:	Frames that are to be segmented
 * @gso6:	The same for IPv6
 * @headroom:	As in struct net_rx_meta, of each
 */
struct net_accept {
	bool sg;
	bool csum4;
	bool csum6;
	bool gso4;
	bool gso6;
	uint16_t headroom;
};

/** net_accept_len() - Does a frame of @len bytes have as many slots as it takes? */
static inline bool net_accept_len(const struct net_accept *a, uint32_t len)
{
	return a->sg || a->headroom + len <= XEN_PAGE;
}

/**
 * net_vnet_to_rx() - What the guest is to be told about a frame from the TAP
 * @frame:	The frame, @len bytes; a checksum that this guest does not take blank is
 *		filled in
 *
 * Return: V_OK, or V_REJECT: this guest cannot be given it.
 */
enum verdict must_check net_vnet_to_rx(const struct virtio_net_hdr *h,
                                       const struct net_accept *a, uint8_t *frame,
                                       uint32_t len, struct net_rx_meta *out);

#endif
