/* SPDX-License-Identifier: MIT */
#include "net_rx.h"

#include <assert.h>

static struct net_rx_slot gso_slot(const struct net_rx_meta *m)
{
	return (struct net_rx_slot){
		.is_extra = true,
		.extra = { .type = XEN_NETIF_EXTRA_TYPE_GSO,
		           .u.gso = { .size = m->gso_size, .type = m->gso_type } },
	};
}

uint32_t net_rx_plan(uint32_t len, const struct net_rx_meta *m, struct net_rx_slot *out)
{
	bool gso = m->gso_type != XEN_NETIF_GSO_TYPE_NONE;
	uint32_t n = 0, off = 0;

	assert(len >= 1 && len <= NET_RX_FRAME_MAX && (!gso || m->gso_size));
	do {
		uint32_t part = len - off < XEN_PAGE ? len - off : XEN_PAGE;

		/* An extra is not written where there is none: most frames are a slot. */
		out[n].is_extra = false;
		out[n].flags = off + part < len ? NETRXF_more_data : 0;
		out[n].off = off;
		out[n++].len = (uint16_t)part;
		if (n == 1 && gso)
			out[n++] = gso_slot(m);
		off += part;
	} while (off < len);
	/* A frontend looks for these in the first slot only. */
	if (gso)
		out[0].flags |= NETRXF_extra_info;
	if (m->csum_blank)
		out[0].flags |= NETRXF_csum_blank;
	if (m->csum_blank || m->validated)
		out[0].flags |= NETRXF_data_validated;
	return n;
}
