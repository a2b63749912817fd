/* SPDX-License-Identifier: MIT */
/* A device as a record among those of its guest: how it is made and found. */
#include <stdio.h>

#include "device.h"
#include "guest.h"
#include "super.h"

struct device *device_find(const struct guest *g, const struct super_backend *ops,
                           uint32_t devid)
{
	struct device *d;

	LIST_FOREACH (d, &g->devices, link)
		if (d->bdev.devid == devid && d->ops == ops)
			return d;
	return NULL;
}

struct device *device_new(struct guest *g, const struct super_backend *ops,
                          uint32_t devid)
{
	struct device *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->guest = g;
	d->ops = ops;
	d->id = ++g->super->last_id;
	d->stats = -1;
	snprintf(d->tag, sizeof(d->tag), "%s %s-%u", g->tag, ops->kind, devid);
	snprintf(d->rel, sizeof(d->rel), "backend/%s/%u/%u", ops->kind, g->domid, devid);
	snprintf(d->path, sizeof(d->path), "/local/domain/%u/%s", g->super->domid,
	         d->rel);
	snprintf(d->front, sizeof(d->front), "/local/domain/%u/device/%s/%u", g->domid,
	         ops->kind, devid);
	d->bdev = (struct bdev){ .domid = g->domid,
		                 .devid = devid,
		                 .tag = d->tag,
		                 .path = d->path,
		                 .front = d->front,
		                 .limit = &d->limit };
	LIST_INSERT_HEAD(&g->devices, d, link);
	return d;
}
