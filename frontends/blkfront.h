/* SPDX-License-Identifier: MIT */
/*
 * A virtual block device of this domain, from user space: handshake, ring, shared
 * buffers.
 *
 * Requests are built in place: blkfront_get() hands out a slot with granted pages,
 * blkfront_queue() puts it on the ring, blkfront_kick() tells the backend,
 * blkfront_reap() returns it answered, blkfront_put() gives the pages back. blkfront_io.h
 * is the layer for buffers of any address and length. One thread per handle.
 *
 * When the device goes away, or the backend breaks the protocol, the handle is disabled
 * for further use: the reason is logged once, blkfront_reap() returns each request in
 * flight with that error, and every other call returns it.
 */
#ifndef PVB_BLKFRONT_H
#define PVB_BLKFRONT_H

#include <stdbool.h>
#include <stdint.h>

#include "blkfront_ring.h"
#include "compiler.h"

struct blkfront;

/* Most a request moves, if it begins on a page boundary. */
#define BLKFRONT_REQ_MAX ((size_t)BLKIF_MAX_SEGMENTS_PER_REQUEST * XEN_PAGE)

/**
 * struct blkfront_conf - How to use a device
 * @depth:	Requests in flight, 1 to BLKFRONT_RING_SIZE
 * @persistent:	Offer feature-persistent and keep each page granted
 * @rotate:	Without @persistent: requests after which a slot's pages are replaced by
 *		freshly granted ones, at least 1
 * @reset:	Take over from a frontend that has died, see front_start()
 * @timeout_ms:	For each of connecting and closing
 * @wake_fd:	Readable ends every wait; -1 for none
 */
struct blkfront_conf {
	unsigned int depth;
	bool persistent;
	unsigned int rotate;
	bool reset;
	int timeout_ms;
	int wake_fd;
};

/** BLKFRONT_DEFAULTS - Full depth, persistent, half a minute */
#define BLKFRONT_DEFAULTS                                     \
	((struct blkfront_conf){ .depth = BLKFRONT_RING_SIZE, \
	                         .rotate = 1,                 \
	                         .persistent = true,          \
	                         .timeout_ms = 30000,         \
	                         .wake_fd = -1 })

/**
 * struct blkfront_info - What the backend says about the device
 * @bytes:		Capacity
 * @sector_size:	Unit of offsets and lengths, bytes
 * @physical_size:	Unit the storage prefers, bytes
 * @readonly:		Writes are refused
 * @cdrom:		It is one
 * @flush:		FLUSH is served: there is a cache to flush
 * @persistent:		Grants are kept mapped: both sides wish it
 */
struct blkfront_info {
	uint64_t bytes;
	uint32_t sector_size;
	uint32_t physical_size;
	bool readonly;
	bool cdrom;
	bool flush;
	bool persistent;
};

/** struct blkfront_stats - Since the device was opened */
struct blkfront_stats {
	uint64_t requests;
	uint64_t notifies;
	uint64_t events;
};

/**
 * struct blkfront_req - A slot of the ring with its pages
 * @buf:	@len bytes in granted pages, laid out in them as @offset is in its page
 * @op:		BLKIF_OP_READ, _WRITE or _FLUSH_DISKCACHE
 * @result:	After blkfront_reap(): 0, -EIO, -EOPNOTSUPP, or the handle's error
 * @cookie:	The caller's
 */
struct blkfront_req {
	void *buf;
	uint64_t offset;
	uint32_t len;
	uint8_t op;
	int result;
	void *cookie;
};

/**
 * blkfront_find() - Number of a disk of this domain
 * @name:	As vdev_parse() takes it, or NULL for the only disk there is
 *
 * Return: 0; -EINVAL, @name is none, or is needed because there are several; -ENODEV
 * there is no such disk; other -errno. The reason is logged.
 */
int must_check blkfront_find(const char *name, uint32_t *devid);

/**
 * blkfront_open() - Look device @devid up and connect to it
 *
 * Return: 0 or -errno, the reason is logged: -ENODEV there is none or its backend
 * declines it, -EBUSY it is in use, -ETIMEDOUT the backend does not answer, -EINTR
 * woken up, -EPROTO the backend publishes nonsense.
 */
int must_check blkfront_open(struct blkfront **out, uint32_t devid,
                             const struct blkfront_conf *conf);

/**
 * blkfront_disconnect() - Close the device orderly; the handle is disabled for all but
 * blkfront_reconnect() and blkfront_close()
 *
 * All requests must have been reaped and put back. A handle that has become disabled
 * holds the device until this or blkfront_close(): only then may its backend be removed.
 *
 * Return: 0, or -errno when the backend did not follow to Closed.
 */
int blkfront_disconnect(struct blkfront *bf);

/** blkfront_reconnect() - Close the device orderly and connect to it anew */
int must_check blkfront_reconnect(struct blkfront *bf);

/**
 * blkfront_close() - Close the device orderly, free everything; NULL is accepted
 *
 * Return: 0, or -errno when the backend did not follow to Closed; all is freed even so.
 */
int blkfront_close(struct blkfront *bf);

const struct blkfront_info *blkfront_info(const struct blkfront *bf);
struct blkfront_stats blkfront_stats(const struct blkfront *bf);
const char *blkfront_tag(const struct blkfront *bf);
uint32_t blkfront_devid(const struct blkfront *bf);

/** blkfront_error() - 0, or why the handle is disabled: -EPROTO, -ENODEV, ... */
int blkfront_error(const struct blkfront *bf);

/**
 * blkfront_check() - May this be asked of the device?
 *
 * Return: 0, -EINVAL (not whole sectors), -ENOSPC (beyond the end), -EROFS or
 * -EOPNOTSUPP.
 */
int must_check blkfront_check(const struct blkfront_info *info, uint8_t op,
                              uint64_t offset, uint64_t len);

/** blkfront_req_max() - Most bytes that one request moves from @offset on */
uint32_t blkfront_req_max(uint64_t offset);

/**
 * blkfront_get() - Take a free slot for an I/O that passed blkfront_check()
 * @len:	At most blkfront_req_max(@offset); 0 for a flush
 *
 * Return: 0, -EAGAIN when @depth slots are taken, -ENOMEM or -ENOSPC when pages cannot be
 * granted, or the handle's error.
 */
int must_check blkfront_get(struct blkfront *bf, uint8_t op, uint64_t offset,
                            uint32_t len, struct blkfront_req **out);

/** blkfront_put() - Give an answered request back; @buf is not to be used any more */
void blkfront_put(struct blkfront *bf, struct blkfront_req *req);

/** blkfront_queue() - Put a request that was got on the ring */
void blkfront_queue(struct blkfront *bf, struct blkfront_req *req);

/** blkfront_kick() - Let the backend see all requests queued, notify it if it sleeps */
void blkfront_kick(struct blkfront *bf);

/**
 * blkfront_reap() - Take an answered request
 *
 * Return: 1, 0 when there is none now, or the handle's error when none is left in flight.
 */
int must_check blkfront_reap(struct blkfront *bf, struct blkfront_req **out);

/**
 * blkfront_wait() - Sleep until blkfront_reap() may have something
 * @timeout_ms:	-1 for no limit
 *
 * Return: 0, 1 when wake_fd is readable, or -ETIMEDOUT.
 */
int must_check blkfront_wait(struct blkfront *bf, int timeout_ms);

#endif
