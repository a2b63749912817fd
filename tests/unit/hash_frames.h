/* SPDX-License-Identifier: MIT */
/* Frames of all kinds that a hash may be of, for who makes it and for who steers by it.
 */
#ifndef PVB_HASH_FRAMES_H
#define PVB_HASH_FRAMES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "compiler.h"
#include "net_hash.h"

#define T4     XEN_NETIF_CTRL_HASH_TYPE_IPV4
#define T4_TCP XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP
#define T6     XEN_NETIF_CTRL_HASH_TYPE_IPV6
#define T6_TCP XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP
#define T_ALL  NET_HASH_TYPES
#define T_NONE 0xffU

/**
 * struct hash_row - A frame, and what it is hashed as
 * @tags:	VLAN tags in it
 * @proto:	What the Ethernet header, or the last tag, says
 * @ip:		First bytes of the header behind that: version and length
 * @frag:	Of IPv4: flags and offset
 * @next:	Protocol, or next header
 * @cut:	So many bytes of what follows the Ethernet header and tags are there; 0:
 * 64
 * @types:	That are asked for
 * @as:		_XEN_NETIF_CTRL_HASH_TYPE_*, or T_NONE
 * @ports:	Where they are, of a TCP type
 */
static const struct hash_row {
	const char *what;
	uint32_t tags;
	uint16_t proto;
	uint8_t ip;
	uint16_t frag;
	uint8_t next;
	uint32_t cut;
	uint32_t types;
	uint8_t as;
	uint32_t ports;
} hash_rows[] = {
	{ "TCP over IPv4", 0, 0x800, 0x45, 0, 6, 0, T_ALL, 1, 20 },
	{ "UDP over IPv4", 0, 0x800, 0x45, 0, 17, 0, T_ALL, 0, 0 },
	{ "TCP over IPv6", 0, 0x86dd, 0x60, 0, 6, 0, T_ALL, 3, 40 },
	{ "UDP over IPv6", 0, 0x86dd, 0x60, 0, 17, 0, T_ALL, 2, 0 },
	{ "TCP that nobody asked for", 0, 0x800, 0x45, 0, 6, 0, T_ALL & ~T4_TCP, 0, 0 },
	{ "the same, IPv6", 0, 0x86dd, 0x60, 0, 6, 0, T_ALL & ~T6_TCP, 2, 0 },
	{ "only TCP was asked for", 0, 0x800, 0x45, 0, 17, 0, T4_TCP | T6_TCP, T_NONE,
	  0 },
	{ "the same, IPv6", 0, 0x86dd, 0x60, 0, 17, 0, T4_TCP | T6_TCP, T_NONE, 0 },
	{ "TCP alone", 0, 0x800, 0x45, 0, 6, 0, T4_TCP, 1, 20 },
	{ "IPv4 where IPv6 was asked for", 0, 0x800, 0x45, 0, 6, 0, T6 | T6_TCP, T_NONE,
	  0 },
	{ "IPv6 where IPv4 was asked for", 0, 0x86dd, 0x60, 0, 6, 0, T4 | T4_TCP, T_NONE,
	  0 },
	{ "options of IPv4", 0, 0x800, 0x47, 0, 6, 0, T_ALL, 1, 28 },
	{ "all there can be", 0, 0x800, 0x4f, 0, 6, 0, T_ALL, 1, 60 },
	{ "do not fragment", 0, 0x800, 0x45, 0x4000, 6, 0, T_ALL, 1, 20 },
	{ "the first fragment", 0, 0x800, 0x45, 0x2000, 6, 0, T_ALL, 0, 0 },
	{ "the last fragment", 0, 0x800, 0x45, 0x00b9, 6, 0, T_ALL, 0, 0 },
	{ "a fragment where TCP alone is asked for", 0, 0x800, 0x45, 0x2000, 6, 0, T4_TCP,
	  T_NONE, 0 },
	{ "an extension header", 0, 0x86dd, 0x60, 0, 0, 0, T_ALL, 2, 0 },
	{ "a fragment of IPv6", 0, 0x86dd, 0x60, 0, 44, 0, T_ALL, 2, 0 },
	{ "ARP", 0, 0x806, 0x45, 0, 6, 0, T_ALL, T_NONE, 0 },
	{ "a tag", 1, 0x800, 0x45, 0, 6, 0, T_ALL, 1, 20 },
	{ "a tag and IPv6", 1, 0x86dd, 0x60, 0, 17, 0, T_ALL, 2, 0 },
	{ "two tags", 2, 0x800, 0x45, 0, 6, 0, T_ALL, T_NONE, 0 },
	{ "version 5", 0, 0x800, 0x55, 0, 6, 0, T_ALL, T_NONE, 0 },
	{ "version 4 as IPv6", 0, 0x86dd, 0x45, 0, 6, 0, T_ALL, T_NONE, 0 },
	{ "a header of 16 bytes", 0, 0x800, 0x44, 0, 6, 0, T_ALL, T_NONE, 0 },
	{ "no byte of IPv4", 0, 0x800, 0x45, 0, 6, UINT32_MAX, T_ALL, T_NONE, 0 },
	{ "19 bytes of IPv4", 0, 0x800, 0x45, 0, 6, 19, T_ALL, T_NONE, 0 },
	{ "20 bytes of IPv4", 0, 0x800, 0x45, 0, 6, 20, T_ALL, 0, 0 },
	{ "3 bytes of ports", 0, 0x800, 0x45, 0, 6, 23, T_ALL, 0, 0 },
	{ "4 bytes of ports", 0, 0x800, 0x45, 0, 6, 24, T_ALL, 1, 20 },
	{ "options that are not there", 0, 0x800, 0x4f, 0, 6, 40, T_ALL, 0, 0 },
	{ "39 bytes of IPv6", 0, 0x86dd, 0x60, 0, 6, 39, T_ALL, T_NONE, 0 },
	{ "40 bytes of IPv6", 0, 0x86dd, 0x60, 0, 6, 40, T_ALL, 2, 0 },
	{ "3 bytes of ports, IPv6", 0, 0x86dd, 0x60, 0, 6, 43, T_ALL, 2, 0 },
	{ "4 bytes of ports, IPv6", 0, 0x86dd, 0x60, 0, 6, 44, T_ALL, 3, 40 },
	{ "an Ethernet header", 0, 0, 0x45, 0, 6, UINT32_MAX, T_ALL, T_NONE, 0 },
	{ "half a tag", 1, 0x800, 0x45, 0, 6, UINT32_MAX, T_ALL, T_NONE, 0 },
};

