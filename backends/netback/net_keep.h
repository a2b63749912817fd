/* SPDX-License-Identifier: MIT */
/*
 * What a guest has told its card besides frames: in the memfd of the journal, behind the
 * queues' parts, so that it outlives the worker. It does not outlive an orderly stop of
 * pvbackd: then nothing is known, and the card does without.
 */
#ifndef PVB_NET_KEEP_H
#define PVB_NET_KEEP_H

#include "net_mcast.h"

/**
 * struct net_keep - Of a card, zeroed before it is used first
 * @known:	It holds all that the guest has said in this connection
 */
struct net_keep {
	uint32_t known;
	uint32_t pad;
	struct net_mcast mcast;
};

/* Memory for it, a multiple of the page size. */
#define NET_KEEP_SIZE 4096U

_Static_assert(sizeof(struct net_keep) <= NET_KEEP_SIZE, "room for it");

#endif
