/* SPDX-License-Identifier: MIT */
#include "blk_front_super.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bdev_keys.h"
#include "bdev_queues.h"
#include "blk_keys_super.h"
#include "num.h"
#include "xenabi.h"

/**
 * struct front_conf - What the configuration says
 * @protocol:	Of a frontend that does not say
 * @queues:	Most of a disk; 0: as many as the host and the guest can bear
 * @persistent:	Grants to keep mapped for each
 */
struct front_conf {
	enum blk_protocol protocol;
	uint32_t queues;
	uint32_t persistent;
};

#define FRONT_DEFAULTS                                                         \
	{                                                                      \
		.protocol = BLK_PROTO_NATIVE, .persistent = BLK_PERSISTENT_MAX \
	}

/* In effect; and as far as it has been read. */
static struct front_conf conf = FRONT_DEFAULTS;
static struct front_conf next = FRONT_DEFAULTS;

/*
 * Rings that a guest can have with all its disks before another one gets fewer. A ring's
 * persistent grants are up to 1056, all that Xen gives a guest by default are 32768, and
 * its network devices need some.
 */
#define QUEUES_OF_GUEST   16U
#define QUEUES_BY_DEFAULT 4U

int blk_front_configure(const char *key, const char *value, const char **want)
{
	if (strcmp(key, "default-protocol") == 0) {
		*want = "native, x86_64-abi or x86_32-abi";
		if (strcmp(value, "native") != 0)
			return blk_protocol_parse(value, &next.protocol);
		next.protocol = BLK_PROTO_NATIVE;
		return 0;
	}
	if (strcmp(key, "max-queues") == 0) {
		*want = "a number from 1 to 8";
		return strcmp(value, "0") == 0
		               ? -EINVAL
		               : num_u32(value, BLK_QUEUES_MAX, &next.queues);
	}
	if (strcmp(key, "persistent-grants") == 0) {
		*want = "a number of pages for each ring, at most 1056; 0 is none";
		return num_u32(value, BLK_PERSISTENT_MAX, &next.persistent);
	}
	return -ENOENT;
}

void blk_front_configured(bool take)
{
	if (take)
		conf = next;
	next = (struct front_conf)FRONT_DEFAULTS;
}

_Static_assert(BLK_QUEUES_MAX == 8 && BLK_PERSISTENT_MAX == 1056, "as said above");

static int front_protocol(struct bdev *d, uint32_t *out)
{
	enum blk_protocol p = conf.protocol;
	autofree char *v = NULL;
	int rc = bdev_key(d, &v, d->front, "protocol");

	if (rc)
		return rc;
	if (v && blk_protocol_parse(v, &p)) {
		bdev_fault(d,
		           "the frontend's protocol is \"%.40s\", it must be x86_64-abi "
		           "or x86_32-abi",
		           v);
		return -EPROTONOSUPPORT;
	}
	if (!v && log_allowed(d->limit, 20, d->tag))
		log_info(d->tag,
		         "the frontend does not say its protocol: by "
		         "vbd.default-protocol it is %s",
		         p == BLK_PROTO_X86_32 ? "x86_32-abi" : "x86_64-abi");
	*out = p;
	return 0;
}

/* A number that may be missing, then it is 0; more than @max was not offered. */
static int front_limit(struct bdev *d, const char *key, uint32_t max, uint32_t *out)
{
	autofree char *v = NULL;
	int rc = bdev_key(d, &v, d->front, key);

	*out = 0;
	if (rc || !v || num_u32(v, max, out) == 0)
		return rc;
	bdev_fault(d, "the frontend's %s is \"%.40s\", at most %u can be served", key, v,
	           max);
	return -EINVAL;
}

/* Two spellings of one thing. @order: ring-page-order is there, be it 0. */
static int front_ring_pages(struct bdev *d, uint32_t *pages, bool *order)
{
	autofree char *said = NULL;
	uint32_t n = 0, num = 0;
	int rc = bdev_key(d, &said, d->front, "ring-page-order");

	rc = rc ? rc : front_limit(d, "ring-page-order", BLK_RING_ORDER_MAX, &n);
	rc = rc ? rc : front_limit(d, "num-ring-pages", BLK_RING_PAGES_MAX, &num);
	if (rc)
		return rc;
	*order = said;
	*pages = said || !num ? 1U << n : num;
	if (!(*pages & (*pages - 1)) && (!num || num == *pages))
		return 0;
	bdev_fault(d, "the frontend's num-ring-pages is %u, it must be a power of two%s",
	           num, said ? " and what ring-page-order says" : "");
	return -EINVAL;
}

