/* SPDX-License-Identifier: MIT */
/*
 * Does a guest send under its own addresses? Pure: judges private copies of headers.
 *
 * Its link-layer address is always judged: in the frame, in ARP, in the options of
 * neighbour discovery. Its IP addresses are if it has a list of them. Then it may send
 *
 *   IPv4   from an address of the list; from 0.0.0.0 a DHCP request (UDP, 68 to 67)
 *   ARP    for an address of the list; for 0.0.0.0, that is a probe
 *   IPv6   from an address of the list, from the link-local one that follows from its
 *          link-layer address, or from :: what RFC 4862 and 3810 need before there is one
 *          (neighbour and router solicitations, listener reports)
 *   ND     an advertisement of, or a probe for, an address of these
 *   and nothing that is not one of these, as any address may be in it.
 *
 * Any other link-local address has to be in the list: with all of them a guest could
 * answer for fe80::1, the router of everybody on the link.
 *
 * VLAN tags, up to two, are looked through. What cannot be judged is not clean: headers
 * that are cut short, or do not end within the bytes and the number of headers that are
 * looked at; neighbour discovery in fragments (RFC 6980). A later fragment is judged by
 * its source; the first one has all headers or is not clean (RFC 7112). Of a frame that
 * is to be segmented all segments have the addresses that are judged.
 */
#ifndef PVB_NET_SPOOF_H
#define PVB_NET_SPOOF_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"

#define NET_SPOOF_ADDRS 32U

enum net_spoof_mode {
	NET_SPOOF_OFF,
	NET_SPOOF_LOG,  /* count and say, but send */
	NET_SPOOF_DROP, /* count and say, and do not */
	NET_SPOOF_NMODES
};

/**
 * struct net_spoof_addr - An address, or a network of which any is allowed
 * @addr:	IPv4 in the first four bytes
 * @bits:	That count, 32 or 128 for one address
 */
struct net_spoof_addr {
	uint8_t addr[16];
	uint8_t v6;
	uint8_t bits;
	uint8_t pad[2];
};

/**
 * struct net_spoof_conf - What a guest may send as; data only, no padding
 * @mode:	enum net_spoof_mode
 * @listed:	There is a list of IP addresses, @addr, of @naddr
 */
struct net_spoof_conf {
	uint32_t mode;
	uint32_t listed;
	uint32_t naddr;
	uint8_t mac[6];
	uint8_t pad[6];
	struct net_spoof_addr addr[NET_SPOOF_ADDRS];
};

_Static_assert(sizeof(struct net_spoof_conf) == 664, "no padding on the socket");

/* Name, and what is wrong in words. */
#define NET_SPOOFS(X)                                                       \
	X(mac, "its source is not the card's MAC")                          \
	X(ipv4, "an IPv4 source that is not the guest's")                   \
	X(ipv6, "an IPv6 source that is not the guest's")                   \
	X(arp, "ARP for an address that is not the guest's")                \
	X(nd, "neighbour discovery for an address that is not the guest's") \
	X(hidden, "headers that cannot be judged")                          \
	X(other, "neither IP nor ARP, and the guest has a list of addresses")

enum net_spoof {
	NET_SPOOF_clean,
#define X(name, text) NET_SPOOF_##name,
	NET_SPOOFS(X)
#undef X
	NET_NSPOOFS
};

/**
 * net_spoof_judge() - Is a frame one that the guest may send?
 * @head:	Its first @n bytes: NET_HEAD_MAX, or all @len that it has
 *
 * Return: NET_SPOOF_clean, or what is wrong.
 */
enum net_spoof net_spoof_judge(const struct net_spoof_conf *c, const uint8_t *head,
                               uint32_t n, uint32_t len);

/** net_spoof_conf_ok() - Can it be? */
bool net_spoof_conf_ok(const struct net_spoof_conf *c);

#endif
