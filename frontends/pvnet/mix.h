/* SPDX-License-Identifier: MIT */
/*
 * What pvnet load sends: frames of all sizes and kinds, in slots of all sizes, by chance
 * that follows from a seed. Pure.
 */
#ifndef PVB_PVNET_MIX_H
#define PVB_PVNET_MIX_H

#include <stdint.h>

#include "flow.h"
#include "netfront.h"

/**
 * struct mix - What frames there may be
 * @min, @max:	Length, where nothing else limits it
 * @mtu:	Of frames that are not to be segmented, without the Ethernet header
 * @n:		Frames so far; all else follows from it
 */
struct mix {
	uint64_t seed;
	uint32_t min, max;
	uint32_t mtu;
	struct netfront_info info;
	uint64_t n;
};

/**
 * mix_next() - The next frame of @flow: all of @f but addresses, its place and @ack
 * @l:	Slots for it
 *
 * A flow is TCP or UDP, IPv4 or IPv6, by its number.
 */
void mix_next(struct mix *m, uint32_t flow, uint32_t serial, struct flow_frame *f,
              struct netfront_layout *l);

#endif
