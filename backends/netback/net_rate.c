/* SPDX-License-Identifier: MIT */
#include "net_rate.h"

void net_rate_init(struct net_rate *r, uint64_t amount, uint64_t ns, uint64_t burst,
                   uint64_t now)
{
	*r = (struct net_rate){ .amount = amount, .ns = ns, .burst = burst, .last = now };
	r->credit = (__int128)burst * ns;
}

uint64_t net_rate_wait(struct net_rate *r, uint64_t now)
{
	__int128 full = (__int128)r->burst * r->ns;

	if (!r->amount)
		return 0;
	r->credit += (__int128)(now - r->last) * r->amount;
	r->last = now;
	if (r->credit > full)
		r->credit = full;
	return r->credit > 0 ? 0 : (uint64_t)(-r->credit / r->amount) + 1;
}

void net_rate_charge(struct net_rate *r, uint64_t n)
{
	if (r->amount)
		r->credit -= (__int128)n * r->ns;
}
