/* SPDX-License-Identifier: MIT */
/*
 * A token bucket. Pure: the caller has the clock. Something goes when anything is left
 * and may leave a debt, so that no frame is larger than the bucket, and its size need not
 * be known before it goes.
 */
#ifndef PVB_NET_RATE_H
#define PVB_NET_RATE_H

#include <stdint.h>

/**
 * struct net_rate - So many units in so long
 * @amount:	0: no limit
 * @ns:		In which
 * @burst:	Most that is saved up
 * @credit:	Units times @ns: neither is rounded
 * @last:	When it was filled last
 */
struct net_rate {
	uint64_t amount;
	uint64_t ns;
	uint64_t burst;
	__int128 credit;
	uint64_t last;
};

/** net_rate_init() - A full bucket; @amount 0 is no limit */
void net_rate_init(struct net_rate *r, uint64_t amount, uint64_t ns, uint64_t burst,
                   uint64_t now);

/** net_rate_wait() - May something go? Return: 0, or ns to wait. */
uint64_t net_rate_wait(struct net_rate *r, uint64_t now);

/** net_rate_charge() - It went, and was so much */
void net_rate_charge(struct net_rate *r, uint64_t n);

#endif
