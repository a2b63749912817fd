/* SPDX-License-Identifier: MIT */
#include "net_tx.h"

#include <stddef.h>
#include <string.h>

/**
 * struct extras - The last extra of each type that there @has been
 */
struct extras {
	bool has[XEN_NETIF_EXTRA_TYPE_MAX];
	struct netif_extra_info of[XEN_NETIF_EXTRA_TYPE_MAX];
};

static enum verdict fatal(const char **why, const char *text)
{
	*why = text;
	return V_FATAL;
}

static enum verdict take_extras(const union net_tx_slot *slot, uint32_t n,
                                struct net_tx_frame *f, struct extras *x,
                                const char **why)
{
	const struct netif_extra_info *e;

	do {
		if (f->nslots == n)
			return fatal(why, "an extra is missing at the end of the ring");
		e = &slot[f->nslots].extra;
		if (e->type == XEN_NETIF_EXTRA_TYPE_NONE ||
		    e->type >= XEN_NETIF_EXTRA_TYPE_MAX)
			return fatal(why, "an extra of a type that does not exist");
		x->has[e->type] = true;
		x->of[e->type] = *e;
		f->nslots++;
		f->nextra++;
	} while (e->flags & XEN_NETIF_EXTRA_FLAG_MORE);
	return V_OK;
}

/*
 * The slots behind the first, whose size is that of the whole frame. A frame that is to
 * be dropped is walked to its end all the same, as its slots have to be answered.
 */
static enum verdict take_rest(const union net_tx_slot *slot, uint32_t n,
                              struct net_tx_frame *f, uint32_t *left, const char **why)
{
	enum verdict v = V_OK;
	uint32_t rest = 0;
	bool more = true;

	for (; more; rest++, f->nslots++) {
		const struct netif_tx_request *q = &slot[f->nslots].req;

		if (f->nslots == n)
			return fatal(why, "a frame does not end within the ring");
		if (rest == NET_TX_REST_FATAL)
			return fatal(why, "a frame of more slots than any guest has use "
			                  "for");
		if (v == V_OK && rest == NET_TX_REST_MAX) {
			*why = "a frame of too many slots";
			f->cause = NET_TX_SLOTS;
			v = V_REJECT;
		}
		if (v == V_OK && q->size > *left) {
			*why = "a frame of 64 KiB or more, or one whose parts are larger "
			       "than itself";
			f->cause = NET_TX_SIZE;
			v = V_REJECT;
		}
		if ((uint32_t)q->offset + q->size > XEN_PAGE)
			return fatal(why, "a slot that crosses the end of its page");
		if (v == V_OK) {
			*left -= q->size;
			f->frag[f->nfrag++] =
				(struct net_tx_frag){ q->gref, q->offset, q->size };
		}
		more = q->flags & NETTXF_more_data;
	}
	return v;
}

static enum verdict set_gso(const struct extras *x, struct net_tx_frame *f,
                            const char **why)
{
	const struct netif_extra_info *e = &x->of[XEN_NETIF_EXTRA_TYPE_GSO];

	if (!x->has[XEN_NETIF_EXTRA_TYPE_GSO])
		return V_OK;
	if (!e->u.gso.size)
		return fatal(why, "segments of no size");
	if (e->u.gso.type != XEN_NETIF_GSO_TYPE_TCPV4 &&
	    e->u.gso.type != XEN_NETIF_GSO_TYPE_TCPV6)
		return fatal(why, "segmentation of a type that does not exist");
	f->gso_type = e->u.gso.type;
	f->gso_size = e->u.gso.size;
	return V_OK;
}

/* The slot of such a request holds no data; its reference means nothing. */
static bool is_mcast(const struct extras *x, struct net_tx_frame *f)
{
	uint8_t type = XEN_NETIF_EXTRA_TYPE_MCAST_ADD;

	if (!x->has[type])
		type = XEN_NETIF_EXTRA_TYPE_MCAST_DEL;
	if (!x->has[type])
		return false;
	f->kind = type == XEN_NETIF_EXTRA_TYPE_MCAST_ADD ? NET_TX_MCAST_ADD
	                                                 : NET_TX_MCAST_DEL;
	memcpy(f->mac, x->of[type].u.mcast.addr, sizeof(f->mac));
	return true;
}

enum verdict net_tx_parse(const union net_tx_slot *slot, uint32_t n,
                          struct net_tx_frame *f, const char **why)
{
	const struct netif_tx_request *first = &slot[0].req;
	uint32_t left = first->size;
	enum verdict v = V_OK;
	struct extras x;

	/* Of lists only what is there is written: there are 256 frames to a turn. */
	memset(x.has, 0, sizeof(x.has));
	memset(f, 0, offsetof(struct net_tx_frame, frag));
	f->nslots = f->nfrag = 1;
	f->len = first->size;
	if (first->flags & NETTXF_extra_info)
		v = take_extras(slot, n, f, &x, why);
	if (v != V_OK || is_mcast(&x, f))
		return v;
	if (first->flags & NETTXF_more_data)
		v = take_rest(slot, n, f, &left, why);
	if (v != V_OK)
		return v;
	if (left < NET_ETH_HLEN) {
		*why = "a first part that is shorter than an Ethernet header";
		f->cause = NET_TX_SHORT;
		return V_REJECT;
	}
	if (first->offset + left > XEN_PAGE)
		return fatal(why, "a slot that crosses the end of its page");
	f->frag[0] = (struct net_tx_frag){ first->gref, first->offset, (uint16_t)left };
	f->csum_blank = first->flags & NETTXF_csum_blank;
	f->validated = first->flags & NETTXF_data_validated;
	return set_gso(&x, f, why);
}
