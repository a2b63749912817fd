/* SPDX-License-Identifier: MIT */
/*
 * The groups that a guest listens to: it adds and removes them in its transmit rings, and
 * what is for another group is not given to it. Memory only, and any queue's thread may
 * call at any time.
 */
#ifndef PVB_NET_MCAST_H
#define PVB_NET_MCAST_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"

/* As many as Linux's netback has room for. */
#define NET_MCAST_MAX 64U

/**
 * struct net_mcast - Groups; zero-initialised has none
 * @slot:	An address and a mark that there is one, or 0
 */
struct net_mcast {
	uint64_t slot[NET_MCAST_MAX];
};

/** net_mcast_add() - One that is there already, is. Return: 0 or -ENOSPC. */
int must_check net_mcast_add(struct net_mcast *m, const uint8_t mac[6]);

/** net_mcast_del() - One that is not there is nothing to remove */
void net_mcast_del(struct net_mcast *m, const uint8_t mac[6]);

/** net_mcast_pass() - Is a frame to this address for the guest? All that are for one
 *  station or for everybody are. */
bool net_mcast_pass(const struct net_mcast *m, const uint8_t mac[6]);

#endif
