/* SPDX-License-Identifier: MIT */
/*
 * What a guest has told its card besides frames: in the memfd of the journal, behind the
 * queues' parts, so that it outlives the worker. It does not outlive an orderly stop of
 * pvbackd: then nothing is known, and the card does without.
 */
#ifndef PVB_NET_KEEP_H
#define PVB_NET_KEEP_H

#include "net_hash.h"
#include "net_journal.h"
#include "net_mcast.h"

/**
 * struct net_hash_keep - What was said on the control ring
 * @which:	The one of @conf that is in effect
 * @started:	A worker came so far that it may have taken a request; otherwise @ring
 *		means nothing
 * @ring:	Its journal
 */
struct net_hash_keep {
	uint32_t which;
	uint32_t started;
	struct net_hash_conf conf[2];
	struct net_journal_ring ring;
};

/**
 * struct net_keep - Of a card, zeroed before it is used first
 * @known:	It holds all that the guest has said in this connection
 * @spread:	Key that its flows are spread by, as long as the guest has no other wish
 */
struct net_keep {
	uint32_t known;
	uint32_t pad;
	struct net_mcast mcast;
	struct net_hash_keep hash;
	uint8_t spread[NET_HASH_KEY];
};

/* Memory for it, a multiple of the page size. */
#define NET_KEEP_SIZE 4096U

_Static_assert(sizeof(struct net_keep) <= NET_KEEP_SIZE, "room for it");

#endif
