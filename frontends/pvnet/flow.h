/* SPDX-License-Identifier: MIT */
/*
 * Frames that say what they are, of flows that are each a stream of bytes: byte N of flow
 * F follows from the seed, F and N. A frame has its place in the stream as its TCP
 * sequence number, or in UDP as the first four bytes of its payload; so what was cut into
 * segments on the way can be checked as well. Pure.
 */
#ifndef PVB_PVNET_FLOW_H
#define PVB_PVNET_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"
#include "netfront.h"

#define FLOWS_MAX 64U

/**
 * struct flow_frame - What a frame is to be
 * @len:	With Ethernet header, 60 at least
 * @at:		Its place in the stream
 */
struct flow_frame {
	const uint8_t *from;
	const uint8_t *to;
	bool v6;
	bool udp;
	bool full;
	uint32_t flow;
	uint32_t len;
	uint64_t at;
	uint64_t seed;
	uint32_t segment;
};

/** flow_make() - Make a frame. Return: bytes of the stream that it has. */
uint32_t flow_make(const struct flow_frame *f, uint8_t *out, struct netfront_meta *m);

/**
 * struct flow_seen - What came of a flow
 * @next:	Where it should go on
 * @gaps:	Places where bytes are missing: frames were lost
 */
struct flow_seen {
	uint64_t next;
	uint64_t bytes;
	uint64_t frames;
	uint64_t segmented;
	uint64_t gaps;
	bool started;
};

/**
 * flow_check() - Check a frame: addresses, checksums, order within its flow, every byte
 * @me:		Frames for others, and of others, are not looked at
 * @seen:	FLOWS_MAX
 * @why:	What is wrong
 *
 * Return: 1 right, 0 none of ours, -EILSEQ wrong.
 */
int must_check flow_check(const uint8_t *me, uint64_t seed, const uint8_t *frame,
                          uint32_t len, const struct netfront_meta *m,
                          struct flow_seen *seen, char *why, size_t why_size);

#endif
