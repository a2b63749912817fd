/* SPDX-License-Identifier: MIT */
#include "net_shape.h"

#define SECOND  1000000000ULL
/* What is saved up at most, as a part of a second: libxl's window is 50 ms. */
#define WINDOWS 20U

static const struct {
	enum net_limit bytes, packets;
} limit_of[NET_NDIRS] = {
	[NET_TX] = { NET_LIMIT_TX_BYTES, NET_LIMIT_TX_PACKETS },
	[NET_RX] = { NET_LIMIT_RX_BYTES, NET_LIMIT_RX_PACKETS },
};

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

bool net_limits_ok(const struct net_limits *l)
{
	for (int i = 0; i < NET_NLIMITS; i++)
		if (l->limit[i] > NET_LIMIT_MAX)
			return false;
	return !l->rate_bytes == !l->rate_usec;
}

bool net_shape_init(struct net_shape *s, const struct net_limits *l, enum net_dir dir,
                    uint64_t now)
{
	uint64_t rate = dir == NET_TX ? l->rate_bytes : 0;
	uint64_t bytes = l->limit[limit_of[dir].bytes];
	uint64_t packets = l->limit[limit_of[dir].packets];

	net_rate_init(&s->rate, rate, l->rate_usec * 1000ULL, most(rate, NET_BURST_BYTES),
	              now);
	net_rate_init(&s->bytes, bytes, SECOND, most(bytes / WINDOWS, NET_BURST_BYTES),
	              now);
	net_rate_init(&s->packets, packets, SECOND,
	              most(packets / WINDOWS, NET_BURST_PACKETS), now);
	return rate || bytes || packets;
}

uint64_t net_shape_wait(struct net_shape *s, uint64_t now)
{
	return most(net_rate_wait(&s->rate, now),
	            most(net_rate_wait(&s->bytes, now), net_rate_wait(&s->packets, now)));
}

void net_shape_charge(struct net_shape *s, uint32_t len)
{
	net_rate_charge(&s->rate, len);
	net_rate_charge(&s->bytes, len);
	net_rate_charge(&s->packets, 1);
}
