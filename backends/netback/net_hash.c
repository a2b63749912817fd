/* SPDX-License-Identifier: MIT */
#include "net_hash.h"

#include <string.h>

#include <net/ethernet.h>
#include <netinet/in.h>

/* Ports of the TCP header. */
#define PORTS 4U

/** struct fields - What is hashed: @len bytes are the addresses, then the ports if @tcp
 */
struct fields {
	uint8_t input[NET_HASH_INPUT];
	uint32_t len;
	bool tcp;
};

static uint32_t be16(const uint8_t *p)
{
	return (uint32_t)(p[0] << 8 | p[1]);
}

static bool is_vlan(uint32_t proto)
{
	return proto == ETHERTYPE_VLAN || proto == 0x88a8;
}

static void take_ports(struct fields *f, const uint8_t *ip, uint32_t left, uint32_t at)
{
	f->tcp = left >= at + PORTS;
	if (f->tcp)
		memcpy(f->input + f->len, ip + at, PORTS);
}

static bool find4(struct fields *f, const uint8_t *ip, uint32_t left)
{
	uint32_t header = left ? (ip[0] & 15U) * 4 : 0;

	if (left < 20 || ip[0] >> 4 != 4 || header < 20)
		return false;
	f->len = 8;
	memcpy(f->input, ip + 12, f->len);
	if (ip[9] == IPPROTO_TCP && !(be16(ip + 6) & 0x3fff))
		take_ports(f, ip, left, header);
	return true;
}

static bool find6(struct fields *f, const uint8_t *ip, uint32_t left)
{
	if (left < 40 || ip[0] >> 4 != 6)
		return false;
	f->len = 32;
	memcpy(f->input, ip + 8, f->len);
	if (ip[6] == IPPROTO_TCP)
		take_ports(f, ip, left, 40);
	return true;
}

bool net_hash_frame(const struct net_toeplitz *t, uint32_t types, const uint8_t *frame,
                    uint32_t len, uint32_t *hash, uint8_t *type)
{
	struct fields f = { .tcp = false };
	uint32_t at = ETHER_HDR_LEN, proto;
	bool v6, found;

	if (len < at)
		return false;
	proto = be16(frame + at - 2);
	if (is_vlan(proto) && len >= at + 4) {
		at += 4;
		proto = be16(frame + at - 2);
	}
	v6 = proto == ETHERTYPE_IPV6;
	found = v6 ? find6(&f, frame + at, len - at)
	           : proto == ETHERTYPE_IP && find4(&f, frame + at, len - at);
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
