/* SPDX-License-Identifier: MIT */
/*
 * When a guest that posts too few receive slots is taken to have stopped receiving. Pure:
 * the caller has the clock.
 *
 * Frames that wait are dropped after a while, as they are of no use any more and hold the
 * host's memory; after a longer one the card has no carrier, until slots are posted.
 */
#ifndef PVB_NET_STALL_H
#define PVB_NET_STALL_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct net_stall - Of one queue; zero-initialised is one that receives
 * @drain:	ns that a frame waits at most; 0: for ever
 * @after:	ns until the carrier is lost; 0: never
 * @since:	Slots are missing since then; 0: none are
 * @drained:	Frames that waited were dropped then, or there were none
 * @stalled:	It has lost the carrier
 */
struct net_stall {
	uint64_t drain;
	uint64_t after;
	uint64_t since;
	uint64_t drained;
	bool stalled;
};

enum net_stall_do {
	NET_STALL_NOTHING,
	NET_STALL_DROP, /* what waits, if anything does: else net_stall_idle() */
	NET_STALL_OFF,  /* the same, and the carrier */
	NET_STALL_ON,   /* the carrier is back */
};

/**
 * net_stall_look() - What is to be done now
 * @starved:	Slots are missing, for the frame that is next or for any: fewer than it
 *		needs, not none (XSA-392)
 */
enum net_stall_do net_stall_look(struct net_stall *s, bool starved, uint64_t now);

/** net_stall_dropped() - It was done; with @off the carrier is lost, too */
void net_stall_dropped(struct net_stall *s, bool off, uint64_t now);

/** net_stall_idle() - Nothing waits: a guest may leave slots out as long as that is so */
void net_stall_idle(struct net_stall *s, uint64_t now);

/** net_stall_wait() - ns until it is worth looking again; -1: not before slots come */
int64_t net_stall_wait(const struct net_stall *s, uint64_t now);

#endif
