/* SPDX-License-Identifier: MIT */
/*
 * A network card of the rig's guest: both rings by hand, one event channel, and a socket
 * in the place of the TAP, whose other end is the test's.
 */
#ifndef PVB_NIC_H
#define PVB_NIC_H

#include "net_conf.h"
#include "rig.h"

#include <linux/virtio_net.h>

#define NIC_RING  256U
#define NIC_PAGES 32U
#define NIC_ALL   (NET_SG | NET_CSUM4 | NET_CSUM6 | NET_GSO4 | NET_GSO6 | NET_RX_NOTIFY)

/**
 * struct nic - One card, seen from the guest and from the host's stack
 * @tap:	The other end of the worker's TAP
 * @worker_tap:	That of each queue; of one by itself the first is used
 * @steer:	Of a card with a control ring, which is the test's to make; else 0
 * @pages:	NIC_PAGES shared pages for data; the last one is shared read-only
 * @tx_pushed:	Slots put on the transmit ring
 * @tx_seen:	Responses taken off it
 * @rx_posted:	Slots put on the receive ring
 * @rx_seen:	Responses taken off it
 */
struct nic {
	struct worker *w;
	uint32_t handle;
	int tap;
	int worker_tap[NET_QUEUES_MAX];
	int journal;
	int steer[NET_STEER_FDS];
	struct net_conf conf;
	struct netif_tx_sring *tx;
	struct netif_rx_sring *rx;
	xenevtchn_handle *xce;
	evtchn_port_t port;
	uint8_t *pages;
	uint32_t refs[NIC_PAGES];
	uint8_t *readonly;
	uint32_t readonly_ref;
	uint32_t tx_pushed, tx_seen;
	uint32_t rx_posted, rx_seen;
};

/** nic_share() - The guest's half; nothing is sent yet */
void nic_share(struct nic *n, struct worker *w, uint32_t flags);

/** nic_add_queue() - Make the rings of @other, which is shared only, the next queue of @n
 */
void nic_add_queue(struct nic *n, const struct nic *other);

/** nic_connect() - Send CONNECT with @n->conf. Return: err of CONNECTED. */
int nic_connect(struct nic *n, const char **text);

/** nic_up() - Both of them, and it must work */
void nic_up(struct nic *n, struct worker *w, uint32_t flags);

/** nic_update() - Tell the worker what is in @n->conf.live now, and wait for its answer
 */
void nic_update(struct nic *n);

/** nic_disconnect() - Ask for the end and wait for it */
void nic_disconnect(struct nic *n);
void nic_unshare(struct nic *n);
void nic_down(struct nic *n);

/**
 * struct nic_rig - What a test begins with: a worker, and a card that it serves
 * @before:	What changes the card's configuration, or NULL
 */
struct nic_rig {
	struct worker *w;
	struct nic *n;
	void (*before)(struct nic *n);
};

/** nic_setup(), nic_teardown() - For cmocka; *state is the rig */
int nic_setup(void **state);
int nic_teardown(void **state);

#define NIC_TEST(f, rig) \
	cmocka_unit_test_prestate_setup_teardown(f, nic_setup, nic_teardown, rig)

/** nic_failed() - The worker gives the card up, and says so: the text, for a look */
const char *nic_failed(struct nic *n);

/** nic_put() - Put a slot on the transmit ring, of page @page */
struct netif_tx_request *nic_put(struct nic *n, uint32_t page, uint32_t off,
                                 uint32_t size, unsigned int flags);
struct netif_extra_info *nic_put_extra(struct nic *n, uint8_t type, uint8_t flags);

/** nic_push() - Publish what was put, and notify if asked to */
void nic_push(struct nic *n);

/** nic_answered() - Wait for @want more answers on the transmit ring: the first of them
 */
struct netif_tx_response *nic_answered(struct nic *n, uint32_t want);

/** nic_tx_rsp() - Response number @i after that one */
struct netif_tx_response *nic_tx_rsp(struct nic *n, uint32_t i);

/** nic_arrives() - The next frame out of the TAP. Return: its length. */
uint32_t nic_arrives(struct nic *n, struct virtio_net_hdr *h, uint8_t *frame);

/** nic_silent() - None is there */
bool nic_silent(struct nic *n);

/** nic_post() - Post @slots receive slots and publish them; ids count from 0 */
void nic_post(struct nic *n, uint32_t slots);

/** nic_gso - The header of TCP over IPv4 to be segmented, its checksum blank */
extern const struct virtio_net_hdr nic_gso;

/** nic_fill() - Bytes that are told apart from those beside and a page away */
void nic_fill(uint8_t *frame, uint32_t len);

/** nic_inject() - A frame from the host's stack; @h NULL is one of which nothing is said
 */
void nic_inject(struct nic *n, const struct virtio_net_hdr *h, const void *frame,
                uint32_t len);

/** nic_received() - Wait for responses on the receive ring. Return: how many came. */
uint32_t nic_received(struct nic *n, uint32_t at_least);

/** nic_rx_rsp() - Response @idx, free-running */
struct netif_rx_response *nic_rx_rsp(struct nic *n, uint32_t idx);

/** nic_rx_page() - The page of that slot */
uint8_t *nic_rx_page(struct nic *n, uint32_t idx);

/**
 * nic_holds() - @frame lies in the slots from @idx on, whole and alone
 * @headroom:	Bytes 0xa5 before it, that were not touched
 * @extra:	The second slot is one, and the caller's to judge
 */
void nic_holds(struct nic *n, uint32_t idx, const uint8_t *frame, uint32_t len,
               uint32_t headroom, bool extra);

/** nic_turn() - The worker has looked at both rings since the call */
void nic_turn(struct nic *n);

/** nic_works() - A frame each way */
void nic_works(struct nic *n);

#endif
