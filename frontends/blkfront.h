/* SPDX-License-Identifier: MIT */
/*
 * A virtual block device of this domain, from user space: handshake, rings, shared
 * buffers.
 *
 * Requests are built in place: blkfront_get() hands out a slot with granted pages,
 * blkfront_queue() puts it on the ring, blkfront_kick() tells the backend,
 * blkfront_reap() returns it answered, blkfront_put() gives the pages back. blkfront_io.h
 * is the layer for buffers of any address and length.
 *
 * A device has one or several queues, each with a ring and an event channel of its own.
 * Calls that name a queue may be made by one thread for each queue at once; BLKFRONT_ANY,
 * and all that name none, need a caller that is alone.
 *
 * When the device goes away, or the backend breaks the protocol, the handle is disabled
 * for further use: the reason is logged once, blkfront_reap() returns each request in
 * flight with that error, and every other call returns it.
 */
#ifndef PVB_BLKFRONT_H
#define PVB_BLKFRONT_H

#include <stdbool.h>
#include <stdint.h>

#include "blkfront_abi.h"
#include "blkfront_ring.h"
#include "compiler.h"

struct blkfront;

/* Most queues that are asked for. */
#define BLKFRONT_QUEUES_MAX 16U

/* Segments in a request: of a direct one, and of an indirect one as blkif has it. */
#define BLKFRONT_DIRECT   ((unsigned int)BLKIF_MAX_SEGMENTS_PER_REQUEST)
#define BLKFRONT_INDIRECT 4096U

/* For a queue's number: whichever has room, or something to tell. */
#define BLKFRONT_ANY UINT32_MAX

/**
 * enum blkfront_keys - How the ring's pages are named in XenStore
 *
 * Frontends and backends do not agree on this, so a backend has to take all of it.
 */
enum blkfront_keys {
	BLKFRONT_KEYS_LINUX,   /* one page: ring-ref; more: ring-page-order, ring-refN */
	BLKFRONT_KEYS_ORDER,   /* always ring-page-order and ring-refN */
	BLKFRONT_KEYS_PLAIN,   /* always ring-page-order; of one page ring-ref: FreeBSD */
	BLKFRONT_KEYS_PAGES,   /* num-ring-pages in the place of ring-page-order */
	BLKFRONT_KEYS_WINDOWS, /* as Linux, and how many queues even if it is one */
};

/**
 * struct blkfront_conf - How to use a device
 * @queues:	How many to ask for, 1 to BLKFRONT_QUEUES_MAX
 * @order:	Pages of each ring to ask for, as a power of two, to BLKFRONT_ORDER_MAX
 * @segments:	Of a read or write, to BLKFRONT_INDIRECT; beyond BLKFRONT_DIRECT they are
 *		sent as indirect requests. Of these four the backend may grant less, see
 *		struct blkfront_info.
 * @indirect:	Send every read and write as an indirect request
 * @depth:	Requests in flight for each queue, as far as the ring has slots; 0: all
 * @protocol:	Layout of the rings
 * @unsaid:	Do not write the protocol key: the backend has to assume
 * @keys:	How the pages are named
 * @hasty:	Publish and be Connected at once, without having seen the backend in
 *		InitWait, as mini-os does; one queue and one page then
 * @persistent:	Offer feature-persistent and keep each page granted
 * @rotate:	Without @persistent: requests after which a slot's pages are replaced by
 *		freshly granted ones, at least 1
 * @reset:	Take over from a frontend that has died, see front_start()
 * @timeout_ms:	For each of connecting and closing
 * @wake_fd:	Readable ends every wait; -1 for none
 */
struct blkfront_conf {
	unsigned int queues;
	unsigned int order;
	unsigned int segments;
	bool indirect;
	unsigned int depth;
	enum blkfront_protocol protocol;
	bool unsaid;
	enum blkfront_keys keys;
	bool hasty;
	bool persistent;
	unsigned int rotate;
	bool reset;
	int timeout_ms;
	int wake_fd;
};

/** BLKFRONT_DEFAULTS - One queue of one page, full depth, persistent, half a minute */
#define BLKFRONT_DEFAULTS                                     \
	((struct blkfront_conf){ .queues = 1,                 \
	                         .segments = BLKFRONT_DIRECT, \
	                         .rotate = 1,                 \
	                         .persistent = true,          \
	                         .timeout_ms = 30000,         \
	                         .wake_fd = -1 })

/**
 * struct blkfront_offer - What the backend can do at most
 * @queues:	At least 1
 * @order:	Pages of a ring, as a power of two
 * @segments:	Of an indirect request; 0: it serves none
 */
struct blkfront_offer {
	uint32_t queues;
	uint32_t order;
	uint32_t segments;
};

/**
 * struct blkfront_info - What the backend says about the device, and what was agreed
 * @bytes:		Capacity; it may change while the device is in use, see
 *			blkfront_bytes()
 * @sector_size:	Unit of offsets and lengths, bytes
 * @physical_size:	Unit the storage prefers, bytes
 * @readonly:		Writes are refused
 * @cdrom:		It is one
 * @flush:		FLUSH is served: there is a cache to flush
 * @barrier:		WRITE_BARRIER is served
 * @discard:		DISCARD is served
 * @secure:		And may be asked to be secure
 * @granularity:	Unit the storage discards, bytes
 * @alignment:		Where the first such unit begins, bytes
 * @persistent:		Grants are kept mapped: both sides wish it
 * @queues:		Agreed
 * @order:		Agreed
 * @segments:		Agreed, of a read or write
 */
