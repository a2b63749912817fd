/* SPDX-License-Identifier: MIT */
/*
 * Captured frames on their way from a worker to whoever looks at them: a SOCK_SEQPACKET
 * socket with a record in each datagram, and a memfd that counts.
 *
 * The looker makes both and hands the worker one end; the worker never waits: a record
 * that the socket has no room for is counted and lost. A worker that a guest has taken
 * over can send anything, so a reader judges each record first.
 *
 *   worker:  BEGIN, FRAME...            or REFUSED, why in the record's text
 *   end of file: the device is gone, or its worker. The reader ends it by closing.
 */
#ifndef PVB_CAPTURE_H
#define PVB_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include "compiler.h"

#define CAPTURE_MAGIC   0x50414342U /* "BCAP" */
/* The largest frame of a network card, 64 KiB and its headers, fits. */
#define CAPTURE_SNAPLEN 65560U
#define CAPTURE_WHAT    40U

enum capture_kind {
	CAPTURE_BEGIN,   /* it has begun; nothing else is said */
	CAPTURE_REFUSED, /* nor will it: @what says why */
	CAPTURE_FRAME,
	CAPTURE_NKINDS
};

/* Directions, as the guest sees them. */
enum capture_dir {
	CAPTURE_TX,
	CAPTURE_RX,
	CAPTURE_NDIRS
};

#define CAPTURE_CSUM_BLANK 0x1U /* its checksum is that of the pseudo header only */
#define CAPTURE_VALIDATED  0x2U /* its checksum was checked, or never left this host */
#define CAPTURE_LOST       0x4U /* it was not passed on; @what is the cause */
#define CAPTURE_LOOSE      0x8U /* it had no slots: @index says nothing */
#define CAPTURE_FLAGS      0xfU

/**
 * struct capture_rec - A record; bytes of the frame follow
 * @ns:		CLOCK_REALTIME
 * @len:	Of the frame
 * @data:	Bytes of it that follow
 * @index:	Of its first slot on the ring, free-running
 * @slots:	That it has there, extras included
 * @gso_size:	Bytes of payload that a segment is to have, if @gso_type is not 0
 * @gso_type:	XEN_NETIF_GSO_TYPE_*
 * @what:	What became of it, a word; NUL-terminated
 */
struct capture_rec {
	uint32_t magic;
	uint32_t kind;
	uint64_t ns;
	uint32_t len;
	uint32_t data;
	uint32_t index;
	uint16_t slots;
	uint16_t queue;
	uint16_t gso_size;
	uint8_t gso_type;
	uint8_t dir;
	uint32_t flags;
	char what[CAPTURE_WHAT];
};

_Static_assert(sizeof(struct capture_rec) == 80, "no padding on the socket");

/**
 * struct capture_count - The memfd, sealed against a change of its size
 * @seen:	Frames that passed while it was captured
 * @dropped:	Of these, those that the socket had no room for
 */
struct capture_count {
	uint64_t seen;
	uint64_t dropped;
};

/**
 * capture_judge() - Is this a record, and nothing else?
 * @buf:	A datagram of @len bytes
 * @out:	A copy of its head; @what is printable text
 *
 * Return: 0 or -EPROTO. Pure.
 */
int must_check capture_judge(const void *buf, size_t len, struct capture_rec *out);

/** capture_count_new() - Make the memfd. Return: fd or -errno. */
int must_check capture_count_new(void);

/** capture_count_map() - The worker's half: it must be one. Return: 0 or -errno. */
int must_check capture_count_map(int fd, struct capture_count **out);
void capture_count_unmap(struct capture_count *c);

/** capture_count_read() - Whatever a worker has written there. Return: 0 or -errno. */
int must_check capture_count_read(int fd, struct capture_count *out);

#endif
