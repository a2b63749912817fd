/* SPDX-License-Identifier: MIT */
/* blkback, the supervisor's half: a vbd's keys, its image, and what its worker is told.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend.h"
#include "blk_conf.h"
#include "blk_image_super.h"
#include "blk_keys_super.h"
#include "num.h"
#include "xenabi.h"

/**
 * struct blk - A vbd
 * @params:	As the toolstack wrote it: the image's path, unless a script makes another
 *		of it
 * @path:	The image that is open
 */
struct blk {
	bool ro, shared;
	char *params;
	char *path;
	struct blk_image image;
};

/*
 * What a frontend that does not say speaks. blkif.h: the native layout of the guest, and
 * all that leave it out today are 64-bit ones.
 */
static enum blk_protocol default_protocol = BLK_PROTO_X86_64;

static int blk_configure(const char *key, const char *value, const char **want)
{
	if (strcmp(key, "default-protocol") != 0)
		return -ENOENT;
	*want = "x86_64-abi or x86_32-abi";
	return blk_protocol_parse(value, &default_protocol);
}

/* A key that may be missing: then *out is NULL. Only a store that fails is an error. */
static int key_read(struct bdev *d, char **out, const char *dir, const char *key)
{
	int rc = xst_read(d->xs, XST_NULL, out, "%s/%s", dir, key);

	if (rc == -ENOENT)
		*out = NULL;
	else if (rc == -EINVAL)
		bdev_fault(d, "%s has a NUL byte in it", key);
	else if (rc)
		bdev_fault(d, "%s cannot be read: %s", key, strerror(-rc));
	return rc == -ENOENT ? 0 : rc;
}

static int probe_mode(struct bdev *d, struct blk *b)
{
	autofree char *mode = NULL;
	int rc = key_read(d, &mode, d->path, "mode");

	if (rc)
		return rc;
	if (!mode) {
		bdev_fault(d, "mode is missing");
		return -EAGAIN;
	}
	rc = blk_mode_parse(mode, &b->ro, &b->shared);
	if (rc)
		bdev_fault(d, "mode is \"%.40s\", it must be r or w", mode);
	return rc;
}

static int probe_params(struct bdev *d, struct blk *b)
{
	struct blk_image im = { .key = "params" };
	autofree char *script = NULL;
	int rc = key_read(d, &b->params, d->path, "params");

	rc = rc ? rc : key_read(d, &script, d->path, "script");
	if (rc)
		return rc;
	if (!b->params) {
		bdev_fault(d, "params is missing");
		return -EAGAIN;
	}
	if (!*b->params) {
		bdev_fault(d, "params is empty, it must name the image");
		return -EINVAL;
	}
	im.path = b->params;
	/* A script may make an image out of anything. */
	return script ? 0 : blk_image_check(d, &im);
}

static int blk_probe(struct bdev *d)
{
	struct blk *b = calloc(1, sizeof(*b));
	int rc;

	if (!b)
		return -ENOMEM;
	rc = probe_mode(d, b);
	rc = rc ? rc : probe_params(d, b);
	if (rc) {
		free(b->params);
		free(b);
		return rc;
	}
	d->priv = b;
	return 0;
}

/* Is the hotplug script through? Return: 0 yes, -EAGAIN no, -ECANCELED it has failed. */
static int script_status(struct bdev *d)
{
	autofree char *status = NULL, *why = NULL;
	int rc = key_read(d, &status, d->path, "hotplug-status");

	rc = rc ? rc : key_read(d, &why, d->path, "hotplug-error");
	if (rc || (status && strcmp(status, "connected") == 0))
		return rc;
	if (!status || strcmp(status, "error") != 0)
		return -EAGAIN;
	bdev_fault(d, "the hotplug script failed: %.200s",
	           why ? why : "it left no hotplug-error");
	return -ECANCELED;
}

/* By its number, in hex. */
static int script_device(struct bdev *d, char **path)
{
	autofree char *dev = NULL;
	unsigned int major, minor;
	int rc = key_read(d, &dev, d->path, "physical-device");

	if (rc || !dev)
		return rc;
	if (blk_device_parse(dev, &major, &minor)) {
		bdev_fault(d,
		           "physical-device is \"%.40s\", it must be MAJOR:MINOR in hex",
		           dev);
		return -EINVAL;
	}
	return asprintf(path, "/dev/block/%u:%u", major, minor) < 0 ? -ENOMEM : 0;
}

/*
 * What the hotplug script has set up and written; if it was content to say that it is
 * through, the image is what params says, as without a script.
 */
static int script_image(struct bdev *d, struct blk *b, const char **key)
{
	int status = script_status(d), rc;

	/* The toolstack may have it run again. */
	if (status && status != -EAGAIN)
		return status == -ECANCELED ? -EAGAIN : status;
	*key = "physical-device-path";
	rc = key_read(d, &b->path, d->path, *key);
	if (rc || b->path)
		return rc;
	*key = "physical-device";
	rc = script_device(d, &b->path);
	if (rc || !b->path)
		return rc ? rc : status;
	/*
	 * The stock script writes the number first, then the path, then the status, and
	 * it takes udev to find a device by its number.
	 */
	return access(b->path, F_OK) < 0 ? status : 0;
}

