/* SPDX-License-Identifier: MIT */
#include "net_toeplitz.h"

#include <assert.h>

/* The 32 bits of the key that begin at bit @at, the most significant one first. */
static uint32_t key_at(const uint8_t *key, uint32_t at)
{
	uint64_t bits = 0;

	for (uint32_t i = 0; i < 5; i++) {
		uint32_t byte = at / 8 + i;

		bits = bits << 8 | (byte < NET_HASH_KEY ? key[byte] : 0);
	}
	return (uint32_t)(bits >> (8 - at % 8));
}

void net_toeplitz_init(struct net_toeplitz *t, const uint8_t key[NET_HASH_KEY])
{
	for (uint32_t half = 0; half < NET_HASH_INPUT * 2; half++)
		for (uint32_t value = 0; value < 16; value++) {
			uint32_t sum = 0;

			for (uint32_t bit = 0; bit < 4; bit++)
				if (value & 8U >> bit)
					sum ^= key_at(key, half * 4 + bit);
			t->of[half][value] = sum;
		}
}

uint32_t net_toeplitz(const struct net_toeplitz *t, const uint8_t *input, uint32_t len)
{
	uint32_t hash = 0;

	assert(len <= NET_HASH_INPUT);
	for (uint32_t i = 0; i < len; i++)
		hash ^= t->of[(size_t)i * 2][input[i] >> 4] ^
		        t->of[(size_t)i * 2 + 1][input[i] & 15];
	return hash;
}
