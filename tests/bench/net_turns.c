/* SPDX-License-Identifier: MIT */
/*
 * net_turns tx|tso|rx FRAMES - serve a network card's ring in one thread, for counting
 * instructions: frames of 64 bytes out, of 64 KiB to be segmented out, of 64 bytes in.
 *
 * Real: the ring page and all that serves it (net_txq_turn(), net_txq_write(),
 * net_rxq_turn(), the journal, the publication). Played: the guest, which has as much on
 * its ring as that holds, its grants, pages of this process, and the TAP: /dev/null to
 * write to, and a socket to read from. What counts is in serve(), which callgrind can
 * tell apart; a worker adds its event channel and its sleep, once for each turn.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "fake_card.h"
#include "net_journal.h"

#define SLOTS NET_TX_RING
#define LARGE 65226U /* 16 pages, the last one full but for 310 bytes */

static struct net_txq tx;
static struct net_rxq rx;
static uint32_t asked;

/* ---- What is counted ------------------------------------------------------------- */

/* As net_queue does it, with a guest that is always awake and so asks for no event. */
static __attribute__((noinline)) void serve(bool out)
{
	const char *why = NULL;
	uint64_t shown, wait;

	card.now = 0;
	rx.empty = false;
	if (out ? net_txq_turn(&tx, &wait, &why) != V_OK
	        : net_rxq_turn(&rx, &why) != V_OK)
		errx(1, "the ring is broken: %s", why);
	asked += out ? net_journal_publish(&card.journal.tx, &tx.ring)
	             : net_journal_publish(&card.journal.rx, &rx.ring);
	shown = clock_ns();
	net_txq_shown(&tx, shown);
	net_rxq_shown(&rx, shown);
	if (out)
		net_txq_write(&tx);
}

/* ---- The guest ------------------------------------------------------------------- */

/* A frame that TCP would have made, as far as anybody looks. */
static void headers(uint8_t *p, uint32_t len)
{
	memset(p, 0, 54);
	p[12] = 0x08;
	p[14] = 0x45;
	p[16] = (uint8_t)((len - 14) >> 8);
	p[17] = (uint8_t)(len - 14);
	p[23] = 6;
	p[46] = 0x50;
}

static void *next_slot(void)
{
	return card_tx_slot(card.pushed++);
}

static uint32_t push_frame(bool large)
{
	const uint32_t len = large ? LARGE : 64;
	netif_tx_request_t *q = next_slot();
	uint32_t left = len > XEN_PAGE ? len - XEN_PAGE : 0;
	uint32_t first = card.pushed % SLOTS;

	headers(guest_page(first), len);
	*q = (netif_tx_request_t){ .gref = GUEST_REF + first,
		                   .size = (uint16_t)len,
		                   .flags = NETTXF_data_validated | NETTXF_csum_blank };
	if (!large)
		return 1;
	q->flags |= NETTXF_extra_info | NETTXF_more_data;
	*(netif_extra_info_t *)next_slot() = (netif_extra_info_t){
		.type = XEN_NETIF_EXTRA_TYPE_GSO,
		.u.gso = { .size = 1448, .type = XEN_NETIF_GSO_TYPE_TCPV4 }
	};
	for (; left; left -= left < XEN_PAGE ? left : XEN_PAGE)
		*(netif_tx_request_t *)next_slot() = (netif_tx_request_t){
			.gref = GUEST_REF + card.pushed % SLOTS,
			.size = (uint16_t)(left < XEN_PAGE ? left : XEN_PAGE),
			.flags = left > XEN_PAGE ? NETTXF_more_data : 0
		};
	return 1;
}

static void send_frames(uint32_t n, bool large, int tap)
{
	const uint32_t slots = large ? 17 : 1;

	close(tap);
	card_txq(&tx, open("/dev/null", O_WRONLY | O_CLOEXEC));
	if (tx.tap < 0)
		err(1, "/dev/null");
	while (n) {
		for (uint32_t free = SLOTS; n && free >= slots; free -= slots)
			n -= push_frame(large);
		__atomic_store_n(&card.page.tx.req_prod, card.pushed, __ATOMIC_RELEASE);
		serve(true);
		if (card.page.tx.rsp_prod != card.pushed)
			errx(1, "not all is answered");
	}
	printf("{\"frames\":%llu,", (unsigned long long)card.stats.tx_frames);
}

static void receive_frames(uint32_t n, int tap)
{
	uint8_t frame[sizeof(struct virtio_net_hdr) + 64] = { 0 };

	card_rxq(&rx, tap);
	headers(frame + sizeof(struct virtio_net_hdr), 64);
	while (card.stats.rx_frames < n) {
		card_post(SLOTS - (card.pushed - card.page.rx.rsp_prod));
		/* As many as the socket holds. */
		while (write(card.far, frame, sizeof(frame)) > 0)
			;
		serve(false);
	}
	printf("{\"frames\":%llu,", (unsigned long long)card.stats.rx_frames);
}

int main(int argc, char **argv)
{
	unsigned long n = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	bool large = argc == 3 && strcmp(argv[1], "tso") == 0;
	int tap;

	if (!n || n > 10000000)
		errx(2, "usage: net_turns tx|tso|rx FRAMES");
	tap = card_up();
	if (strcmp(argv[1], "rx") == 0)
		receive_frames((uint32_t)n, tap);
	else
		send_frames((uint32_t)n, large, tap);
	printf("\"copy_calls\":%llu,\"copy_segs\":%llu,\"notifies\":%u}\n",
	       (unsigned long long)card.stats.copy_calls,
	       (unsigned long long)card.stats.copy_segs, asked);
	return 0;
}
