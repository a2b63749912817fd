/* SPDX-License-Identifier: MIT */
#include "dev_stats.h"

#include "device.h"

static unsigned int queues(const struct device *d)
{
	return d->conf.nqueues ? d->conf.nqueues : 1;
}

void dev_stats_kept(struct device *d)
{
	unsigned int n = queues(d);

	d->nqueues = n > d->nqueues ? n : d->nqueues;
}

int dev_stats_open(struct device *d)
{
	struct stats_snap snap;

	if (d->stats >= 0) {
		if (stats_read(d->stats, 0, &snap) == 0) {
			stats_snap_free(&snap);
			dev_stats_kept(d);
			return 0;
		}
		log_warn(d->tag, "its statistics were spoiled and begin anew");
		dev_stats_close(d);
	}
	d->stats = stats_create(d->ops->stats->table);
	d->nqueues = queues(d);
	return d->stats < 0 ? d->stats : 0;
}

void dev_stats_close(struct device *d)
{
	if (d->stats >= 0)
		close(take_fd(&d->stats));
}
