/* SPDX-License-Identifier: MIT */
/* netif's offloads as a TAP has them, for a frontend. Pure. */
#ifndef PVB_PVNET_VNET_H
#define PVB_PVNET_VNET_H

#include <stdint.h>

#include <linux/virtio_net.h>

#include "compiler.h"
#include "netfront.h"

/** vnet_to_meta() - Of a frame from the TAP. Return: 0, or -EINVAL: not for netif. */
int must_check vnet_to_meta(const struct virtio_net_hdr *h, struct netfront_meta *m);

/** vnet_from_meta() - Of a frame for the TAP. Return: 0, or -EINVAL: no such frame. */
int must_check vnet_from_meta(const struct netfront_meta *m, const uint8_t *frame,
                              uint32_t len, struct virtio_net_hdr *h);

/** vnet_flow() - A number that the frames of a TCP or UDP flow have in common */
uint32_t vnet_flow(const uint8_t *frame, uint32_t len);

#endif
