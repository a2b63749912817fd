/* SPDX-License-Identifier: MIT */
/*
 * A token bucket. Pure: the caller has the clock. A frame goes when anything is left and
 * may leave a debt, so that no frame is larger than the bucket.
 */
#ifndef PVB_NET_RATE_H
#define PVB_NET_RATE_H

#include <stdint.h>

/**
 * struct net_rate - So many bytes in so long
 * @bytes:	0: no limit
 * @ns:		In which
 * @credit:	Bytes times @ns: neither is rounded
 * @last:	When it was filled last
 */
struct net_rate {
	uint64_t bytes;
	uint64_t ns;
	__int128 credit;
	uint64_t last;
};

/* A burst has room for two of the largest frames, as in Linux's netback. */
#define NET_RATE_BURST 131072UL

/** net_rate_init() - A full bucket; @bytes 0 is no limit */
void net_rate_init(struct net_rate *r, uint64_t bytes, uint32_t usec, uint64_t now);

/**
 * net_rate_take() - May a frame of @len bytes go? Then it is counted.
 *
 * Return: 0, or ns to wait.
 */
uint64_t net_rate_take(struct net_rate *r, uint32_t len, uint64_t now);

#endif
