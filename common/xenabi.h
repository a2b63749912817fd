/* SPDX-License-Identifier: MIT */
/*
 * Xen's wire layouts, pinned at compile time. Frontends and backends meet here only.
 */
#ifndef PVB_XENABI_H
#define PVB_XENABI_H

#include <stddef.h>
#include <stdint.h>

/* Without it ring.h's barriers resolve to undefined symbols. */
#ifndef __XEN_INTERFACE_VERSION__
#define __XEN_INTERFACE_VERSION__ 0x00040e00
#endif

#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/io/blkif.h>
#include <xen/io/netif.h>
#include <xen/io/ring.h>
#include <xen/io/xenbus.h>
#include <xen/io/protocols.h>

#define XEN_PAGE         4096U
/* blkif counts in units of 512 bytes whatever the disk's sector size is. */
#define BLK_SECTOR       512U
#define BLK_PAGE_SECTORS (XEN_PAGE / BLK_SECTOR)

#if !defined(__x86_64__)
#error "the native ring layout is known for x86_64 only"
#endif
_Static_assert(sizeof(struct blkif_request) == 112, "blkif request");
_Static_assert(offsetof(struct blkif_request, id) == 8, "blkif id");
_Static_assert(offsetof(struct blkif_request, sector_number) == 16, "blkif sector");
_Static_assert(offsetof(struct blkif_request, seg) == 24, "blkif seg");
_Static_assert(sizeof(struct blkif_request_segment) == 8, "blkif segment");
_Static_assert(sizeof(struct blkif_response) == 16, "blkif response");
_Static_assert(offsetof(struct blkif_response, operation) == 8, "blkif rsp op");
_Static_assert(offsetof(struct blkif_response, status) == 10, "blkif rsp status");
_Static_assert(BLKIF_MAX_SEGMENTS_PER_REQUEST == 11, "blkif direct segments");

/* A slot of the transmit ring holds a request or an extra, of the receive ring either. */
_Static_assert(sizeof(struct netif_tx_request) == 12, "netif tx request");
_Static_assert(offsetof(struct netif_tx_request, id) == 8, "netif tx id");
_Static_assert(sizeof(struct netif_tx_response) == 4, "netif tx response");
_Static_assert(sizeof(struct netif_rx_request) == 8, "netif rx request");
_Static_assert(offsetof(struct netif_rx_request, gref) == 4, "netif rx gref");
_Static_assert(sizeof(struct netif_rx_response) == 8, "netif rx response");
_Static_assert(sizeof(struct netif_extra_info) == 8, "netif extra");
_Static_assert(sizeof(struct xen_netif_ctrl_request) == 16, "netif control request");
_Static_assert(sizeof(struct xen_netif_ctrl_response) == 12, "netif control response");
_Static_assert(XEN_NETIF_NR_SLOTS_MIN == 18, "netif slots of a frame");

/*
 * Linux's netif.h has one more extra, for a frontend that runs XDP programs: the first
 * byte of a frame's data is not that of its page. Xen's own header has not.
 */
#define XEN_NETIF_EXTRA_TYPE_XDP 5

/** struct netif_extra_xdp - @headroom: bytes before the data in its first page */
struct netif_extra_xdp {
	uint8_t type, flags;
	uint16_t headroom;
	uint16_t pad[2];
};
_Static_assert(sizeof(struct netif_extra_xdp) == sizeof(struct netif_extra_info),
               "netif extra of XDP");
_Static_assert(XEN_NETIF_EXTRA_TYPE_XDP == XEN_NETIF_EXTRA_TYPE_MAX, "none of Xen's own");

/* enum xenbus_state of xen/io/xenbus.h, as the store has it: one digit. */
_Static_assert(XenbusStateUnknown == 0 && XenbusStateInitialising == 1 &&
                       XenbusStateInitWait == 2 && XenbusStateInitialised == 3 &&
                       XenbusStateConnected == 4 && XenbusStateClosing == 5 &&
                       XenbusStateClosed == 6 && XenbusStateReconfiguring == 7 &&
                       XenbusStateReconfigured == 8,
               "xenbus states");

#endif
