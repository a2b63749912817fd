/* SPDX-License-Identifier: MIT */
/*
 * What a queue of a network card works on, beside the guest's memory (fake_guest.h): a
 * ring page, the worker's memory, counters, a limit that allows everything, and for a TAP
 * a socket of datagrams, which holds ten or so.
 */
#ifndef PVB_FAKE_CARD_H
#define PVB_FAKE_CARD_H

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_guest.h"
#include "net_rxq.h"
#include "net_txq.h"

/**
 * card - One, for one queue at a time
 * @rss:	Nothing is hashed
 * @far:	The other end of the TAP
 * @pushed:	Requests of the guest
 */
static struct {
	union {
		uint8_t bytes[XEN_PAGE];
		struct netif_tx_sring tx;
		struct netif_rx_sring rx;
	} page __attribute__((aligned(XEN_PAGE)));
	uint8_t arena[NET_TX_ARENA > NET_RX_ARENA ? NET_TX_ARENA : NET_RX_ARENA]
		__attribute__((aligned(XEN_PAGE)));
	struct net_rss rss;
	struct net_stats stats;
	struct net_journal journal;
	struct hist hist;
	uint64_t now;
	uint32_t pushed;
	int far;
} card;

static inline uint64_t card_allow(void *arg, uint32_t len)
{
	(void)arg;
	(void)len;
	return 0;
}

static inline uint64_t card_may_read(void *arg)
{
	(void)arg;
	return 0;
}

static inline void card_was_read(void *arg, uint32_t len)
{
	(void)arg;
	(void)len;
}

/* With a guest. Return: our end of the TAP. */
static inline int card_up(void)
{
	int fd[2];

	guest_up();
	memset(&card, 0, sizeof(card));
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd))
		abort();
	card.far = fd[1];
	return fd[0];
}

static inline void card_down(int tap, struct gnt_batch *batch)
{
	gnt_batch_free(batch);
	close(tap);
	close(card.far);
	guest_down();
}

/* The queue that transmits to @tap, which becomes its. */
static inline void card_txq(struct net_txq *q, int tap)
{
	*q = (struct net_txq){ .tag = "guest 1 vif-0",
		               .journal = &card.journal.tx,
		               .tap = tap,
		               .arena = card.arena,
		               .stats = &card.stats,
		               .hist = &card.hist,
		               .now = &card.now,
		               .allow = card_allow };
	ring_init(&q->ring, &card.page, XEN_PAGE, sizeof(union netif_tx_sring_entry));
	if (gnt_batch_new(NULL, NET_TX_RING, &q->batch))
		abort();
}

/* The queue that receives from @tap, which becomes its. */
static inline void card_rxq(struct net_rxq *q, int tap)
{
	*q = (struct net_rxq){ .tag = "guest 1 vif-0",
		               .journal = &card.journal.rx,
		               .tap = tap,
		               .arena = card.arena,
		               .stats = &card.stats,
		               .hist = &card.hist,
		               .now = &card.now,
		               .rss = &card.rss,
		               .allow = card_may_read,
		               .went = card_was_read,
		               .accept = { .sg = true,
		                           .csum4 = true,
		                           .csum6 = true,
		                           .gso4 = true,
		                           .gso6 = true } };
	ring_init(&q->ring, &card.page, XEN_PAGE, sizeof(union netif_rx_sring_entry));
	if (gnt_batch_new(NULL, NET_RX_RING, &q->batch))
		abort();
}

/* Slot @i of the transmit ring, a request of netif_tx_request_t or a response. */
static inline void *card_tx_slot(uint32_t i)
{
	return card.page.bytes + offsetof(struct netif_tx_sring, ring) +
	       i % NET_TX_RING * sizeof(union netif_tx_sring_entry);
}

/* The same of the receive ring. */
static inline void *card_rx_slot(uint32_t i)
{
	return card.page.bytes + offsetof(struct netif_rx_sring, ring) +
	       i % NET_RX_RING * sizeof(union netif_rx_sring_entry);
}

/* The guest posts @n buffers more: its pages in turn. */
static inline void card_post(uint32_t n)
{
	for (; n; n--, card.pushed++)
		*(netif_rx_request_t *)card_rx_slot(card.pushed) =
			(netif_rx_request_t){ .id = (uint16_t)(card.pushed % NET_RX_RING),
			                      .gref = GUEST_REF +
			                              card.pushed % NET_RX_RING };
	__atomic_store_n(&card.page.rx.req_prod, card.pushed, __ATOMIC_RELEASE);
}

#endif
