/* SPDX-License-Identifier: MIT */
/*
 * A network card of this domain, from user space: handshake, rings, buffers. Frames go in
 * and out whole, with what netif says about them. A card has one queue or several, each a
 * pair of rings. One thread per card, or, if it waits for nothing but them, per queue.
 *
 * When the device goes away, or the backend breaks the protocol, the handle is disabled:
 * the reason is logged once, and every call returns it.
 */
#ifndef PVB_NETFRONT_H
#define PVB_NETFRONT_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"
#include "netfront_ring.h"

struct netfront;
struct netfront_queue;

/* Queues that a card may have: more than any backend offers. */
#define NETFRONT_QUEUES_MAX 16U

/* Largest frame either way: 64 KiB of IP behind Ethernet and VLAN headers. */
#define NETFRONT_FRAME_MAX (65535U + 14U + 8U)

/**
 * enum netfront_habit - Whose keys are written, in whose way
 *
 * With any but our own there is only what that driver has: see netfront_keys.c.
 */
enum netfront_habit {
	NETFRONT_OWN,
	NETFRONT_LINUX,
	NETFRONT_FREEBSD,
	NETFRONT_WINDOWS,
	NETFRONT_MINIOS,
};

/**
 * struct netfront_hash - What frames are to be hashed, and where they are to go then
 * @types:	XEN_NETIF_CTRL_HASH_TYPE_*
 * @key:	Of the Toeplitz hash
 * @size:	Entries of @to
 * @to:		Queue of a hash modulo @size
 */
struct netfront_hash {
	uint32_t types;
	uint8_t key[40];
	uint32_t size;
	uint32_t to[128];
};

/**
 * struct netfront_conf - How to use a card
 * @habit:	Whose keys and way
 * @sg:		Take frames of more than one slot
 * @csum:	Take blank checksums
 * @gso:	Take frames to be segmented
 * @split:	An event channel for each ring
 * @rx_notify:	Tell the backend when slots were posted
 * @rx_slots:	As many are posted on each queue, 0 to NETFRONT_RING
 * @queues:	As many, or what the backend offers, if that is less
 * @mcast:	Of groups take those only that netfront_group() was told of
 * @hash:	Have frames hashed, on a control ring, or NULL
 * @headroom:	Bytes that the first page of a frame begins with, for an XDP program
 * @reset:	Take over from a frontend that has died
 * @timeout_ms:	For each of connecting and closing
 * @wake_fd:	Readable ends every wait; -1 for none
 */
struct netfront_conf {
	enum netfront_habit habit;
	bool sg;
	bool csum;
	bool gso;
	bool split;
	bool rx_notify;
	unsigned int rx_slots;
	unsigned int queues;
	bool mcast;
	const struct netfront_hash *hash;
	uint16_t headroom;
	bool reset;
	int timeout_ms;
	int wake_fd;
};

/** NETFRONT_DEFAULTS - What Linux's netfront does */
#define NETFRONT_DEFAULTS                                   \
	((struct netfront_conf){ .sg = true,                \
	                         .csum = true,              \
	                         .gso = true,               \
	                         .split = true,             \
	                         .rx_notify = true,         \
	                         .rx_slots = NETFRONT_RING, \
	                         .queues = 1,               \
	                         .timeout_ms = 30000,       \
	                         .wake_fd = -1 })

/**
 * struct netfront_info - What the toolstack and the backend say about the card
 * @mac:	Its address
 * @mtu:	0 if nothing is said
 * @sg:		The backend takes frames of more than one slot
 * @csum6:	And blank checksums of IPv6; those of IPv4 always
 * @gso4:	And frames to be segmented
 * @gso6:	The same for IPv6
 * @split:	There is an event channel for each ring
 * @mcast:	The backend looks which groups a frame is for
 * @ctrl:	There is a control ring
 * @headroom:	It leaves room for an XDP program
 * @max_queues:	The backend offers as many
 * @queues:	There are as many
 */
struct netfront_info {
	uint8_t mac[6];
	uint32_t mtu;
	bool sg;
	bool csum6;
	bool gso4;
	bool gso6;
	bool split;
	bool mcast;
	bool ctrl;
	bool headroom;
	uint32_t max_queues;
	uint32_t queues;
};

