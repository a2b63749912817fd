/* SPDX-License-Identifier: MIT */
/*
 * I/O of any length from and to the caller's own memory, over the requests of blkfront.h:
 * split into what one request can move, copied into and out of the shared pages.
 */
#ifndef PVB_BLKFRONT_IO_H
#define PVB_BLKFRONT_IO_H

#include <stddef.h>
#include <stdint.h>

#include "blkfront.h"
#include "compiler.h"

/**
 * struct blkio - One I/O; the caller's, not to be touched until blkio_next() returns it
 * @op:		As of struct blkfront_req
 * @flag:	The same; it is for discards
 * @offset:	Bytes, whole sectors, as @len
 * @buf:	Any address; not written to by a write
 * @result:	0 or -errno, of the first part that failed
 * @next:	This and below are the queue's
 * @queued:	Not wholly given to the ring yet
 * @issued:	Bytes given to the ring
 * @parts:	Requests in flight
 */
struct blkio {
	uint8_t op;
	uint8_t flag;
	uint64_t offset;
	size_t len;
	void *buf;
	int result;
	struct blkio *next;
	bool queued;
	size_t issued;
	unsigned int parts;
};

/** struct blkio_list - First in, first out */
struct blkio_list {
	struct blkio *head;
	struct blkio **tail;
};

/**
 * struct blkio_queue - I/Os on their way
 * @queue:	The device's queue they take, or BLKFRONT_ANY; a barrier orders those of
 *		one queue only
 * @todo:	Not wholly given to the ring yet; the first may be in parts
 * @done:	Complete, for blkio_next()
 */
struct blkio_queue {
	struct blkfront *bf;
	unsigned int queue;
	struct blkio_list todo;
	struct blkio_list done;
};

void blkio_init(struct blkio_queue *q, struct blkfront *bf, unsigned int queue);

/**
 * blkio_submit() - Queue an I/O; blkio_run() starts it
 *
 * One that blkfront_check() refuses completes with that error.
 */
void blkio_submit(struct blkio_queue *q, struct blkio *io);

/** blkio_run() - Take what has been answered, fill the ring, notify the backend */
void blkio_run(struct blkio_queue *q);

/** blkio_next() - Take a complete I/O, or NULL */
struct blkio *blkio_next(struct blkio_queue *q);

/**
 * blkio_sync() - Do one I/O and wait for it; nothing else may be in flight
 *
 * Return: 0, the I/O's error, -EINTR when woken up or -ETIMEDOUT without any answer for
 * @timeout_ms; in both cases the device is good for blkfront_close() only.
 */
int must_check blkio_sync(struct blkfront *bf, uint8_t op, uint64_t offset, void *buf,
                          size_t len, int timeout_ms);

#endif
