/* SPDX-License-Identifier: MIT */
#include "net_vnet.h"

#include <string.h>

#include <netinet/in.h>

#include "net_head.h"

#define VLAN_TAGS 2

static void put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

uint32_t net_ethertype(const uint8_t *head, uint32_t n, uint32_t *at)
{
	uint32_t type = 0;

	*at = NET_ETH_HLEN;
	if (n >= NET_ETH_HLEN)
		type = be16(head + 12);
	for (int tags = 0; tags < VLAN_TAGS && (type == ETH_VLAN || type == ETH_QINQ) &&
	                   n >= *at + VLAN_HLEN;
	     tags++) {
		type = be16(head + *at + 2);
		*at += VLAN_HLEN;
	}
	return type;
}

/* Return: the protocol behind the header at @at, which becomes its end, or -1. */
static int ipv4_next(const uint8_t *head, uint32_t n, uint32_t *at)
{
	const uint8_t *ip = head + *at;
	uint32_t hlen;

	if (n - *at < IPV4_HLEN || ip[0] >> 4 != 4)
		return -1;
	hlen = (uint32_t)(ip[0] & 0xf) * 4;
	if (hlen < IPV4_HLEN || n - *at < hlen || be16(ip + 6) & IPV4_FRAGMENT)
		return -1;
	*at += hlen;
	return ip[9];
}

static int ipv6_next(const uint8_t *head, uint32_t n, uint32_t *at)
{
	uint8_t next;

	if (n - *at < IPV6_HLEN || head[*at] >> 4 != 6)
		return -1;
	next = head[*at + 6];
	*at += IPV6_HLEN;
	for (int i = 0; i < IPV6_EXTENSIONS; i++) {
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING &&
		    next != IPPROTO_DSTOPTS)
			return next;
		if (n - *at < 8)
			return -1;
		next = head[*at];
		*at += 8U + head[*at + 1] * 8U;
		if (*at > n)
			return -1;
	}
	return -1;
}

enum verdict net_l4_find(const uint8_t *head, uint32_t n, struct net_l4 *out)
{
	uint32_t at, type = net_ethertype(head, n, &at);
	int proto = -1;

	if (at > n)
		return V_REJECT;
	*out = (struct net_l4){ .ip = at, .v6 = type == ETH_IPV6 };
	if (type == ETH_IPV4)
		proto = ipv4_next(head, n, &at);
	else if (type == ETH_IPV6)
		proto = ipv6_next(head, n, &at);
	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP)
		return V_REJECT;
	out->tcp = proto == IPPROTO_TCP;
	out->start = at;
	if (n - at < (out->tcp ? TCP_HLEN : UDP_HLEN))
		return V_REJECT;
	out->hlen = out->tcp ? (uint32_t)(head[at + 12] >> 4) * 4 : UDP_HLEN;
	if (out->tcp && out->hlen < TCP_HLEN)
		return V_REJECT;
	return out->hlen > n - at ? V_REJECT : V_OK;
}