/*
 * A ring of one page is ring-ref. Where an order was said, even 0, Linux expects
 * ring-ref0 and FreeBSD ring-ref: the other one of the two will do.
 */
static int front_one_ref(struct bdev *d, const char *dir, bool order, uint32_t *ref)
{
	static const char *const keys[] = { "ring-ref", "ring-ref0" };
	autofree char *first = NULL, *second = NULL;
	int rc = bdev_key(d, &first, dir, keys[order]);

	rc = rc ? rc : bdev_key(d, &second, dir, keys[!order]);
	if (rc)
		return rc;
	return bdev_key_number(d, dir, keys[first || !second ? order : !order],
	                       UINT32_MAX, ref);
}

static int front_queue(struct bdev *d, const char *dir, uint32_t pages, bool order,
                       struct blk_conf_queue *q)
{
	int rc = 0;

	if (pages == 1)
		rc = front_one_ref(d, dir, order, &q->ref[0]);
	for (uint32_t i = 0; pages > 1 && !rc && i < pages; i++) {
		char key[24];

		snprintf(key, sizeof(key), "ring-ref%u", i);
		rc = bdev_key_number(d, dir, key, UINT32_MAX, &q->ref[i]);
	}
	return rc ? rc
	          : bdev_key_number(d, dir, "event-channel", EVTCHN_FIFO_NR_CHANNELS - 1,
	                            &q->evtchn);
}

static int front_queues(struct bdev *d, struct blk_conf *c, bool order)
{
	int rc = bdev_queues_read(d, BLK_QUEUES_MAX, &c->nqueues);

	for (uint32_t i = 0; !rc && i < c->nqueues; i++) {
		char dir[XST_PATH_MAX];

		bdev_queue_dir(d, i, c->nqueues, dir);
		rc = front_queue(d, dir, c->ring_pages, order, &c->queue[i]);
	}
	return rc;
}

/* A page of two rings, or a port of two, would be served by two threads. */
static int front_no_sharing(struct bdev *d, const struct blk_conf *c)
{
	uint32_t pages = c->ring_pages, n = c->nqueues * pages;

	for (uint32_t i = 1; i < n; i++)
		for (uint32_t k = 0; k < i; k++) {
			const struct blk_conf_queue *a = &c->queue[i / pages];
			const struct blk_conf_queue *b = &c->queue[k / pages];

			if (a->ref[i % pages] != b->ref[k % pages] &&
			    (a == b || a->evtchn != b->evtchn))
				continue;
			bdev_fault(
				d,
				"the frontend's rings share grant %u or event channel %u",
				a->ref[i % pages], a->evtchn);
			return -EINVAL;
		}
	return 0;
}

int blk_front_keys(struct bdev *d, struct blk_conf *c)
{
	uint32_t persistent = 0;
	bool order = false;
	int rc = front_protocol(d, &c->protocol);

	rc = rc ? rc : front_limit(d, "feature-persistent", 1, &persistent);
	rc = rc ? rc : front_ring_pages(d, &c->ring_pages, &order);
	rc = rc ? rc : front_queues(d, c, order);
	rc = rc ? rc : front_no_sharing(d, c);
	c->persistent = conf.persistent;
	c->flags |= persistent && conf.persistent ? BLK_PERSISTENT : 0;
	return rc;
}

static int front_write(struct bdev *d, xst_t t, const char *key, uint32_t value)
{
	return xst_printf(d->xs, t, d->path, key, "%u", value);
}

int blk_front_offer(struct bdev *d, xst_t t)
{
	struct bdev_queues queues = { conf.queues, QUEUES_BY_DEFAULT, QUEUES_OF_GUEST };
	int rc = bdev_queues_offer(d, t, &queues);

	rc = rc ? rc : front_write(d, t, "max-ring-page-order", BLK_RING_ORDER_MAX);
	rc = rc ? rc : front_write(d, t, "max-ring-pages", BLK_RING_PAGES_MAX);
	return rc ? rc
	          : front_write(d, t, "feature-max-indirect-segments", BLK_INDIRECT_MAX);
}

int blk_front_publish(struct bdev *d, xst_t t)
{
	int rc = front_write(d, t, "feature-flush-cache", 1);

	rc = rc ? rc : front_write(d, t, "feature-barrier", 1);
	return rc ? rc : front_write(d, t, "feature-persistent", conf.persistent != 0);
}
