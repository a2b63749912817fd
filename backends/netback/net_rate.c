/* SPDX-License-Identifier: MIT */
#include "net_rate.h"

static __int128 net_rate_full(const struct net_rate *r)
{
	return (__int128)(r->bytes > NET_RATE_BURST ? r->bytes : NET_RATE_BURST) * r->ns;
}

void net_rate_init(struct net_rate *r, uint64_t bytes, uint32_t usec, uint64_t now)
{
	*r = (struct net_rate){ .bytes = bytes, .ns = usec * 1000ULL, .last = now };
	r->credit = net_rate_full(r);
}

uint64_t net_rate_take(struct net_rate *r, uint32_t len, uint64_t now)
{
	__int128 full;

	if (!r->bytes)
		return 0;
	full = net_rate_full(r);
	r->credit += (__int128)(now - r->last) * r->bytes;
	r->last = now;
	if (r->credit > full)
		r->credit = full;
	if (r->credit <= 0)
		return (uint64_t)(-r->credit / r->bytes) + 1;
	r->credit -= (__int128)len * r->ns;
	return 0;
}
