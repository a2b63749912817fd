/* SPDX-License-Identifier: MIT */
#include "blk_front_super.h"

#include <errno.h>
#include <string.h>

#include "blk_keys_super.h"
#include "num.h"
#include "xenabi.h"

/*
 * What a frontend that does not say speaks. blkif.h: the native layout of the guest, and
 * all that leave it out today are 64-bit ones.
 */
static enum blk_protocol default_protocol = BLK_PROTO_X86_64;

int blk_front_configure(const char *key, const char *value, const char **want)
{
	if (strcmp(key, "default-protocol") != 0)
		return -ENOENT;
	*want = "x86_64-abi or x86_32-abi";
	return blk_protocol_parse(value, &default_protocol);
}

static int front_protocol(struct bdev *d)
{
	enum blk_protocol p = default_protocol;
	autofree char *v = NULL;
	int rc = blk_key_read(d, &v, d->front, "protocol");

	if (rc)
		return rc;
	if ((!v || blk_protocol_parse(v, &p) == 0) && p == BLK_PROTO_X86_64)
		return 0;
	if (v)
		bdev_fault(d,
		           "the frontend's protocol is \"%.40s\", it must be x86_64-abi",
		           v);
	else
		bdev_fault(
			d,
			"the frontend's protocol is missing: vbd.default-protocol says "
			"x86_32-abi, only x86_64-abi is served");
	return -EPROTONOSUPPORT;
}

/* A number that may be missing, then it is 0; more than @max was not offered. */
static int front_limit(struct bdev *d, const char *key, uint32_t max, uint32_t *out)
{
	autofree char *v = NULL;
	int rc = blk_key_read(d, &v, d->front, key);

	*out = 0;
	if (rc || !v || num_u32(v, max, out) == 0)
		return rc;
	bdev_fault(d, "the frontend's %s is \"%.40s\", at most %u can be served", key, v,
	           max);
	return -EINVAL;
}

/* A number that must be there and is never 0. */
static int front_number(struct bdev *d, const char *key, uint32_t max, uint32_t *out)
{
	autofree char *v = NULL;
	int rc = blk_key_read(d, &v, d->front, key);

	if (!rc && v && v[0] != '0' && num_u32(v, max, out) == 0)
		return 0;
	if (rc)
		return rc;
	bdev_fault(d, "the frontend's %s is %s%.40s%s, it must be a number from 1 to %u",
	           key, v ? "\"" : "", v ? v : "missing", v ? "\"" : "", max);
	return -EINVAL;
}

/* blkif.h: a ring of one page is ring-ref; of an order that is said, even 0, ring-ref0.
 */
static int front_ring(struct bdev *d, uint32_t *ref)
{
	autofree char *order = NULL, *plain = NULL;
	int rc = blk_key_read(d, &order, d->front, "ring-page-order");

	rc = rc ? rc : blk_key_read(d, &plain, d->front, "ring-ref");
	if (rc)
		return rc;
	return front_number(d, order && !plain ? "ring-ref0" : "ring-ref", UINT32_MAX,
	                    ref);
}

int blk_front_keys(struct bdev *d, struct blk_conf *c)
{
	uint32_t persistent = 0, n;
	int rc = front_protocol(d);

	/* One ring of one page: what a frontend says beyond that was not offered. */
	rc = rc ? rc : front_limit(d, "ring-page-order", 0, &n);
	rc = rc ? rc : front_limit(d, "num-ring-pages", 1, &n);
	rc = rc ? rc : front_limit(d, "multi-queue-num-queues", 1, &n);
	rc = rc ? rc : front_limit(d, "feature-persistent", 1, &persistent);
	rc = rc ? rc : front_ring(d, &c->ring_ref);
	rc = rc ? rc
	        : front_number(d, "event-channel", EVTCHN_FIFO_NR_CHANNELS - 1,
	                       &c->evtchn);
	c->flags |= persistent ? BLK_PERSISTENT : 0;
	return rc;
}

int blk_front_publish(struct bdev *d, xst_t t)
{
	int rc = xst_printf(d->xs, t, d->path, "feature-flush-cache", "1");

	return rc ? rc : xst_printf(d->xs, t, d->path, "feature-persistent", "1");
}
