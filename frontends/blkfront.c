/* SPDX-License-Identifier: MIT */
#include "blkfront.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "blkfront_info.h"
#include "front.h"
#include "front_chan.h"
#include "log.h"

/**
 * struct slot - A slot of the ring
 * @pages:	Granted pages, or NULL
 * @npages:	How many
 * @refs:	Their grants
 * @writable:	The backend may write to them
 * @uses:	Requests since they were granted
 */
struct slot {
	struct blkfront_req req;
	enum {
		SLOT_FREE,
		SLOT_HELD, /* got and not queued yet, or answered and not put back yet */
		SLOT_INFLIGHT,
	} state;
	void *pages;
	unsigned int npages;
	uint32_t refs[BLKIF_MAX_SEGMENTS_PER_REQUEST];
	bool writable;
	unsigned int uses;
};

/**
 * struct blkfront - A device
 * @page:	The ring page, or NULL while not connected
 * @ring_ref:	Its grant
 * @error:	0, or why it is disabled
 * @requests:	Put on the ring since blkfront_open(), with @past of earlier connections
 */
struct blkfront {
	struct front front;
	struct front_chan chan;
	struct blkfront_conf conf;
	struct blkfront_info info;
	struct blkfront_ring ring;
	void *page;
	uint32_t ring_ref;
	int error;
	uint64_t requests;
	struct blkfront_stats past;
	struct slot slot[BLKFRONT_RING_SIZE];
};

/* Keys that mean the ring of one connection. */
static const char *const ring_keys[] = { "ring-ref", "event-channel",
	                                 "feature-persistent", NULL };

const struct blkfront_info *blkfront_info(const struct blkfront *bf)
{
	return &bf->info;
}

const char *blkfront_tag(const struct blkfront *bf)
{
	return bf->front.tag;
}

uint32_t blkfront_devid(const struct blkfront *bf)
{
	return bf->front.devid;
}

int blkfront_error(const struct blkfront *bf)
{
	return bf->error;
}

struct blkfront_stats blkfront_stats(const struct blkfront *bf)
{
	return (struct blkfront_stats){
		.requests = bf->requests,
		.notifies = bf->past.notifies + bf->chan.sent,
		.events = bf->past.events + bf->chan.received,
	};
}

/* ---- Connecting and closing ------------------------------------------------------ */

static int keys_write(struct xst *xs, xst_t t, void *arg)
{
	const struct blkfront *bf = arg;
	const char *dir = bf->front.dir;
	int rc = xst_printf(xs, t, dir, "ring-ref", "%u", bf->ring_ref);

	if (!rc)
		rc = xst_printf(xs, t, dir, "event-channel", "%u", bf->chan.port);
	if (!rc)
		rc = xst_printf(xs, t, dir, "protocol", "%s", XEN_IO_PROTO_ABI_X86_64);
	if (!rc && bf->conf.persistent)
		rc = xst_printf(xs, t, dir, "feature-persistent", "1");
	return rc;
}

static void slot_unshare(struct blkfront *bf, struct slot *s)
{
	front_chan_unshare(&bf->chan, s->pages, s->npages);
	s->pages = NULL;
	s->npages = 0;
}

static void unshare_all(struct blkfront *bf)
{
	for (unsigned int i = 0; i < BLKFRONT_RING_SIZE; i++) {
		slot_unshare(bf, &bf->slot[i]);
		bf->slot[i].state = SLOT_FREE;
	}
	front_chan_unshare(&bf->chan, bf->page, 1);
	bf->page = NULL;
	bf->past.notifies += bf->chan.sent;
	bf->past.events += bf->chan.received;
	front_chan_close(&bf->chan);
	bf->chan = (struct front_chan){ 0 };
}

int blkfront_disconnect(struct blkfront *bf)
{
	int rc = front_stop(&bf->front, ring_keys, bf->conf.timeout_ms);

	unshare_all(bf);
	if (!bf->error)
		bf->error = -ENODEV;
	return rc;
}

static int ring_share(struct blkfront *bf)
{
	int rc = front_chan_open(&bf->chan, bf->front.backend_id, bf->front.tag);

	if (rc)
		return rc;
	rc = front_chan_share(&bf->chan, 1, true, &bf->ring_ref, &bf->page);
	if (rc) {
		log_err(bf->front.tag, "cannot grant the ring page: %s", strerror(-rc));
		return rc;
	}
	blkfront_ring_init(&bf->ring, bf->page);
	return 0;
}