/** struct netfront_takes - What the keys of a frontend let the backend give it */
struct netfront_takes {
	bool sg, csum4, csum6, gso4, gso6;
};

/** netfront_takes() - What was said with @conf */
struct netfront_takes netfront_takes(const struct netfront_conf *conf);

/** struct netfront_stats - Since the device was opened */
struct netfront_stats {
	uint64_t tx_frames, tx_errors;
	uint64_t rx_frames, rx_errors;
	uint64_t notifies, events;
	uint64_t reconfigured;
};

/**
 * netfront_open() - Look device @devid up and connect to it
 *
 * Return: 0 or -errno, the reason is logged; as blkfront_open().
 */
int must_check netfront_open(struct netfront **out, uint32_t devid,
                             const struct netfront_conf *conf);

/** netfront_close() - Close the device orderly, free everything; NULL is accepted */
int netfront_close(struct netfront *nf);

/**
 * netfront_headroom() - Have another headroom from now on, as Linux when an XDP program
 * comes or goes: Reconfiguring, which netfront_wait() ends when the backend is
 * Reconfigured
 *
 * Frames go on meanwhile; those that come after that must have it.
 *
 * Return: 0, -EBUSY: the last change is not through, -EOPNOTSUPP, or the handle's error.
 */
int must_check netfront_headroom(struct netfront *nf, uint16_t bytes);

const struct netfront_info *netfront_info(const struct netfront *nf);
const char *netfront_tag(const struct netfront *nf);

/** netfront_stats() - Of all queues together */
struct netfront_stats netfront_stats(const struct netfront *nf);

/** netfront_queue() - Queue @i; there are netfront_info()->queues, from 0 on */
struct netfront_queue *netfront_queue(struct netfront *nf, uint32_t i);

/**
 * struct netfront_cut - A part of a frame in a slot of its own: @len bytes at @off of its
 * page; it may be empty, except for the first one, which has the Ethernet header
 */
struct netfront_cut {
	uint16_t off;
	uint16_t len;
};

/**
 * struct netfront_layout - Slots that a frame is put in
 * @twice:	Of one to be segmented there are two extras, the first of which says
 * nonsense
 */
struct netfront_layout {
	uint32_t n;
	bool twice;
	struct netfront_cut cut[NETFRONT_PARTS];
};

/**
 * netfront_lay() - As few slots as @len takes
 * @first:	Bytes that the first one gets, 14 at least; 0: as many as fit
 */
void netfront_lay(struct netfront_layout *l, uint32_t len, uint32_t first);

/**
 * netfront_send() - Put a frame on the ring; the backend sees it after netfront_kick()
 * @frame:	NULL: what is in the pages is good for any part of it, see netfront_fill()
 * @layout:	Its slots; NULL: as few as it takes
 *
 * Return: 0, -EAGAIN when the ring is full, or the handle's error.
 */
int must_check netfront_send(struct netfront_queue *q, const struct netfront_meta *m,
                             const void *frame, uint32_t len,
                             const struct netfront_layout *layout);

/**
 * netfront_group() - Listen to group @mac, or not any more; as netfront_send()
 *
 * One that the backend has no room for counts as a frame that was refused.
 */
int must_check netfront_group(struct netfront_queue *q, const uint8_t mac[6],
                              bool listen);

/** netfront_fill() - Begin all pages for sending with @frame, or a page of it */
void netfront_fill(struct netfront_queue *q, const void *frame, uint32_t len);

/**
 * netfront_recv() - Take a frame
 * @frame:	Room for NETFRONT_FRAME_MAX
 *
 * Return: its length, 0 when there is none, or the handle's error.
 */
int must_check netfront_recv(struct netfront_queue *q, struct netfront_meta *m,
                             void *frame);

/** netfront_kick() - Publish what was put and posted, notify the backend if it asks */
void netfront_kick(struct netfront_queue *q);

/** netfront_room() - Slots that are free for frames to be sent */
uint32_t netfront_room(struct netfront_queue *q);

/**
 * netfront_wait() - Sleep until there is something to do, on any queue
 * @extra:	The caller's own descriptor; its revents is set
 * @timeout_ms:	-1 for no limit
 *
 * Return: 0, 1 when wake_fd is readable, -ETIMEDOUT, or the handle's error.
 */
int must_check netfront_wait(struct netfront *nf, struct pollfd *extra, int timeout_ms);

#endif
