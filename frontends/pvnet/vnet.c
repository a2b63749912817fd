/* SPDX-License-Identifier: MIT */
#include "vnet.h"

#include <errno.h>

#include <netinet/in.h>

int vnet_to_meta(const struct virtio_net_hdr *h, struct netfront_meta *m)
{
	*m = (struct netfront_meta){
		.csum_blank = h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.validated = h->flags & VIRTIO_NET_HDR_F_DATA_VALID,
		.gso_size = h->gso_size,
	};
	switch (h->gso_type) {
	case VIRTIO_NET_HDR_GSO_NONE:
		m->gso_size = 0;
		return 0;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		m->gso_type = XEN_NETIF_GSO_TYPE_TCPV4;
		return 0;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		m->gso_type = XEN_NETIF_GSO_TYPE_TCPV6;
		return 0;
	default:
		return -EINVAL;
	}
}

/* The TCP or UDP header: *at becomes its place. Return: the protocol, or -1. */
static int transport(const uint8_t *frame, uint32_t len, uint32_t *at)
{
	uint32_t type = len >= 14 ? (uint32_t)(frame[12] << 8 | frame[13]) : 0;

	*at = 14;
	if (type == 0x8100 && len >= 18) {
		type = (uint32_t)(frame[16] << 8 | frame[17]);
		*at = 18;
	}
	if (type == 0x0800 && len >= *at + 20) {
		int proto = frame[*at + 9];

		*at += (frame[*at] & 15U) * 4;
		return proto;
	}
	if (type == 0x86dd && len >= *at + 40) {
		int proto = frame[*at + 6];

		*at += 40;
		return proto;
	}
	return -1;
}

int vnet_from_meta(const struct netfront_meta *m, const uint8_t *frame, uint32_t len,
                   struct virtio_net_hdr *h)
{
	uint32_t at, hlen;
	int proto;

	*h = (struct virtio_net_hdr){ 0 };
	if (!m->csum_blank) {
		h->flags = m->validated ? VIRTIO_NET_HDR_F_DATA_VALID : 0;
		return m->gso_type ? -EINVAL : 0;
	}
	proto = transport(frame, len, &at);
	hlen = proto == IPPROTO_TCP ? 20 : 8;
	if ((proto != IPPROTO_TCP && proto != IPPROTO_UDP) || at + hlen > len)
		return -EINVAL;
	h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	h->csum_start = (uint16_t)at;
	h->csum_offset = proto == IPPROTO_TCP ? 16 : 6;
	if (!m->gso_type)
		return 0;
	if (proto != IPPROTO_TCP)
		return -EINVAL;
	h->gso_type = m->gso_type == XEN_NETIF_GSO_TYPE_TCPV4 ? VIRTIO_NET_HDR_GSO_TCPV4
	                                                      : VIRTIO_NET_HDR_GSO_TCPV6;
	h->gso_size = m->gso_size;
	h->hdr_len = (uint16_t)(at + (frame[at + 12] >> 4) * 4U);
	return 0;
}

static uint32_t mix(uint32_t h, const uint8_t *p, uint32_t n)
{
	while (n--)
		h = (h ^ *p++) * 16777619U;
	return h;
}

uint32_t vnet_flow(const uint8_t *frame, uint32_t len)
{
	uint32_t at, ip, hash = 2166136261U;
	int proto = transport(frame, len, &at);
	bool v6;

	if (proto < 0)
		return 0;
	ip = frame[12] == 0x81 ? 18 : 14;
	v6 = frame[ip] >> 4 == 6;
	hash = mix(hash, frame + ip + (v6 ? 8 : 12), v6 ? 32 : 8);
	/* The parts of a packet are one flow, and only the first one has ports. */
	if ((proto == IPPROTO_TCP || proto == IPPROTO_UDP) && at + 4 <= len &&
	    (v6 || !((frame[ip + 6] & 0x3f) | frame[ip + 7])))
		hash = mix(hash, frame + at, 4);
	return hash ^ hash >> 16;
}
