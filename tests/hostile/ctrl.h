/* SPDX-License-Identifier: MIT */
/*
 * The control ring of the rig's card, by hand. In the place of the memory of the program
 * that steers is some that the test looks at.
 */
#ifndef PVB_CTRL_H
#define PVB_CTRL_H

#include "net_steer.h"
#include "nic.h"

#define CTRL_RING      128U
/* Enough for struct net_steer, in whole pages. */
#define CTRL_MAP_BYTES (3UL * XEN_PAGE)

/**
 * struct ctrl - The control ring of one card
 * @page:	That requests name, of @page_ref
 * @memory:	Of the program
 * @pushed:	Requests put
 * @seen:	Responses taken
 */
struct ctrl {
	struct worker *w;
	struct xen_netif_ctrl_sring *ring;
	uint32_t *page;
	uint32_t ring_ref, page_ref;
	xenevtchn_handle *xce;
	evtchn_port_t port;
	const struct net_steer *memory;
	uint32_t pushed, seen;
};

/** ctrl_add() - Give @card, which is shared only, a control ring */
void ctrl_add(struct ctrl *c, struct nic *card);

/** ctrl_drop() - Take it back; nothing may be mapped any more */
void ctrl_drop(struct ctrl *c, struct nic *card);

/** ctrl_slot() - Number @i, free-running */
union xen_netif_ctrl_sring_entry *ctrl_slot(struct ctrl *c, uint32_t i);

/** ctrl_put() - Write a request into the ring, not published */
void ctrl_put(struct ctrl *c, uint16_t type, uint32_t a, uint32_t b, uint32_t d);

/** ctrl_push() - Publish what was put, with an event */
void ctrl_push(struct ctrl *c);

/** ctrl_answered() - Wait until all that was put is answered */
void ctrl_answered(struct ctrl *c);

/** ctrl_ask() - One request, to its end. Return: its status. */
uint32_t ctrl_ask(struct ctrl *c, uint16_t type, uint32_t a, uint32_t b, uint32_t d);

#endif
