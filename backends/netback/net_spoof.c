/* SPDX-License-Identifier: MIT */
#include "net_spoof.h"

#include <string.h>

#include <netinet/in.h>

#include "net_head.h"
#include "net_vnet.h"

#define ARP_LEN     28U
#define DHCP_SERVER 67
#define DHCP_CLIENT 68
#define OPTION_LINK 8U

enum {
	MLD_REPORT = 131,
	MLD_DONE = 132,
	ND_RS = 133,
	ND_RA = 134,
	ND_NS = 135,
	ND_NA = 136,
	ND_REDIRECT = 137,
	MLD2_REPORT = 143,
};

/* ---- Addresses -------------------------------------------------------------------- */

static bool within(const uint8_t *a, const struct net_spoof_addr *net)
{
	uint32_t bytes = net->bits / 8, rest = net->bits % 8;

	return memcmp(a, net->addr, bytes) == 0 &&
	       (!rest || ((a[bytes] ^ net->addr[bytes]) >> (8 - rest)) == 0);
}

static bool listed(const struct net_spoof_conf *c, const uint8_t *a, bool v6)
{
	for (uint32_t i = 0; i < c->naddr; i++)
		if (!c->addr[i].v6 == !v6 && within(a, &c->addr[i]))
			return true;
	return false;
}

static bool is_zero(const uint8_t *a, size_t n)
{
	static const uint8_t zero[16];

	return memcmp(a, zero, n) == 0;
}

/* fe80::/64 and the modified EUI-64 of the MAC: RFC 4291, appendix A. */
static bool is_link_local(const struct net_spoof_conf *c, const uint8_t *a)
{
	const uint8_t *m = c->mac;
	const uint8_t own[16] = { 0xfe,     0x80, 0,    0,    0,    0,    0,    0,
		                  m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5] };

	return memcmp(a, own, sizeof(own)) == 0;
}

static bool own_v6(const struct net_spoof_conf *c, const uint8_t *a)
{
	return !c->listed || listed(c, a, true) || is_link_local(c, a);
}

static bool own_v4(const struct net_spoof_conf *c, const uint8_t *a)
{
	return !c->listed || listed(c, a, false);
}

/* ---- IPv4 and ARP ----------------------------------------------------------------- */

static bool is_dhcp(const uint8_t *ip, uint32_t n)
{
	uint32_t hlen = (uint32_t)(ip[0] & 0xf) * 4;

	return ip[9] == IPPROTO_UDP && !(be16(ip + 6) & IPV4_FRAGMENT) &&
	       n >= hlen + UDP_HLEN && be16(ip + hlen) == DHCP_CLIENT &&
	       be16(ip + hlen + 2) == DHCP_SERVER;
}

static enum net_spoof judge_ipv4(const struct net_spoof_conf *c, const uint8_t *ip,
                                 uint32_t n)
{
	if (n < IPV4_HLEN || ip[0] >> 4 != 4 || (ip[0] & 0xf) < 5)
		return NET_SPOOF_hidden;
	if (own_v4(c, ip + 12) || (is_zero(ip + 12, 4) && is_dhcp(ip, n)))
		return NET_SPOOF_clean;
	return NET_SPOOF_ipv4;
}

static enum net_spoof judge_arp(const struct net_spoof_conf *c, const uint8_t *arp,
                                uint32_t n)
{
	/* Ethernet and IPv4: nothing else is looked at by anybody. */
	static const uint8_t head[6] = { 0, 1, 8, 0, 6, 4 };
	const uint8_t *hw = arp + 8, *addr = arp + 14;

	if (n < ARP_LEN || memcmp(arp, head, sizeof(head)) != 0)
		return NET_SPOOF_hidden;
	if (memcmp(hw, c->mac, 6) == 0 && (own_v4(c, addr) || is_zero(addr, 4)))
		return NET_SPOOF_clean;
	return NET_SPOOF_arp;
}

/* ---- IPv6 ------------------------------------------------------------------------- */

/**
 * struct chain - Headers of an IPv6 packet
 * @proto:	Behind the last extension header, at @at
 * @fragment:	It has a fragment header
 * @later:	And is not the first one: what is at @at is no header
 */
struct chain {
	uint8_t proto;
	uint32_t at;
	bool fragment, later;
};

/* Return: -1 when they do not end within the @n bytes. */
static int chain_walk(const uint8_t *ip, uint32_t n, struct chain *ch)
{
	*ch = (struct chain){ .proto = ip[6], .at = IPV6_HLEN };
	for (int i = 0; i < IPV6_EXTENSIONS; i++) {
		const uint8_t *p = ip + ch->at;

		switch (ch->proto) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
		case IPPROTO_FRAGMENT:
		case IPPROTO_AH:
			break;
		default:
			return 0;
		}
		if (n - ch->at < 8)
			return -1;
		if (ch->proto == IPPROTO_FRAGMENT) {
			ch->fragment = true;
			ch->later = be16(p + 2) >> 3;
			ch->at += 8;
		} else if (ch->proto == IPPROTO_AH) {
			ch->at += (p[1] + 2U) * 4;
		} else {
			ch->at += (p[1] + 1U) * 8;
		}
		ch->proto = p[0];
		if (ch->later)
			return 0;
		if (ch->at > n)
			return -1;
	}
	return -1;
}

