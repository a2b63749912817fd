/* SPDX-License-Identifier: MIT */
/*
 * Frames that say what they are, of flows that are each a stream of bytes: byte N of flow
 * F follows from the seed, F and N. A frame has its place in the stream as its TCP
 * sequence number, its serial number as window and urgent pointer, and what has come from
 * the other side as its acknowledgement; in UDP these are the first twelve bytes of the
 * payload. So what was cut into segments on the way can be checked as well. Pure.
 */
#ifndef PVB_PVNET_FLOW_H
#define PVB_PVNET_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"
#include "netfront.h"

#define FLOWS_MAX 64U
#define FLOW_BYE  1U

/**
 * struct flow_frame - What a frame is to be
 * @len:	With Ethernet header, 60 at least
 * @at:		Its place in the stream
 * @serial:	Its number in the flow, from 1; 0: it is no part of it, only to be seen,
 *		and with FLOW_BYE as its place it says that all was acknowledged
 * @ack:	Greatest serial number seen of this flow from the other side
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
	uint32_t serial;
	uint32_t ack;
	uint64_t seed;
	uint32_t segment;
};

/** flow_hash() - A number that follows from its arguments */
uint64_t flow_hash(uint64_t seed, uint32_t flow, uint64_t n);

/** flow_segment() - Bytes in a segment of frame @serial, where the caller has no wish */
uint32_t flow_segment(uint64_t seed, uint32_t flow, uint32_t serial);

/** flow_make() - Make a frame. Return: bytes of the stream that it has. */
uint32_t flow_make(const struct flow_frame *f, uint8_t *out, struct netfront_meta *m);

/**
 * struct flow_seen - What came of a flow
 * @next:	Where it should go on
 * @gaps:	Places where bytes are missing: frames were lost
 * @serial:	Greatest that has come
 * @payload:	Of the last frame with it
 * @lost:	Serial numbers that have not come before it
 * @ack:	Greatest acknowledgement
 * @met:	The other side was heard of
 * @bye:	All that it has sent has come
 */
struct flow_seen {
	uint64_t next;
	uint64_t bytes;
	uint64_t frames;
	uint64_t segmented;
	uint64_t blank;
	uint64_t gaps;
	uint64_t lost;
	uint32_t serial;
	uint32_t payload;
	uint32_t ack;
	bool met;
	bool bye;
};

/**
 * struct flow_check - What frames are checked against
 * @me:		Frames for others are not looked at
 * @from:	Whom all others are to be of, with segments as flow_segment() has it;
 *		NULL: whoever has a flow, with any
 * @takes:	No frame may need more
 * @seen:	By flow
 */
struct flow_check {
	const uint8_t *me;
	const uint8_t *from;
	uint64_t seed;
	struct netfront_takes takes;
	struct flow_seen seen[FLOWS_MAX];
};

/**
 * flow_check() - Check a frame: addresses, headers, checksums, order within its flow,
 * every byte
 * @why:	What is wrong
 *
 * Return: 1 right, 0 none of ours, -EILSEQ wrong.
 */
int must_check flow_check(struct flow_check *c, const uint8_t *frame, uint32_t len,
                          const struct netfront_meta *m, char *why, size_t why_size);

/** flow_sum() - All flows together. Return: how many there were. */
unsigned int flow_sum(const struct flow_check *c, struct flow_seen *sum);

#endif
