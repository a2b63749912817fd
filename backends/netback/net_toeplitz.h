/* SPDX-License-Identifier: MIT */
/*
 * The Toeplitz hash of netif.h, which is that of Microsoft's RSS: for each bit that is
 * set in the input, the 32 bits of the key that begin at its place are added. Pure.
 *
 * What a key makes of each half byte at each place is worked out once, so that a hash is
 * two loads for a byte: see struct net_toeplitz, which the program that steers frames
 * (net_steer.h) reads as well.
 */
#ifndef PVB_NET_TOEPLITZ_H
#define PVB_NET_TOEPLITZ_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of a key, and of the longest input: two addresses and ports of IPv6. */
#define NET_HASH_KEY   40U
#define NET_HASH_INPUT 36U

_Static_assert(NET_HASH_INPUT + 4 <= NET_HASH_KEY, "32 bits of key for the last bit");

/**
 * struct net_toeplitz - A key, worked out
 * @of:	By place and value of half a byte, the upper half of the first byte first
 */
struct net_toeplitz {
	uint32_t of[NET_HASH_INPUT * 2][16];
};

void net_toeplitz_init(struct net_toeplitz *t, const uint8_t key[NET_HASH_KEY]);

/** net_toeplitz() - Hash of @len bytes, NET_HASH_INPUT at most; zeros at the end of an
 *  input change nothing */
uint32_t net_toeplitz(const struct net_toeplitz *t, const uint8_t *input, uint32_t len);

#endif