/* What a host says before it has an address. */
static bool before_address(uint8_t type)
{
	return type == ND_NS || type == ND_RS || type == MLD_REPORT || type == MLD_DONE ||
	       type == MLD2_REPORT;
}

/* Bytes before the options. */
static uint32_t nd_fixed(uint8_t type)
{
	switch (type) {
	case ND_RS:
		return 8;
	case ND_RA:
		return 16;
	case ND_NS:
	case ND_NA:
		return 24;
	default:
		return 40;
	}
}

/* Those that have a link-layer address, of the source or of the target: the guest's. */
static enum net_spoof judge_options(const struct net_spoof_conf *c, const uint8_t *p,
                                    uint32_t n)
{
	while (n) {
		uint32_t len = n < 2 ? 0 : p[1] * 8U;

		if (!len || len > n)
			return NET_SPOOF_nd;
		if ((p[0] == 1 || p[0] == 2) &&
		    (len != OPTION_LINK || memcmp(p + 2, c->mac, 6) != 0))
			return NET_SPOOF_nd;
		p += len;
		n -= len;
	}
	return NET_SPOOF_clean;
}

/* @nd has @n bytes, all that there are of it. */
static enum net_spoof judge_nd(const struct net_spoof_conf *c, const uint8_t *nd,
                               uint32_t n, bool probe)
{
	uint32_t fixed = nd_fixed(nd[0]);
	bool own = nd[0] == ND_NA || (nd[0] == ND_NS && probe);

	if (n < fixed)
		return NET_SPOOF_hidden;
	if (own && !own_v6(c, nd + 8))
		return NET_SPOOF_nd;
	return judge_options(c, nd + fixed, n - fixed);
}

static enum net_spoof judge_ipv6(const struct net_spoof_conf *c, const uint8_t *ip,
                                 uint32_t n, uint32_t len)
{
	bool icmp, none, nd = false;
	uint32_t end;
	struct chain ch;

	if (n < IPV6_HLEN || ip[0] >> 4 != 6 || chain_walk(ip, n, &ch))
		return NET_SPOOF_hidden;
	none = is_zero(ip + 8, 16);
	icmp = ch.proto == IPPROTO_ICMPV6 && !ch.later;
	/* Its type has to be there, also if there is nothing behind it. */
	if (icmp && ch.at == n)
		return NET_SPOOF_hidden;
	if (icmp)
		nd = ip[ch.at] >= ND_RS && ip[ch.at] <= ND_REDIRECT;
	if (!own_v6(c, ip + 8) &&
	    !(none && icmp && !ch.fragment && before_address(ip[ch.at])))
		return NET_SPOOF_ipv6;
	if (!nd)
		return NET_SPOOF_clean;
	/* What is behind the packet in the frame is not of it. */
	end = IPV6_HLEN + be16(ip + 4);
	if (ch.fragment || end > len || end > n || end < ch.at)
		return NET_SPOOF_hidden;
	return judge_nd(c, ip + ch.at, end - ch.at, none);
}

/* ---- A frame ---------------------------------------------------------------------- */

enum net_spoof net_spoof_judge(const struct net_spoof_conf *c, const uint8_t *head,
                               uint32_t n, uint32_t len)
{
	uint32_t at, type;

	if (n < NET_ETH_HLEN)
		return NET_SPOOF_hidden;
	if (memcmp(head + 6, c->mac, 6) != 0)
		return NET_SPOOF_mac;
	type = net_ethertype(head, n, &at);
	switch (type) {
	case ETH_IPV4:
		return judge_ipv4(c, head + at, n - at);
	case ETH_ARP:
		return judge_arp(c, head + at, n - at);
	case ETH_IPV6:
		return judge_ipv6(c, head + at, n - at, len - at);
	/* Not looked through, so there is a tag where a type should be. */
	case ETH_VLAN:
	case ETH_QINQ:
		return NET_SPOOF_hidden;
	default:
		return c->listed ? NET_SPOOF_other : NET_SPOOF_clean;
	}
}

bool net_spoof_conf_ok(const struct net_spoof_conf *c)
{
	if (c->mode >= NET_SPOOF_NMODES || c->naddr > NET_SPOOF_ADDRS)
		return false;
	for (uint32_t i = 0; i < c->naddr; i++)
		if (c->addr[i].bits > (c->addr[i].v6 ? 128 : 32))
			return false;
	return true;
}
