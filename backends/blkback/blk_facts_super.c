/* SPDX-License-Identifier: MIT */
#include "blk_facts_super.h"

#include <string.h>

#include "blk_conf.h"
#include "blk_stats.h"
#include "blk_storage_super.h"
#include "vdev.h"

void blk_name(uint32_t devid, char name[BDEV_NAME_MAX])
{
	_Static_assert(BDEV_NAME_MAX >= VDEV_NAME_MAX, "it fits");
	vdev_name(devid, name);
}

static void describe_image(const struct blk_image *im, struct bdev_facts *f)
{
	bdev_fact_num(f, "sectors", im->sectors);
	bdev_fact_num(f, "sector-size", im->sector_size);
	bdev_fact_num(f, "physical-sector-size", im->physical);
	bdev_fact_bool(f, "direct-io", im->direct);
}

static void describe_rings(const struct blk_conf *c, struct bdev_facts *f)
{
	static const char *const layout[] = { "native", "x86_64", "x86_32" };

	_Static_assert(ARRAY_SIZE(layout) == BLK_PROTO_N, "a layout has no name");
	bdev_fact(f, "ring-layout", "%s",
	          c->protocol < BLK_PROTO_N ? layout[c->protocol] : "?");
	bdev_fact_num(f, "ring-pages", c->ring_pages);
	bdev_fact_bool(f, "persistent-grants", c->flags & BLK_PERSISTENT);
	bdev_fact_bool(f, "discard", c->flags & BLK_DISCARD);
}

void blk_describe(const struct bdev *d, const struct bdev_conf *conf,
                  struct bdev_facts *f)
{
	const struct blk *b = d->priv;
	struct blk_conf c;

	bdev_fact(f, "image", "%s", b->image ? b->image->path : b->params);
	bdev_fact(f, "mode", "%s%s", b->ro ? "r" : "w", b->shared ? "!" : "");
	/* While a job has it, it is not ours to look at. */
	if (b->image && !b->job && b->image->fd >= 0)
		describe_image(b->image, f);
	if (!conf)
		return;
	memcpy(&c, conf->blob, sizeof(c));
	describe_rings(&c, f);
}

static const struct bdev_op ops[] = {
	{ "read", "reads", "read_bytes", "read" },
	{ "write", "writes", "write_bytes", "write" },
	{ "flush", "flushes", NULL, "flush" },
	{ "barrier", "barriers", NULL, "barrier" },
	{ "discard", "discards", "discard_bytes", "discard" },
};

const struct bdev_stats blk_bdev_stats = { .table = &blk_stats_table,
	                                   .op = ops,
	                                   .nops = ARRAY_SIZE(ops) };
