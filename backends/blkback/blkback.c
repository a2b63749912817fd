/* SPDX-License-Identifier: MIT */
/* Worker half of the block backend: what the supervisor says, judged and set going. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend.h"
#include "blk_conf.h"
#include "blk_queue.h"
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
	                      BLK_URING | BLK_THREADS));
}

static int blk_connect(struct wdev *d, const void *blob, size_t len, int *fds,
                       unsigned int nfds, char *text, size_t text_size)
{
	struct blk_queue *q;
	struct blk_conf c;
	int rc;

	if (len != sizeof(c) || nfds != 1) {
		snprintf(text, text_size,
		         "CONNECT of a vbd with %zu bytes and %u descriptors", len, nfds);
		return -EPROTO;
	}
	memcpy(&c, blob, sizeof(c));
	if (!conf_ok(&c)) {
		snprintf(text, text_size,
		         "cannot serve %llu sectors of %u bytes, alignment %u, flags %#x",
		         (unsigned long long)c.sectors, c.sector_size, c.align, c.flags);
		return -EINVAL;
	}
	rc = blk_queue_start(d, &c, &fds[0], &q, text, text_size);
	if (rc)
		return rc;
	d->priv = q;
	log_info(d->tag, "serving %llu MiB, %s%s, %s",
	         (unsigned long long)c.sectors >> 11,
	         c.flags & BLK_RO ? "read-only, " : "",
	         c.flags & BLK_DIRECT ? "O_DIRECT" : "through the page cache",
	         c.flags & BLK_PERSISTENT ? "persistent grants" : "grant copy");
	return 0;
}

static void blk_disconnect(struct wdev *d)
{
	blk_queue_stop(d->priv);
}

const struct worker_backend blk_worker = {
	.kind = "vbd",
	.stats = &blk_stats_table,
	.connect = blk_connect,
	.disconnect = blk_disconnect,
};
