/* SPDX-License-Identifier: MIT */
#include "net_rx.h"

#include <assert.h>
#include <string.h>

static struct net_rx_slot gso_slot(const struct net_rx_meta *m)
{
	return (struct net_rx_slot){
		.is_extra = true,
		.extra = { .type = XEN_NETIF_EXTRA_TYPE_GSO,
		           .u.gso = { .size = m->gso_size, .type = m->gso_type } },
	};
}

static struct net_rx_slot hash_slot(const struct net_rx_meta *m)
{
	struct net_rx_slot s = {
		.is_extra = true,
		.extra = { .type = XEN_NETIF_EXTRA_TYPE_HASH,
		           .u.hash = { .type = m->hash_type,
		                       .algorithm =
		                               XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ } },
	};

	for (uint32_t i = 0; i < sizeof(s.extra.u.hash.value); i++)
		s.extra.u.hash.value[i] = (uint8_t)(m->hash >> i * 8);
	return s;
}

static struct net_rx_slot xdp_slot(const struct net_rx_meta *m)
{
	const struct netif_extra_xdp x = { .type = XEN_NETIF_EXTRA_TYPE_XDP,
		                           .headroom = m->headroom };
	struct net_rx_slot s = { .is_extra = true };

	memcpy(&s.extra, &x, sizeof(x));
	return s;
}

/* In the order of their types, as Linux's netback has them. Return: how many. */
static seldom uint32_t extra_slots(const struct net_rx_meta *m, struct net_rx_slot *out)
{
	uint32_t n = 0;

	if (m->gso_type != XEN_NETIF_GSO_TYPE_NONE)
		out[n++] = gso_slot(m);
	if (m->hashed)
		out[n++] = hash_slot(m);
	if (m->headroom)
		out[n++] = xdp_slot(m);
	for (uint32_t i = 1; i < n; i++)
		out[i - 1].extra.flags = XEN_NETIF_EXTRA_FLAG_MORE;
	return n;
}

/* An extra is not written where there is none: most frames are a slot. */
static void data_slot(struct net_rx_slot *s, uint32_t off, uint32_t at, uint32_t left)
{
	uint32_t room = XEN_PAGE - at;

	s->is_extra = false;
	s->flags = left > room ? NETRXF_more_data : 0;
	s->off = off;
	s->at = (uint16_t)at;
	s->len = (uint16_t)(left < room ? left : room);
}

uint32_t net_rx_plan(uint32_t len, const struct net_rx_meta *m, struct net_rx_slot *out)
{
	uint32_t n = 1;

	assert(len >= 1 && len <= NET_RX_FRAME_MAX && m->headroom <= NET_HEADROOM_MAX);
	assert(m->gso_type == XEN_NETIF_GSO_TYPE_NONE || m->gso_size);
	data_slot(out, 0, m->headroom, len);
	/* A frontend looks for these in the first slot only. */
	if (m->csum_blank)
		out->flags |= NETRXF_csum_blank;
	if (m->csum_blank || m->validated)
		out->flags |= NETRXF_data_validated;
	if (net_rx_extras(m)) {
		out->flags |= NETRXF_extra_info;
		n += extra_slots(m, out + 1);
	}
	for (uint32_t off = out->len; off < len; off += XEN_PAGE)
		data_slot(&out[n++], off, 0, len - off);
	return n;
}
