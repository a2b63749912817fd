/* SPDX-License-Identifier: MIT */
/*
 * The frontend's end of a network card's rings: requests in, responses out, and whether
 * the backend keeps to the protocol. Works on pages of memory only.
 */
#ifndef PVB_NETFRONT_RING_H
#define PVB_NETFRONT_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"
#include "xenabi.h"

/* Requests that fit one ring page. */
#define NETFRONT_RING  256U
/* Parts of a frame that every backend takes: those of netif.h. */
#define NETFRONT_PARTS XEN_NETIF_NR_SLOTS_MIN
/* Slots of a frame: its parts, and extras. */
#define NETFRONT_SLOTS (NETFRONT_PARTS + 2U)

/**
 * struct netfront_meta - What a frame says besides its bytes
 * @csum_blank:	Its TCP or UDP checksum is that of the pseudo header only
 * @validated:	Its checksum need not be looked at
 * @gso_type:	XEN_NETIF_GSO_TYPE_*
 * @gso_size:	Bytes of payload a segment gets
 * @hashed:	The backend says that it has the Toeplitz hash @hash, of @hash_type
 * @hash_type:	_XEN_NETIF_CTRL_HASH_TYPE_*
 */
struct netfront_meta {
	bool csum_blank;
	bool validated;
	uint8_t gso_type;
	uint16_t gso_size;
	bool hashed;
	uint8_t hash_type;
	uint32_t hash;
};

/**
 * struct netfront_tx - Private state of a transmit ring
 * @pushed:	Value of req_prod that the backend was given
 * @free:	Ids that are not in flight, @nfree of them; an id is a buffer, too
 * @busy:	By id
 * @first_id:	An id on the ring less this is one of ours
 * @extras:	In flight: each is answered without an id
 * @errors:	Slots answered with an error
 */
struct netfront_tx {
	netif_tx_front_ring_t front;
	RING_IDX pushed;
	uint16_t free[NETFRONT_RING];
	uint32_t nfree;
	bool busy[NETFRONT_RING];
	uint16_t first_id;
	uint32_t extras;
	uint64_t errors;
};

/** netfront_tx_init() - Make @page an empty ring; on it, ids begin with @first_id */
void netfront_tx_init(struct netfront_tx *r, void *page, uint16_t first_id);

/** netfront_tx_room() - Slots that may be put */
uint32_t netfront_tx_room(const struct netfront_tx *r);

/** netfront_tx_id() - Take an id for netfront_tx_put(); there must be room */
uint16_t netfront_tx_id(struct netfront_tx *r);

/** netfront_tx_put() - Write a slot; the backend sees it after netfront_tx_push() */
void netfront_tx_put(struct netfront_tx *r, const struct netif_tx_request *req);
void netfront_tx_put_extra(struct netfront_tx *r, const struct netif_extra_info *extra);

/** netfront_tx_push() - Publish. Return: the backend asks to be notified. */
bool netfront_tx_push(struct netfront_tx *r);

/**
 * netfront_tx_reap() - Take all responses
 * @why:	What is wrong with one
 *
 * Return: 0, or -EPROTO: the ring must not be used any more.
 */
int must_check netfront_tx_reap(struct netfront_tx *r, char *why, size_t why_size);

/**
 * netfront_tx_arm() - Ask for an event when half of what is in flight is answered
 *
 * Return: no need to wait, responses are there.
 */
bool netfront_tx_arm(struct netfront_tx *r);

/**
 * struct netfront_rx - Private state of a receive ring; a slot's id is its place in it
 * @pushed:	Value of req_prod that the backend was given
 * @headroom:	Frames are to have as much before them, in their first page
 * @was:	Or so much, those that begin before response @since, or while @either
 */
struct netfront_rx {
	netif_rx_front_ring_t front;
	RING_IDX pushed;
	uint16_t headroom, was;
	bool either;
	RING_IDX since;
};

/**
 * struct netfront_part - A part of a received frame: @len bytes at @off in buffer @id
 */
struct netfront_part {
	uint16_t id;
	uint16_t off;
	uint16_t len;
};

/**
 * struct netfront_frame - A received frame
 * @slots:	Of the ring; as many may be posted again once the data was read
 * @headroom:	Bytes before it in its first page, as an extra says
 * @bad:	A part of it could not be copied: it is to be dropped
 */
struct netfront_frame {
	struct netfront_meta meta;
	uint32_t len;
	uint32_t slots;
	uint16_t headroom;
	bool bad;
	uint32_t nparts;
	struct netfront_part part[NETFRONT_SLOTS];
};

void netfront_rx_init(struct netfront_rx *r, void *page);

/** netfront_rx_headroom() - Frames may have @bytes of headroom, or what they had */
void netfront_rx_headroom(struct netfront_rx *r, uint16_t bytes);

/** netfront_rx_settled() - All that are published from now on must have it */
void netfront_rx_settled(struct netfront_rx *r);

/** netfront_rx_post() - Post the next slot. Return: its id. @ref: by id. */
void netfront_rx_post(struct netfront_rx *r, const uint32_t *ref);

/** netfront_rx_push() - Publish. Return: the backend asks to be notified. */
bool netfront_rx_push(struct netfront_rx *r);

/**
 * netfront_rx_take() - Take one frame
 *
 * Return: 1, 0 when there is none, or -EPROTO with @why.
 */
int must_check netfront_rx_take(struct netfront_rx *r, struct netfront_frame *f,
                                char *why, size_t why_size);

/** netfront_rx_arm() - Ask for an event. Return: no need to wait, frames are there. */
bool netfront_rx_arm(struct netfront_rx *r);

#endif
