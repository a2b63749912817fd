/* SPDX-License-Identifier: MIT */
/* blkback, the supervisor's half: a vbd's keys, its image, and what its worker is told.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend.h"
#include "blk_conf.h"
#include "blk_facts_super.h"
#include "blk_front_super.h"
#include "blk_opts_super.h"
#include "blk_storage_super.h"
#include "blk_vpd_super.h"
#include "num.h"
#include "xenabi.h"

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

_Static_assert(BLK_QUEUES_MAX + BLK_FDS <= BDEV_FDS_MAX, "a descriptor for each ring");
_Static_assert(sizeof(struct blk_conf) <= MSG_BLOB_MAX, "one blob");

static const uint32_t engine_flag[] = { 0, BLK_URING, BLK_THREADS };

/* A descriptor for each ring. */
static void blk_descriptors(const struct blk_image *im, uint32_t n,
                            struct bdev_conf *conf)
{
	conf->nfds = n;
	conf->fds[0] = im->fd;
	for (unsigned int i = 1; i < conf->nfds; i++)
		conf->fds[i] = im->more[i - 1];
}

/* By the pvbackd that has left the guest connected. Return: 0 if that cannot be told. */
static uint64_t published_before(struct bdev *d)
{
	autofree char *v = NULL;
	uint64_t n = 0;

	if (xst_read(d->xs, XST_NULL, &v, "%s/sectors", d->path) ||
	    num_u64(v, UINT64_MAX, &n))
		return 0;
	return n;
}

static int blk_connect(struct bdev *d, bool resume, struct bdev_conf *conf)
{
	struct blk *b = d->priv;
	struct blk_conf c = { 0 };
	int rc = blk_front_keys(d, &c);

	rc = rc ? rc : blk_storage_ready(d, c.nqueues);
	if (rc)
		return rc;
	rc = blk_image_measure(b->image);
	if (rc) {
		bdev_fault(d, "%s is \"%.300s\", its size: %s", b->image->key,
		           b->image->path, strerror(-rc));
		return rc;
	}
	b->image->sectors = blk_image_sectors(b->image);
	if (!b->image->sectors) {
		bdev_fault(d, "%s is \"%.300s\", it has shrunk to nothing", b->image->key,
		           b->image->path);
		return -EINVAL;
	}
	b->published = resume ? published_before(d) : 0;
	c.sectors = b->image->sectors;
	c.sector_size = b->image->sector_size;
	c.align = b->image->direct ? b->image->sector_size : 1;
	c.flags |= (b->image->discard.granularity ? BLK_DISCARD : 0) |
	           (b->image->discard.secure ? BLK_SECURE : 0);
	c.flags |= (b->ro ? BLK_RO : 0) | (b->image->direct ? BLK_DIRECT : 0) |
	           (resume ? BLK_RESUME : 0) | engine_flag[b->opts.v[BLK_OPT_ENGINE]];
	c.flags |= (b->opts.v[BLK_OPT_ON_ENOSPC] ? BLK_HOLD_SPACE : 0) |
	           (b->opts.v[BLK_OPT_ON_ERROR] ? BLK_HOLD_ERROR : 0);
	blk_descriptors(b->image, c.nqueues, conf);
	rc = blk_life_begin(d, &b->life, &c);
	return rc ? rc : blk_life_tell(d, &b->life, false, conf);
}

static int blk_fence(struct bdev *d)
{
	const struct blk *b = d->priv;

	return blk_life_fence(&b->life);
}

static int blk_recover(struct bdev *d, struct bdev_conf *conf)
{
	struct blk *b = d->priv;

	*conf = (struct bdev_conf){ 0 };
	/* It may have grown since. */
	b->life.conf.sectors = b->image->sectors;
	blk_descriptors(b->image, b->life.conf.nqueues, conf);
	return blk_life_tell(d, &b->life, true, conf);
}

static int image_replaced(struct bdev *d)
{
	const struct blk *b = d->priv;

	bdev_fault(d,
	           "%s is \"%.300s\", which is not what its worker served: it was "
	           "replaced while no pvbackd ran",
	           b->image->key, b->image->path);
	return -EINVAL;
}

/* Nobody has descriptors of the image: those of its name serve as well. */
static int adopt_files(struct bdev *d, const struct blk_conf *c)
{
	struct blk *b = d->priv;
	int rc = blk_storage_ready(d, c->nqueues);

	rc = rc ? rc : blk_life_find(d, &b->life, c, b->image->fd);
	if (rc == -ESTALE)
		return image_replaced(d);
	if (!rc)
		b->published = published_before(d);
	return rc;
}

/*
 * The image was opened anew, by its name, to learn what else there is to know of it; what
 * is handed to the next worker are the descriptors that the present one has.
 */