static int blkfront_connect(struct blkfront *bf)
{
	struct front *f = &bf->front;
	int rc;

	bf->error = 0;
	rc = front_start(f, bf->conf.reset, bf->conf.timeout_ms);
	if (!rc)
		rc = ring_share(bf);
	if (!rc)
		rc = front_publish(f, keys_write, bf);
	if (!rc)
		rc = front_await(f, bf->conf.timeout_ms);
	if (!rc)
		rc = blkfront_info_read(f, bf->conf.persistent, &bf->info);
	if (!rc)
		rc = front_set_state(f, XenbusStateConnected);
	if (!rc)
		return 0;
	bf->error = rc;
	/* Somebody else's device is not ours to close. */
	if (rc != -EBUSY)
		front_stop(f, ring_keys, bf->conf.timeout_ms);
	unshare_all(bf);
	return rc;
}

int blkfront_open(struct blkfront **out, uint32_t devid, const struct blkfront_conf *conf)
{
	struct blkfront *bf = calloc(1, sizeof(*bf));
	int rc;

	assert(conf->depth >= 1 && conf->depth <= BLKFRONT_RING_SIZE &&
	       conf->rotate >= 1);
	if (!bf)
		return -ENOMEM;
	bf->conf = *conf;
	rc = front_open(&bf->front, "vbd", devid, conf->wake_fd);
	if (!rc)
		rc = blkfront_connect(bf);
	if (rc) {
		front_close(&bf->front);
		free(bf);
		return rc;
	}
	*out = bf;
	return 0;
}

int blkfront_reconnect(struct blkfront *bf)
{
	int rc = blkfront_disconnect(bf);

	return rc ? rc : blkfront_connect(bf);
}

int blkfront_close(struct blkfront *bf)
{
	int rc;

	if (!bf)
		return 0;
	rc = blkfront_disconnect(bf);
	front_close(&bf->front);
	free(bf);
	return rc;
}

/* ---- Requests -------------------------------------------------------------------- */

/*
 * Pages of a slot that are as the request needs them: a read's writable, a write's not.
 * Persistent ones serve for both and are kept.
 */
static int slot_share(struct blkfront *bf, struct slot *s, unsigned int npages,
                      bool writable)
{
	bool keep = bf->conf.persistent;
	int rc;

	if (keep) {
		npages = BLKIF_MAX_SEGMENTS_PER_REQUEST;
		writable = true;
	}
	if (s->npages >= npages && s->writable == writable &&
	    (keep || s->uses < bf->conf.rotate))
		return 0;
	slot_unshare(bf, s);
	rc = front_chan_share(&bf->chan, npages, writable, s->refs, &s->pages);
	if (rc) {
		log_err(bf->front.tag, "cannot grant %u pages: %s", npages,
		        strerror(-rc));
		return rc;
	}
	s->npages = npages;
	s->writable = writable;
	s->uses = 0;
	return 0;
}

int blkfront_get(struct blkfront *bf, uint8_t op, uint64_t offset, uint32_t len,
                 struct blkfront_req **out)
{
	uint32_t skew = offset % XEN_PAGE;
	unsigned int npages = (skew + len + XEN_PAGE - 1) / XEN_PAGE;
	struct slot *s = bf->slot;
	int rc = 0;

	assert(blkfront_check(&bf->info, op, offset, len) == 0);
	assert(len <= blkfront_req_max(offset));
	if (bf->error)
		return bf->error;
	while (s < bf->slot + bf->conf.depth && s->state != SLOT_FREE)
		s++;
	if (s == bf->slot + bf->conf.depth)
		return -EAGAIN;
	if (len)
		rc = slot_share(bf, s, npages, op == BLKIF_OP_READ);
	if (rc)
		return rc;
	s->state = SLOT_HELD;
	s->req = (struct blkfront_req){
		.buf = len ? (uint8_t *)s->pages + skew : NULL,
		.offset = offset,
		.len = len,
		.op = op,
	};
	*out = &s->req;
	return 0;
}

void blkfront_put(struct blkfront *bf, struct blkfront_req *req)
{
	struct slot *s = container_of(req, struct slot, req);

	assert(s->state == SLOT_HELD);
	/* Not kept: revoke at once, so that a backend that still maps it is found out. */
	if (!bf->conf.persistent && s->uses >= bf->conf.rotate)
		slot_unshare(bf, s);
	s->state = SLOT_FREE;
}

