/* SPDX-License-Identifier: MIT */
/* Worker half of the block backend: what the supervisor says, judged and set going. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend.h"
#include "blk_conf.h"
#include "blk_disk.h"
#include "blk_stats.h"
#include "xenabi.h"

/* A capacity in bytes fits a file offset. */
#define BLK_SECTORS_MAX ((uint64_t)INT64_MAX / BLK_SECTOR)

static bool conf_ok(const struct blk_conf *c)
{
	return c->sectors <= BLK_SECTORS_MAX &&
	       (c->sector_size == 512 || c->sector_size == 4096) &&
	       /* Every request is a multiple of the sector size, so it suits the image.
	        */
	       c->align && c->sector_size % c->align == 0 &&
	       !(c->flags & ~(BLK_RO | BLK_DIRECT | BLK_PERSISTENT | BLK_RESUME |
	                      BLK_RECOVER | BLK_DISCARD | BLK_SECURE | BLK_URING |
	                      BLK_THREADS | BLK_HOLD_SPACE | BLK_HOLD_ERROR)) &&
	       c->protocol < BLK_PROTO_N && c->nqueues && c->nqueues <= BLK_QUEUES_MAX &&
	       c->ring_pages && c->ring_pages <= BLK_RING_PAGES_MAX &&
	       !(c->ring_pages & (c->ring_pages - 1)) && c->persistent <= BLK_PMAP_MAX;
}

static int blk_connect(struct wdev *d, const void *blob, size_t len, int *fds,
                       unsigned int nfds, char *text, size_t text_size)
{
	struct blk_disk *k;
	struct blk_conf c;
	int rc;

	if (len != sizeof(c)) {
		snprintf(text, text_size, "CONNECT of a vbd with %zu bytes", len);
		return -EPROTO;
	}
	memcpy(&c, blob, sizeof(c));
	if (!conf_ok(&c) || nfds != c.nqueues + BLK_FDS) {
		snprintf(
			text, text_size,
			"cannot serve %llu sectors of %u bytes, alignment %u, flags %#x, "
			"%u rings of %u pages with %u descriptors",
			(unsigned long long)c.sectors, c.sector_size, c.align, c.flags,
			c.nqueues, c.ring_pages, nfds);
		return -EINVAL;
	}
	rc = blk_disk_start(d, &c, fds, &k, text, text_size);
	if (rc)
		return rc;
	d->priv = k;
	log_info(d->tag, "serving %llu MiB, %s%s, %s, %u ring%s of %u page%s, %s",
	         (unsigned long long)c.sectors >> 11,
	         c.flags & BLK_RO ? "read-only, " : "",
	         c.flags & BLK_DIRECT ? "O_DIRECT" : "through the page cache",
	         c.flags & BLK_PERSISTENT ? "persistent grants" : "grant copy", c.nqueues,
	         c.nqueues > 1 ? "s" : "", c.ring_pages, c.ring_pages > 1 ? "s" : "",
	         c.protocol == BLK_PROTO_X86_32 ? "x86_32" : "x86_64");
	return 0;
}

static void blk_update(struct wdev *d, const void *blob, size_t len)
{
	struct blk_update u;

	if (len != sizeof(u))
		return;
	memcpy(&u, blob, sizeof(u));
	if (u.sectors <= BLK_SECTORS_MAX)
		blk_disk_update(d->priv, &u);
}

static void blk_disconnect(struct wdev *d)
{
	blk_disk_stop(d->priv);
}

const struct worker_backend blk_worker = {
	.kind = "vbd",
	.stats = &blk_stats_table,
	.connect = blk_connect,
	.update = blk_update,
	.disconnect = blk_disconnect,
};