static int image_name(struct bdev *d, struct blk *b, const char **key)
{
	autofree char *script = NULL;
	int rc = key_read(d, &script, d->path, "script");

	if (!rc && script)
		rc = script_image(d, b, key);
	if (rc || b->path)
		return rc;
	*key = "params";
	b->path = strdup(b->params);
	return b->path ? 0 : -ENOMEM;
}

static int blk_open(struct bdev *d)
{
	struct blk *b = d->priv;
	const char *key = NULL;
	int rc = image_name(d, b, &key);

	b->image = (struct blk_image){
		.key = key, .path = b->path, .ro = b->ro, .shared = b->shared, .fd = -1
	};
	rc = rc ? rc : blk_image_open(d, &b->image);
	if (rc) {
		free(take_ptr(b->path));
		return rc;
	}
	if (log_allowed(d->limit, 20, d->tag))
		log_info(d->tag, "%s: %llu sectors, %s%s", b->path,
		         (unsigned long long)b->image.sectors,
		         b->ro ? "read-only" : "writable",
		         b->image.direct ? ", direct I/O" : "");
	return 0;
}

static int front_protocol(struct bdev *d)
{
	enum blk_protocol p = default_protocol;
	autofree char *v = NULL;
	int rc = key_read(d, &v, d->front, "protocol");

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
	int rc = key_read(d, &v, d->front, key);

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
	int rc = key_read(d, &v, d->front, key);

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
	int rc = key_read(d, &order, d->front, "ring-page-order");

	rc = rc ? rc : key_read(d, &plain, d->front, "ring-ref");
	if (rc)
		return rc;
	return front_number(d, order && !plain ? "ring-ref0" : "ring-ref", UINT32_MAX,
	                    ref);
}

static int front_keys(struct bdev *d, struct blk_conf *c)
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

static int blk_connect(struct bdev *d, bool resume, struct bdev_conf *conf)
{
	struct blk *b = d->priv;
	struct blk_conf c = { 0 };
	int rc = front_keys(d, &c);

	rc = rc ? rc : blk_image_measure(d, &b->image);
	if (rc)
		return rc;
	c.sectors = b->image.sectors;
	c.sector_size = b->image.sector_size;
	c.align = b->image.direct ? b->image.sector_size : 1;
	c.flags |= (b->ro ? BLK_RO : 0) | (b->image.direct ? BLK_DIRECT : 0) |
	           (resume ? BLK_RESUME : 0);
	memcpy(conf->blob, &c, sizeof(c));
	conf->len = sizeof(c);
	conf->fds[0] = b->image.fd;
	conf->nfds = 1;
	return 0;
}

static int blk_info(struct bdev *d, xst_t t, const struct blk *b, unsigned int *info)
{
	autofree char *type = NULL, *removable = NULL;
	int rc = xst_read(d->xs, t, &type, "%s/device-type", d->path);

	if (rc && rc != -ENOENT)
		return rc;
	rc = xst_read(d->xs, t, &removable, "%s/removable", d->path);
	if (rc && rc != -ENOENT)
		return rc;
	*info = (type && strcmp(type, "cdrom") == 0 ? VDISK_CDROM : 0) |
	        (removable && strcmp(removable, "1") == 0 ? VDISK_REMOVABLE : 0) |
	        (b->ro ? VDISK_READONLY : 0);
	return 0;
}

static int blk_publish(struct bdev *d, xst_t t)
{
	const struct blk *b = d->priv;
	unsigned int info;
	int rc = blk_info(d, t, b, &info);

	/* blkif.h: whatever sector-size is, sectors counts units of 512 bytes. */
	rc = rc ? rc
	        : xst_printf(d->xs, t, d->path, "sectors", "%llu",
	                     (unsigned long long)b->image.sectors);
	rc = rc ? rc : xst_printf(d->xs, t, d->path, "info", "%u", info);
	rc = rc ? rc
	        : xst_printf(d->xs, t, d->path, "sector-size", "%u",
	                     b->image.sector_size);
	rc = rc ? rc
	        : xst_printf(d->xs, t, d->path, "physical-sector-size", "%u",
	                     b->image.physical);
	rc = rc ? rc : xst_printf(d->xs, t, d->path, "feature-flush-cache", "1");
	return rc ? rc : xst_printf(d->xs, t, d->path, "feature-persistent", "1");
}

static void blk_close(struct bdev *d)
{
	struct blk *b = d->priv;

	blk_image_close(&b->image);
	free(take_ptr(b->path));
}

static void blk_release(struct bdev *d)
{
	struct blk *b = d->priv;

	free(b->params);
	free(b);
	d->priv = NULL;
}

const struct super_backend blk_super = {
	.kind = "vbd",
	.configure = blk_configure,
	.probe = blk_probe,
	.open = blk_open,
	.connect = blk_connect,
	.publish = blk_publish,
	.close = blk_close,
	.release = blk_release,
};