struct blkfront_info {
	uint64_t bytes;
	uint32_t sector_size;
	uint32_t physical_size;
	bool readonly;
	bool cdrom;
	bool flush;
	bool barrier;
	bool discard;
	bool secure;
	uint32_t granularity;
	uint32_t alignment;
	bool persistent;
	unsigned int queues;
	unsigned int order;
	unsigned int segments;
	struct blkfront_offer offer;
};

/** struct blkfront_stats - Since the device was opened */
struct blkfront_stats {
	uint64_t requests;
	uint64_t notifies;
	uint64_t events;
};

/**
 * struct blkfront_req - A slot of a ring with its pages
 * @buf:	@len bytes in granted pages, laid out in them as @offset is in its page;
 *		of a discard NULL
 * @op:		BLKIF_OP_READ, _WRITE, _WRITE_BARRIER, _FLUSH_DISKCACHE or _DISCARD
 * @flag:	Of a discard: BLKIF_DISCARD_SECURE or 0; set before blkfront_queue()
 * @queue:	Where it belongs
 * @result:	After blkfront_reap(): 0, -EIO, -EOPNOTSUPP, or the handle's error
 * @cookie:	The caller's
 */
struct blkfront_req {
	void *buf;
	uint64_t offset;
	uint64_t len;
	uint8_t op;
	uint8_t flag;
	unsigned int queue;
	int result;
	void *cookie;
};

/**
 * blkfront_list() - Numbers of this domain's disks, ascending; free() them
 *
 * Return: 0, or -errno when XenStore cannot be reached, which is logged.
 */
int must_check blkfront_list(uint32_t **devids, unsigned int *n);

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
const char *blkfront_tag(const struct blkfront *bf);
uint32_t blkfront_devid(const struct blkfront *bf);

/** blkfront_bytes() - The capacity now; blkfront_wait() notices when it changes */
uint64_t blkfront_bytes(const struct blkfront *bf);

/** blkfront_stats() - Of one queue, or of all: BLKFRONT_ANY */
struct blkfront_stats blkfront_stats(const struct blkfront *bf, unsigned int queue);

/** blkfront_error() - 0, or why the handle is disabled: -EPROTO, -ENODEV, ... */
int blkfront_error(const struct blkfront *bf);

/**
 * blkfront_check() - May this be asked of the device?
 *
 * A flush or a barrier without data has no @offset.
 *
 * Return: 0, -EINVAL (not whole sectors), -ENOSPC (beyond the end), -EROFS or
 * -EOPNOTSUPP.
 */
int must_check blkfront_check(const struct blkfront_info *info, uint8_t op,
                              uint64_t offset, uint64_t len);

/** blkfront_may_be_empty() - A flush or a barrier: it says something without data, too */
bool blkfront_may_be_empty(uint8_t op);

/** blkfront_req_max() - Most bytes that one request covers from @offset on */
uint64_t blkfront_req_max(const struct blkfront_info *info, uint8_t op, uint64_t offset);

/**
 * blkfront_get() - Take a free slot for an I/O that passed blkfront_check()
 * @queue:	Its number, or BLKFRONT_ANY: they take turns
 * @len:	At most blkfront_req_max(); 0 for a flush or barrier without data
 *
 * Return: 0, -EAGAIN when all slots are taken, -ENOMEM or -ENOSPC when pages cannot be
 * granted, or the handle's error.
 */
int must_check blkfront_get(struct blkfront *bf, unsigned int queue, uint8_t op,
                            uint64_t offset, uint64_t len, struct blkfront_req **out);

/** blkfront_put() - Give an answered request back; @buf is not to be used any more */
void blkfront_put(struct blkfront *bf, struct blkfront_req *req);

/** blkfront_queue() - Put a request that was got on its ring */
void blkfront_queue(struct blkfront *bf, struct blkfront_req *req);

/** blkfront_kick() - Let the backend see all requests queued, notify it if it sleeps */
void blkfront_kick(struct blkfront *bf, unsigned int queue);

/**
 * blkfront_reap() - Take an answered request
 *
 * Return: 1, 0 when there is none now, or the handle's error when none is left in flight.
 */
int must_check blkfront_reap(struct blkfront *bf, unsigned int queue,
                             struct blkfront_req **out);

/**
 * blkfront_wake() - A descriptor that ends this queue's waits, in the place of wake_fd
 */
void blkfront_wake(struct blkfront *bf, unsigned int queue, int fd);

/**
 * blkfront_wait() - Sleep until blkfront_reap() may have something
 * @timeout_ms:	-1 for no limit
 *
 * Return: 0, 1 when wake_fd is readable, or -ETIMEDOUT.
 */
int must_check blkfront_wait(struct blkfront *bf, unsigned int queue, int timeout_ms);

#endif
