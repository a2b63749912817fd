/* SPDX-License-Identifier: MIT */
#include "net_hash.h"

#include <string.h>

#include <netinet/in.h>

#include "net_head.h"
#include "net_vnet.h"

/* Ports of the TCP header. */
#define PORTS 4U

/** struct fields - What is hashed: @len bytes are the addresses, then the ports if @tcp
 */
struct fields {
	uint8_t input[NET_HASH_INPUT];
	uint32_t len;
	bool tcp;
};

static void take_ports(struct fields *f, const uint8_t *ip, uint32_t left, uint32_t at)
{
	f->tcp = left >= at + PORTS;
	if (f->tcp)
		memcpy(f->input + f->len, ip + at, PORTS);
}

static bool find4(struct fields *f, const uint8_t *ip, uint32_t left)
{
	uint32_t header = left ? (ip[0] & 15U) * 4 : 0;

	if (left < IPV4_HLEN || ip[0] >> 4 != 4 || header < IPV4_HLEN)
		return false;
	f->len = 8;
	memcpy(f->input, ip + 12, f->len);
	if (ip[9] == IPPROTO_TCP && !(be16(ip + 6) & IPV4_FRAGMENT))
		take_ports(f, ip, left, header);
	return true;
}

static bool find6(struct fields *f, const uint8_t *ip, uint32_t left)
{
	if (left < IPV6_HLEN || ip[0] >> 4 != 6)
		return false;
	f->len = 32;
	memcpy(f->input, ip + 8, f->len);
	if (ip[6] == IPPROTO_TCP)
		take_ports(f, ip, left, IPV6_HLEN);
	return true;
}

bool net_hash_frame(const struct net_toeplitz *t, uint32_t types, const uint8_t *frame,
                    uint32_t len, uint32_t *hash, uint8_t *type)
{
	struct fields f = { .tcp = false };
	uint32_t at, proto = net_ethertype(frame, len, &at);
	bool v6 = proto == ETH_IPV6, found;

	if (at > NET_ETH_HLEN + VLAN_HLEN)
		return false;
	found = v6 ? find6(&f, frame + at, len - at)
	           : proto == ETH_IPV4 && find4(&f, frame + at, len - at);
	if (!found)
		return false;
	*type = v6 ? _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP
	           : _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP;
	if (f.tcp && types & 1U << *type) {
		*hash = net_toeplitz(t, f.input, f.len + PORTS);
		return true;
	}
	*type = v6 ? _XEN_NETIF_CTRL_HASH_TYPE_IPV6 : _XEN_NETIF_CTRL_HASH_TYPE_IPV4;
	if (!(types & 1U << *type))
		return false;
	*hash = net_toeplitz(t, f.input, f.len);
	return true;
}