/* Any bytes, but the same ones each time. */
static inline void hash_bytes(uint8_t *out, uint32_t n, uint32_t seed)
{
	for (uint32_t i = 0; i < n; i++) {
		seed = seed * 1103515245U + 12345U;
		out[i] = (uint8_t)(seed >> 16);
	}
}

/* Make a frame of @r. Return: its length. */
static inline uint32_t hash_frame(const struct hash_row *r, uint32_t seed, uint8_t *out,
                                  uint32_t *ip)
{
	uint32_t at = 14, len = r->cut == UINT32_MAX ? 0 : r->cut ? r->cut : 64;

	hash_bytes(out, 128, seed);
	for (uint32_t i = 0; i < r->tags; i++, at += 4) {
		out[at - 2] = i % 2 ? 0x88 : 0x81;
		out[at - 1] = i % 2 ? 0xa8 : 0x00;
	}
	out[at - 2] = (uint8_t)(r->proto >> 8);
	out[at - 1] = (uint8_t)r->proto;
	out[at] = r->ip;
	if (r->proto == 0x86dd) {
		out[at + 6] = r->next;
	} else {
		out[at + 6] = (uint8_t)(r->frag >> 8);
		out[at + 7] = (uint8_t)r->frag;
		out[at + 9] = r->next;
	}
	*ip = at;
	return at + len - (r->tags && !len ? 2 : 0);
}

#endif
