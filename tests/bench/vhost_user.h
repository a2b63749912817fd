/* SPDX-License-Identifier: MIT */
/*
 * The front end of a vhost-user block device: handshake over its socket, memory shared
 * with it, one split virtqueue with EVENT_IDX. From QEMU's docs/interop/vhost-user.rst
 * and the virtio 1.x specification.
 */
#ifndef BENCH_VHOST_USER_H
#define BENCH_VHOST_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/virtio_ring.h>

/* Requests in flight at most; each is a chain of header, data, status. */
#define VU_DEPTH 32U
#define VU_CHAIN 3U
#define VU_QUEUE 128U

/**
 * struct vu - A device with its queue
 * @bytes:	Capacity
 * @mem:	Memory shared with the back end
 * @data:	VU_DEPTH buffers of the size asked for, in @mem
 * @kick:	eventfd towards the back end
 * @call:	eventfd from it, which it makes non-blocking
 * @posted:	Requests ever made available
 * @kicked:	Value of @posted at the last vu_kick()
 * @seen:	Answers ever taken
 * @kicks:	Notifications sent, and @calls received
 */
struct vu {
	int sock;
	uint64_t bytes;
	uint8_t *mem;
	size_t mem_len;
	uint8_t *data;
	uint32_t block;
	struct vring ring;
	int kick;
	int call;
	uint16_t posted;
	uint16_t kicked;
	uint16_t seen;
	uint64_t kicks;
	uint64_t calls;
};

/** vu_open() - Connect to @socket, for requests of @block bytes; any failure ends us */
void vu_open(struct vu *vu, const char *socket, uint32_t block);

/** vu_close() - Stop the queue, so that the back end lets go of our memory */
void vu_close(struct vu *vu);

/** vu_buffer() - Data of request @i */
static inline uint8_t *vu_buffer(const struct vu *vu, uint32_t i)
{
	return vu->data + (size_t)i * vu->block;
}

/** vu_post() - Make request @i available, seen by the back end after vu_kick() */
void vu_post(struct vu *vu, uint32_t i, bool write, uint64_t offset);

/** vu_kick() - Show what was posted, notify the back end if it asks for it */
void vu_kick(struct vu *vu);

/** vu_take() - Take an answer. Return: its request, or -1. A failed one ends us. */
int vu_take(struct vu *vu);

/** vu_wait() - Sleep until there may be an answer, or for @timeout_ms */
void vu_wait(struct vu *vu, int timeout_ms);

#endif
