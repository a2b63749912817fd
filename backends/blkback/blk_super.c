/* SPDX-License-Identifier: MIT */
/* blkback, the supervisor's half: a vbd's keys, its image, and what its worker is told.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend.h"
#include "blk_conf.h"
#include "blk_front_super.h"
#include "blk_image_super.h"
#include "blk_keys_super.h"
#include "blk_opts_super.h"
#include "blk_stats.h"
#include "xenabi.h"

/**
 * struct blk - A vbd
 * @params:	As the toolstack wrote it: the image's path, unless a script makes another
 *		of it
 * @path:	The image that is open
 * @opts:	What the administrator has chosen for it
 * @more:	Descriptors of it for all rings but the first
 */
struct blk {
	bool ro, shared;
	char *params;
	char *path;
	struct blk_image image;
	struct blk_opts opts;
	int more[BLK_QUEUES_MAX - 1];
	unsigned int nmore;
};

static int blk_configure(const char *key, const char *value, const char **want)
{
	int rc = blk_front_configure(key, value, want);

	return rc == -ENOENT ? blk_opts_set(key, value, want) : rc;
}

static void blk_configured(bool take)
{
	blk_front_configured(take);
	blk_opts_end(take);
}

static const uint32_t engine_flag[] = { 0, BLK_URING, BLK_THREADS };

static int probe_mode(struct bdev *d, struct blk *b)
{
	autofree char *mode = NULL;
	int rc = blk_key_read(d, &mode, d->path, "mode");

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
	int rc = blk_key_read(d, &b->params, d->path, "params");

	rc = rc ? rc : blk_key_read(d, &script, d->path, "script");
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
	int rc = blk_key_read(d, &status, d->path, "hotplug-status");

	rc = rc ? rc : blk_key_read(d, &why, d->path, "hotplug-error");
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
	int rc = blk_key_read(d, &dev, d->path, "physical-device");

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
	rc = blk_key_read(d, &b->path, d->path, *key);
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
	int rc = blk_key_read(d, &script, d->path, "script");

	if (!rc && script)
		rc = script_image(d, b, key);
	if (rc || b->path)
		return rc;
	*key = "params";
	b->path = strdup(b->params);
	return b->path ? 0 : -ENOMEM;
}

static void choose(struct bdev *d, struct blk *b)
{
	autofree char *guest = NULL;

	if (xst_read(d->xs, XST_NULL, &guest, "/local/domain/%u/name", d->domid))
		guest = NULL;
	b->opts = blk_opts_for(b->params, b->path, guest);
}

static int blk_open(struct bdev *d)
{
	struct blk *b = d->priv;
	const char *key = NULL;
	int rc = image_name(d, b, &key);

	b->image = (struct blk_image){
		.key = key, .path = b->path, .ro = b->ro, .shared = b->shared, .fd = -1
	};
	if (!rc)
		choose(d, b);
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

static void more_close(struct blk *b)
{
	while (b->nmore)
		close(b->more[--b->nmore]);
}

/* A descriptor for each ring. */
static int blk_descriptors(struct bdev *d, struct blk *b, uint32_t n,
                           struct bdev_conf *conf)
{
	more_close(b);
	conf->fds[0] = b->image.fd;
	for (conf->nfds = 1; conf->nfds < n; conf->nfds++) {
		int rc = blk_image_again(d, &b->image, &b->more[b->nmore]);

		if (rc)
			return rc;
		conf->fds[conf->nfds] = b->more[b->nmore++];
	}
	return 0;
}

_Static_assert(BLK_QUEUES_MAX <= BDEV_FDS_MAX, "a descriptor for each ring");
_Static_assert(sizeof(struct blk_conf) <= MSG_BLOB_MAX, "one blob");

static int blk_connect(struct bdev *d, bool resume, struct bdev_conf *conf)
{
	struct blk *b = d->priv;
	struct blk_conf c = { 0 };
	int rc = blk_front_keys(d, &c);

	rc = rc ? rc : blk_image_measure(d, &b->image);
	if (rc)
		return rc;
	c.sectors = b->image.sectors;
	c.sector_size = b->image.sector_size;
	c.align = b->image.direct ? b->image.sector_size : 1;
	c.flags |= (b->ro ? BLK_RO : 0) | (b->image.direct ? BLK_DIRECT : 0) |
	           (resume ? BLK_RESUME : 0) | engine_flag[b->opts.v[BLK_OPT_ENGINE]];
	memcpy(conf->blob, &c, sizeof(c));
	conf->len = sizeof(c);
	conf->nqueues = c.nqueues;
	return blk_descriptors(d, b, c.nqueues, conf);
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
	return rc ? rc : blk_front_publish(d, t);
}

static void blk_close(struct bdev *d)
{
	struct blk *b = d->priv;

	more_close(b);
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

static const struct bdev_op blk_ops[] = {
	{ "read", "reads", "read_bytes", "read" },
	{ "write", "writes", "write_bytes", "write" },
	{ "flush", "flushes", NULL, "flush" },
	{ "barrier", "barriers", NULL, "barrier" },
	{ "discard", "discards", "discard_bytes", "discard" },
};

static const struct bdev_stats blk_bdev_stats = { &blk_stats_table, blk_ops,
	                                          ARRAY_SIZE(blk_ops) };

const struct super_backend blk_super = {
	.kind = "vbd",
	.stats = &blk_bdev_stats,
	.configure = blk_configure,
	.configured = blk_configured,
	.probe = blk_probe,
	.offer = blk_front_offer,
	.open = blk_open,
	.connect = blk_connect,
	.publish = blk_publish,
	.close = blk_close,
	.release = blk_release,
};
