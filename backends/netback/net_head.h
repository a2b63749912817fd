/* SPDX-License-Identifier: MIT */
/* Headers of frames, as they are on the wire. */
#ifndef PVB_NET_HEAD_H
#define PVB_NET_HEAD_H

#include <stdint.h>

#define ETH_IPV4        0x0800
#define ETH_ARP         0x0806
#define ETH_IPV6        0x86dd
#define ETH_VLAN        0x8100
#define ETH_QINQ        0x88a8
#define VLAN_HLEN       4U
#define IPV4_HLEN       20U
#define IPV6_HLEN       40U
#define UDP_HLEN        8U
#define TCP_HLEN        20U
/* IPv4: more fragments, or an offset. */
#define IPV4_FRAGMENT   0x3fff
/* A guest must not choose how long we walk. */
#define IPV6_EXTENSIONS 8

static inline uint32_t be16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

#endif
