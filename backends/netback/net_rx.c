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
static uint32_t extra_slots(const struct net_rx_meta *m, struct net_rx_slot *out)
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

uint32_t net_rx_plan(uint32_t len, const struct net_rx_meta *m, struct net_rx_slot *out)
{
	uint32_t n = 0, off = 0, extras = 0, at = m->headroom;

	assert(len >= 1 && len <= NET_RX_FRAME_MAX && at <= NET_HEADROOM_MAX);
	assert(m->gso_type == XEN_NETIF_GSO_TYPE_NONE || m->gso_size);
	do {
		uint32_t room = XEN_PAGE - at, part = len - off < room ? len - off : room;

		/* An extra is not written where there is none: most frames are a slot. */
		out[n].is_extra = false;
		out[n].flags = off + part < len ? NETRXF_more_data : 0;
		out[n].off = off;
		out[n].at = (uint16_t)at;
		out[n++].len = (uint16_t)part;
		if (n == 1) {
			extras = extra_slots(m, out + n);
			n += extras;
		}
		off += part;
		at = 0;
	} while (off < len);
	/* A frontend looks for these in the first slot only. */
	if (extras)
		out[0].flags |= NETRXF_extra_info;
	if (m->csum_blank)
		out[0].flags |= NETRXF_csum_blank;
	if (m->csum_blank || m->validated)
		out[0].flags |= NETRXF_data_validated;
	return n;
}
