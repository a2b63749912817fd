/* SPDX-License-Identifier: MIT */
/*
 * One queue of a block device: ring, event channel, slots and the pages they share. It
 * belongs to one thread, and knows nothing of XenStore.
 */
#ifndef PVB_BLKFRONT_QUEUE_H
#define PVB_BLKFRONT_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "blkfront.h"
#include "compiler.h"
#include "front_chan.h"

/**
 * struct bfq - A queue
 * @tag:	For log lines
 * @conf, @info: The device's
 * @handle:	What requests name the device
 * @index:	The queue's number
 * @depth:	Slots in use
 * @pages:	The ring's, or NULL while not connected; @refs are their grants
 * @slot:	All of them; @free has the numbers of @nfree that are free
 * @shared:	Pages that slots have granted
 * @inflight:	Slots on the ring
 * @requests:	Put on the ring since the device was opened, with @past of earlier
 *		connections
 * @wake_fd:	Ends a wait, -1 for none
 */
struct bfq {
	const char *tag;
	const struct blkfront_conf *conf;
	const struct blkfront_info *info;
	uint16_t handle;
	unsigned int index;
	unsigned int depth;
	struct front_chan chan;
	struct blkfront_ring ring;
	void *pages;
	unsigned int npages;
	uint32_t refs[BLKFRONT_PAGES_MAX];
	struct slot *slot;
	unsigned int *free;
	unsigned int nfree;
	unsigned int shared;
	unsigned int inflight;
	uint64_t requests;
	struct blkfront_stats past;
	int wake_fd;
};

/**
 * bfq_open() - Share a ring and an event channel with the backend in domain @domid
 *
 * bfq_close() takes it also after a failure, which is logged.
 */
int must_check bfq_open(struct bfq *q, uint32_t domid);

/** bfq_close() - Revoke everything; the backend has let go of it */
void bfq_close(struct bfq *q);

struct blkfront_stats bfq_stats(const struct bfq *q);

/** bfq_get(), bfq_put(), bfq_queue() - As blkfront_get() and its kin, of a sound handle
 */
int must_check bfq_get(struct bfq *q, uint8_t op, uint64_t offset, uint64_t len,
                       struct blkfront_req **out);
void bfq_put(struct bfq *q, struct blkfront_req *req);

/** bfq_queue() - @dead: the handle is disabled, the request does not go anywhere */
void bfq_queue(struct bfq *q, struct blkfront_req *req, bool dead);

/** bfq_kick() - Return: 0, or why the backend cannot be notified; that is logged */
int must_check bfq_kick(struct bfq *q);

/** bfq_reap() - Return: 1, 0 when there is none, or -EPROTO, logged: disable the device
 */
int must_check bfq_reap(struct bfq *q, struct blkfront_req **out);

/** bfq_reap_dead() - Of a disabled handle: one in flight fails with @error. Return: 1, or
 * @error when there is none. */
int must_check bfq_reap_dead(struct bfq *q, int error, struct blkfront_req **out);

#endif