static void request_fill(const struct blkfront *bf, const struct slot *s,
                         struct blkif_request *wire)
{
	const struct blkfront_req *req = &s->req;
	uint32_t first = (uint32_t)(req->offset % XEN_PAGE / BLK_SECTOR);
	uint32_t left = req->len / BLK_SECTOR;

	*wire = (struct blkif_request){
		.operation = req->op,
		.handle = (blkif_vdev_t)bf->front.devid,
		/* A flush has no place on the disk: this is what Linux sends. */
		.sector_number = req->len ? req->offset / BLK_SECTOR : UINT64_MAX,
	};
	for (uint8_t i = 0; left; i++) {
		uint32_t n = BLK_PAGE_SECTORS - first;

		if (n > left)
			n = left;
		wire->seg[i] = (struct blkif_request_segment){
			.gref = s->refs[i],
			.first_sect = (uint8_t)first,
			.last_sect = (uint8_t)(first + n - 1),
		};
		wire->nr_segments = (uint8_t)(i + 1);
		left -= n;
		first = 0;
	}
}

void blkfront_queue(struct blkfront *bf, struct blkfront_req *req)
{
	struct slot *s = container_of(req, struct slot, req);
	struct blkif_request wire;

	assert(s->state == SLOT_HELD);
	s->state = SLOT_INFLIGHT;
	s->uses++;
	/* Disabled meanwhile: blkfront_reap() returns it with the reason. */
	if (bf->error)
		return;
	request_fill(bf, s, &wire);
	blkfront_ring_put(&bf->ring, (unsigned int)(s - bf->slot), &wire);
	bf->requests++;
}

static void blkfront_disable(struct blkfront *bf, int error)
{
	bf->error = error;
	log_err(bf->front.tag, "disabled for further use");
}

void blkfront_kick(struct blkfront *bf)
{
	int rc;

	if (bf->error || !blkfront_ring_push(&bf->ring))
		return;
	rc = front_chan_notify(&bf->chan);
	if (rc) {
		log_err(bf->front.tag, "cannot notify the backend: %s", strerror(-rc));
		blkfront_disable(bf, rc);
	}
}

static int status_errno(int status)
{
	switch (status) {
	case BLKIF_RSP_OKAY:
		return 0;
	case BLKIF_RSP_EOPNOTSUPP:
		return -EOPNOTSUPP;
	default:
		return -EIO;
	}
}

static int reap_disabled(struct blkfront *bf, struct blkfront_req **out)
{
	for (struct slot *s = bf->slot; s < bf->slot + BLKFRONT_RING_SIZE; s++)
		if (s->state == SLOT_INFLIGHT) {
			s->state = SLOT_HELD;
			s->req.result = bf->error;
			*out = &s->req;
			return 1;
		}
	return bf->error;
}

int blkfront_reap(struct blkfront *bf, struct blkfront_req **out)
{
	struct blkfront_answer answer;
	struct slot *s;
	char why[256];
	int rc;

	if (bf->error)
		return reap_disabled(bf, out);
	rc = blkfront_ring_take(&bf->ring, &answer, why, sizeof(why));
	if (rc == 0)
		return 0;
	if (rc < 0) {
		log_err(bf->front.tag, "the backend breaks the protocol: %s", why);
		blkfront_disable(bf, rc);
		return reap_disabled(bf, out);
	}
	s = &bf->slot[answer.slot];
	assert(s->state == SLOT_INFLIGHT);
	s->state = SLOT_HELD;
	s->req.result = status_errno(answer.status);
	*out = &s->req;
	return 1;
}

int blkfront_wait(struct blkfront *bf, int timeout_ms)
{
	struct pollfd fd[3];
	int n, rc = 0;

	if (bf->error || blkfront_ring_arm(&bf->ring))
		return 0;
	fd[0] = (struct pollfd){ .fd = front_chan_fd(&bf->chan), .events = POLLIN };
	fd[1] = (struct pollfd){ .fd = front_fd(&bf->front), .events = POLLIN };
	fd[2] = (struct pollfd){ .fd = bf->conf.wake_fd, .events = POLLIN };
	n = poll(fd, ARRAY_SIZE(fd), timeout_ms);
	if (n == 0)
		return -ETIMEDOUT;
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (fd[0].revents) {
		rc = front_chan_event(&bf->chan);
		if (rc)
			log_err(bf->front.tag, "event channel: %s", strerror(-rc));
	}
	if (!rc && fd[1].revents)
		rc = front_connected(&bf->front);
	if (rc)
		blkfront_disable(bf, rc);
	return fd[2].revents ? 1 : 0;
}