static int blk_adopt(struct bdev *d, struct bdev_conf *conf)
{
	struct blk *b = d->priv;
	struct blk_conf c;

	if (conf->len != sizeof(c))
		goto odd;
	memcpy(&c, conf->blob, sizeof(c));
	if (!c.nqueues || c.nqueues > BLK_QUEUES_MAX || !c.ring_pages ||
	    c.ring_pages > BLK_RING_PAGES_MAX)
		goto odd;
	conf->nqueues = c.nqueues;
	if (!conf->nfds)
		return adopt_files(d, &c);
	if (conf->nfds != c.nqueues + BLK_FDS)
		goto odd;
	if (!blk_life_same(b->image->fd, conf->fds[0]))
		return image_replaced(d);
	blk_storage_adopt(d, conf->fds, c.nqueues);
	b->image->direct = c.flags & BLK_DIRECT;
	blk_life_adopt(&b->life, &c, conf->fds + c.nqueues);
	b->published = published_before(d);
	return 0;
odd:
	bdev_fault(d, "its worker was told what this pvbackd does not understand");
	return -EPROTO;
}

/* Requests that wait for storage would fail: they wait in the journal instead. */
static bool blk_drains(struct bdev *d)
{
	const struct blk *b = d->priv;

	return !(b->life.conf.flags & (BLK_HOLD_SPACE | BLK_HOLD_ERROR));
}

static bool blk_serving(struct bdev *d)
{
	const struct blk *b = d->priv;

	return blk_life_serving(&b->life);
}

static void blk_close(struct bdev *d)
{
	struct blk *b = d->priv;

	blk_life_end(&b->life);
	blk_storage_close(d);
}

static int blk_info(struct bdev *d, xst_t t, const struct blk *b, unsigned int *info)
{
	autofree char *removable = NULL;
	int rc = xst_read(d->xs, t, &removable, "%s/removable", d->path);

	if (rc && rc != -ENOENT)
		return rc;
	*info = (b->cdrom ? VDISK_CDROM : 0) |
	        (removable && strcmp(removable, "1") == 0 ? VDISK_REMOVABLE : 0) |
	        (b->ro ? VDISK_READONLY : 0);
	return 0;
}

/* A later guest of this directory may meet another image: what is not so is said. */
static int discard_publish(struct bdev *d, xst_t t, const struct blk_discard *c)
{
	int rc = xst_printf(d->xs, t, d->path, "feature-discard", "%d",
	                    c->granularity != 0);

	if (rc || !c->granularity)
		return rc;
	rc = xst_printf(d->xs, t, d->path, "discard-granularity", "%u", c->granularity);
	rc = rc ? rc
	        : xst_printf(d->xs, t, d->path, "discard-alignment", "%u", c->alignment);
	return rc ? rc : xst_printf(d->xs, t, d->path, "discard-secure", "%d", c->secure);
}

static int blk_offer(struct bdev *d, xst_t t)
{
	const struct blk *b = d->priv;
	int rc = blk_front_offer(d, t);

	return rc || !*b->params ? rc : blk_vpd_offer(d, t, b->params);
}

static int blk_publish(struct bdev *d, xst_t t)
{
	struct blk *b = d->priv;
	unsigned int info;
	int rc = blk_info(d, t, b, &info);

	/* blkif.h: whatever sector-size is, sectors counts units of 512 bytes. */
	rc = rc ? rc
	        : xst_printf(d->xs, t, d->path, "sectors", "%llu",
	                     (unsigned long long)b->image->sectors);
	rc = rc ? rc : xst_printf(d->xs, t, d->path, "info", "%u", info);
	rc = rc ? rc
	        : xst_printf(d->xs, t, d->path, "sector-size", "%u",
	                     b->image->sector_size);
	rc = rc ? rc
	        : xst_printf(d->xs, t, d->path, "physical-sector-size", "%u",
	                     b->image->physical);
	rc = rc ? rc : discard_publish(d, t, &b->image->discard);
	rc = rc ? rc : blk_front_publish(d, t);
	if (!rc)
		b->published = b->image->sectors;
	return rc;
}

const struct super_backend blk_super = {
	.kind = "vbd",
	.stats = &blk_bdev_stats,
	.name = blk_name,
	.describe = blk_describe,
	.configure = blk_configure,
	.configured = blk_configured,
	.probe = blk_storage_probe,
	.offer = blk_offer,
	.open = blk_storage_open,
	.connect = blk_connect,
	.fence = blk_fence,
	.recover = blk_recover,
	.serving = blk_serving,
	.adopt = blk_adopt,
	.drains = blk_drains,
	.publish = blk_publish,
	.update = blk_storage_update,
	.abandon = blk_storage_abandon,
	.close = blk_close,
	.release = blk_storage_release,
};