/* The sum of 16-bit words in network order; 64 KiB do not overflow it. */
static uint64_t sum_words(const uint8_t *p, size_t n)
{
	uint64_t sum = 0;

	for (; n >= 2; p += 2, n -= 2)
		sum += be16(p);
	return n ? sum + (uint64_t)(p[0] << 8) : sum;
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Checksum of the pseudo header, not inverted, for @bytes of TCP or UDP. */
static uint16_t pseudo_sum(const uint8_t *head, const struct net_l4 *l, uint32_t bytes)
{
	const uint8_t *ip = head + l->ip;
	uint64_t sum = bytes + (l->tcp ? IPPROTO_TCP : IPPROTO_UDP);

	sum += l->v6 ? sum_words(ip + 8, 32) : sum_words(ip + 12, 8);
	return fold(sum);
}

static enum verdict vnet_gso(const struct net_tx_frame *f, uint8_t *head,
                             const struct net_l4 *l, struct virtio_net_hdr *out)
{
	uint32_t hlen = l->start + l->hlen;

	if (!l->tcp || l->v6 != (f->gso_type == XEN_NETIF_GSO_TYPE_TCPV6) ||
	    f->gso_size < NET_GSO_MIN)
		return V_REJECT;
	/* What fits one segment is one. */
	if (f->len - hlen <= f->gso_size)
		return V_OK;
	out->gso_type = l->v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
	out->gso_size = f->gso_size;
	out->hdr_len = (uint16_t)hlen;
	/* Each segment gets a checksum of its own, from the pseudo header's. */
	if (!f->csum_blank)
		put_be16(head + l->start + net_l4_csum(l),
		         pseudo_sum(head, l, f->len - l->start));
	return V_OK;
}

hot_loop enum verdict net_vnet_from_tx(const struct net_tx_frame *f, uint8_t *head,
                                       uint32_t n, struct virtio_net_hdr *out)
{
	bool gso = f->gso_type != XEN_NETIF_GSO_TYPE_NONE;
	struct net_l4 l;
	enum verdict v;

	*out = (struct virtio_net_hdr){ 0 };
	if (!f->csum_blank && !gso) {
		out->flags = f->validated ? VIRTIO_NET_HDR_F_DATA_VALID : 0;
		return V_OK;
	}
	v = net_l4_find(head, n, &l);
	if (v == V_OK && gso)
		v = vnet_gso(f, head, &l, out);
	if (v == V_OK && (f->csum_blank || out->gso_type)) {
		out->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		out->csum_start = (uint16_t)l.start;
		out->csum_offset = (uint16_t)net_l4_csum(&l);
	}
	return v;
}

/* Fill the checksum in, from the blank one in its place, for a guest that needs it. */
static void fill_csum(const struct virtio_net_hdr *h, uint8_t *frame, uint32_t len,
                      bool udp)
{
	uint16_t sum =
		(uint16_t)~fold(sum_words(frame + h->csum_start, len - h->csum_start));

	/* UDP: 0 is "there is none". */
	put_be16(frame + h->csum_start + h->csum_offset, udp && !sum ? 0xffff : sum);
}

static enum verdict rx_refuse(struct net_rx_meta *out, enum net_rx_cause why)
{
	out->cause = why;
	return V_REJECT;
}

static enum verdict rx_csum(const struct virtio_net_hdr *h, const struct net_accept *a,
                            uint8_t *frame, uint32_t len, struct net_rx_meta *out)
{
	uint32_t n = len < NET_HEAD_MAX ? len : NET_HEAD_MAX;
	bool known, gso = out->gso_type != XEN_NETIF_GSO_TYPE_NONE;
	struct net_l4 l;

	if ((uint32_t)h->csum_start + h->csum_offset + 2 > len)
		return rx_refuse(out, NET_RX_CSUM);
	known = net_l4_find(frame, n, &l) == V_OK && h->csum_start == l.start &&
	        h->csum_offset == net_l4_csum(&l);
	if (known && (l.v6 ? a->csum6 : a->csum4)) {
		out->csum_blank = out->validated = true;
		return V_OK;
	}
	if (gso)
		return rx_refuse(out, NET_RX_GSO);
	/* SCTP, tunnels: netif has blank checksums of TCP and UDP only. */
	fill_csum(h, frame, len, known && !l.tcp);
	return V_OK;
}

static enum verdict rx_gso(const struct virtio_net_hdr *h, const struct net_accept *a,
                           struct net_rx_meta *out)
{
	bool taken;

	switch (h->gso_type) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
		out->gso_type = XEN_NETIF_GSO_TYPE_TCPV4;
		taken = a->gso4;
		break;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		out->gso_type = XEN_NETIF_GSO_TYPE_TCPV6;
		taken = a->gso6;
		break;
	default:
		taken = false;
	}
	if (!taken || !h->gso_size || !(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return rx_refuse(out, NET_RX_GSO);
	out->gso_size = h->gso_size;
	return V_OK;
}

enum verdict net_vnet_to_rx(const struct virtio_net_hdr *h, const struct net_accept *a,
                            uint8_t *frame, uint32_t len, struct net_rx_meta *out)
{
	*out = (struct net_rx_meta){ .validated = h->flags & VIRTIO_NET_HDR_F_DATA_VALID,
		                     .headroom = a->headroom };
	if (len < NET_ETH_HLEN || len > NET_RX_FRAME_MAX || !net_accept_len(a, len))
		return rx_refuse(out, NET_RX_SIZE);
	if (h->gso_type != VIRTIO_NET_HDR_GSO_NONE && rx_gso(h, a, out) != V_OK)
		return V_REJECT;
	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		return rx_csum(h, a, frame, len, out);
	return V_OK;
}
