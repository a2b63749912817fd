/* SPDX-License-Identifier: MIT */
/*
 * How much may pass a card, in each direction, all its queues together: by the
 * toolstack's `rate`, and by limits of bytes and of frames per second. Pure.
 *
 * Bytes are those of frames as they are on the ring, and a frame that is to be segmented
 * is one frame: that is what it costs the host.
 */
#ifndef PVB_NET_SHAPE_H
#define PVB_NET_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"
#include "net_rate.h"

/* Name, as it is said; in the order of enum net_limit. */
#define NET_LIMITS(X)               \
	X(TX_BYTES, "tx-bytes")     \
	X(TX_PACKETS, "tx-packets") \
	X(RX_BYTES, "rx-bytes")     \
	X(RX_PACKETS, "rx-packets")

enum net_limit {
#define X(id, name) NET_LIMIT_##id,
	NET_LIMITS(X)
#undef X
	NET_NLIMITS
};

/* Directions, as the guest sees them. */
enum net_dir {
	NET_TX,
	NET_RX,
	NET_NDIRS
};

/* A day's worth of 100 Gbit/s: whatever is more is no limit that anybody has meant. */
#define NET_LIMIT_MAX 1000000000000000ULL

/**
 * struct net_limits - Data only, no padding
 * @limit:	Per second; 0 is none
 * @rate_bytes:	The guest may transmit so many bytes in @rate_usec; 0 is no limit
 */
struct net_limits {
	uint64_t limit[NET_NLIMITS];
	uint64_t rate_bytes;
	uint32_t rate_usec;
	uint32_t pad;
};

_Static_assert(sizeof(struct net_limits) == 48, "no padding on the socket");

/** net_limits_ok() - Can they be? */
bool net_limits_ok(const struct net_limits *l);

/* Bytes: room for two of the largest frames, as in Linux's netback. Frames. */
#define NET_BURST_BYTES   131072UL
#define NET_BURST_PACKETS 64UL

/** struct net_shape - One direction */
struct net_shape {
	struct net_rate rate;
	struct net_rate bytes;
	struct net_rate packets;
};

/** net_shape_init() - All full. Return: there is a limit at all. */
bool net_shape_init(struct net_shape *s, const struct net_limits *l, enum net_dir dir,
                    uint64_t now);

/** net_shape_wait() - May a frame go? Return: 0, or ns until it may. */
uint64_t net_shape_wait(struct net_shape *s, uint64_t now);

/** net_shape_charge() - One went, of @len bytes */
void net_shape_charge(struct net_shape *s, uint32_t len);

#endif
