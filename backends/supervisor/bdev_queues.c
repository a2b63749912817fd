/* SPDX-License-Identifier: MIT */
#include "bdev_queues.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bdev_keys.h"

#define KEY_OURS   "multi-queue-max-queues"
#define KEY_THEIRS "multi-queue-num-queues"

/* The more devices a guest has, the fewer queues the next one gets. */
static int queues_max(struct bdev *d, const struct bdev_queues *q, uint32_t *max)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	char **devices = NULL;
	unsigned int n = 0;
	int rc;

	*max = q->set;
	if (*max)
		return 0;
	rc = xst_list(d->xs, XST_NULL, &devices, &n, "%.*s",
	              (int)(strrchr(d->path, '/') - d->path), d->path);
	free(devices);
	if (rc)
		return rc;
	*max = n ? q->guest / n : q->guest;
	if (*max > q->most)
		*max = q->most;
	if (cpus > 0 && *max > cpus)
		*max = (uint32_t)cpus;
	if (!*max)
		*max = 1;
	return 0;
}

int bdev_queues_offer(struct bdev *d, xst_t t, const struct bdev_queues *q)
{
	uint32_t max;
	int rc = queues_max(d, q, &max);

	return rc ? rc : xst_printf(d->xs, t, d->path, KEY_OURS, "%u", max);
}

/* Our own key says what was offered: the configuration may be another one now. */
static int queues_offered(struct bdev *d, uint32_t max, uint32_t *out)
{
	int rc = xst_read_u32(d->xs, XST_NULL, max, out, "%s/" KEY_OURS, d->path);

	if (rc == -ENOENT) {
		*out = 1;
		return 0;
	}
	if (rc)
		bdev_fault(d, KEY_OURS " of ours cannot be read: %s", strerror(-rc));
	return rc;
}

int bdev_queues_read(struct bdev *d, uint32_t max, uint32_t *n)
{
	autofree char *said = NULL;
	uint32_t offered = 1;
	int rc = queues_offered(d, max, &offered);

	rc = rc ? rc : bdev_key(d, &said, d->front, KEY_THEIRS);
	*n = 1;
	return rc || !said ? rc : bdev_key_number(d, d->front, KEY_THEIRS, offered, n);
}

void bdev_queue_dir(const struct bdev *d, uint32_t i, uint32_t n, char dir[XST_PATH_MAX])
{
	if (n == 1)
		snprintf(dir, XST_PATH_MAX, "%s", d->front);
	else
		snprintf(dir, XST_PATH_MAX, "%s/queue-%u", d->front, i);
}
