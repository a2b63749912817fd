/* SPDX-License-Identifier: MIT */
/*
 * The capture of a card's frames, as common/capture.h has it; one at a time for all
 * queues of a card. While there is none a queue asks for that once a turn, and no more is
 * done.
 *
 * What became of a frame is said with the name of the counter that counted it.
 */
#ifndef PVB_NET_CAPTURE_H
#define PVB_NET_CAPTURE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <sys/uio.h>

#include "capture.h"
#include "compiler.h"

/**
 * struct net_capture - A card's
 * @on:		There is one; @lock guards the rest
 * @sock:	Never waited for
 */
struct net_capture {
	atomic_bool on;
	pthread_mutex_t lock;
	const char *tag;
	int sock;
	uint32_t snaplen;
	struct capture_count *count;
};

/**
 * struct net_captured - A frame, or what would have been one
 * @what:	The name of the counter that counted it
 * @lost:	It was not passed on
 * @loose:	No slot of the ring was its own: @index and @slots say nothing
 */
struct net_captured {
	enum capture_dir dir;
	const char *what;
	uint32_t queue;
	uint32_t index;
	uint32_t slots;
	uint32_t len;
	bool lost;
	bool loose;
	bool csum_blank;
	bool validated;
	uint8_t gso_type;
	uint16_t gso_size;
};

void net_capture_init(struct net_capture *c, const char *tag);

/** net_capture_end() - Also of one that there is not */
void net_capture_end(struct net_capture *c);

/**
 * net_capture_begin() - From now on; main thread
 * @fds:	The socket, which is taken, and the counts
 *
 * The other end is told whether there is one: not if another still looks.
 */
void net_capture_begin(struct net_capture *c, uint32_t snaplen, int fds[2]);

/** net_capture_get() - Once for each turn. Return: NULL if there is none. */
static inline struct net_capture *net_capture_get(struct net_capture *c)
{
	return atomic_load_explicit(&c->on, memory_order_relaxed) ? c : NULL;
}

/** net_capture_add() - A frame; of its bytes, in @n pieces, as many as are wanted */
void net_capture_add(struct net_capture *c, const struct net_captured *f,
                     const struct iovec *iov, uint32_t n);

#endif
