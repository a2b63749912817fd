/* SPDX-License-Identifier: MIT */
/* The keys a frontend publishes. */
#include <stdio.h>
#include <string.h>

#include "blkfront_info.h"

const char *const blkfront_keys_ours[] = {
	"event-channel",
	"ring-page-order",
	"num-ring-pages",
	"multi-queue-num-queues",
	"feature-persistent",
	"feature-online-resize",
	"feature-large-sector-size",
	"ring-ref*",
	"queue-*",
	NULL,
};

/* Whether one page has the name that several have: ring-ref0 instead of ring-ref. */
static bool numbered(const struct blkfront_keys_arg *a)
{
	return a->info->order > 0 || a->conf->keys == BLKFRONT_KEYS_ORDER;
}

static int queue_write(struct xst *xs, xst_t t, const struct blkfront_keys_arg *a,
                       const char *prefix, const struct bfq *q)
{
	char key[40];
	int rc = 0;

	for (unsigned int i = 0; !rc && i < q->npages; i++) {
		if (numbered(a))
			snprintf(key, sizeof(key), "%sring-ref%u", prefix, i);
		else
			snprintf(key, sizeof(key), "%sring-ref", prefix);
		rc = xst_printf(xs, t, a->f->dir, key, "%u", q->refs[i]);
	}
	snprintf(key, sizeof(key), "%sevent-channel", prefix);
	return rc ? rc : xst_printf(xs, t, a->f->dir, key, "%u", q->chan.port);
}

static int queues_write(struct xst *xs, xst_t t, const struct blkfront_keys_arg *a)
{
	unsigned int n = a->info->queues;
	char prefix[24];
	int rc = 0;

	if (n > 1 || a->conf->keys == BLKFRONT_KEYS_WINDOWS)
		rc = xst_printf(xs, t, a->f->dir, "multi-queue-num-queues", "%u", n);
	if (!rc && n == 1)
		return queue_write(xs, t, a, "", a->queue);
	for (unsigned int i = 0; !rc && i < n; i++) {
		snprintf(prefix, sizeof(prefix), "queue-%u/", i);
		rc = queue_write(xs, t, a, prefix, &a->queue[i]);
	}
	return rc;
}

static int pages_write(struct xst *xs, xst_t t, const struct blkfront_keys_arg *a)
{
	const char *dir = a->f->dir;
	unsigned int order = a->info->order;

	switch (a->conf->keys) {
	case BLKFRONT_KEYS_PAGES:
		return xst_printf(xs, t, dir, "num-ring-pages", "%u", 1U << order);
	case BLKFRONT_KEYS_ORDER:
	case BLKFRONT_KEYS_PLAIN:
		return xst_printf(xs, t, dir, "ring-page-order", "%u", order);
	case BLKFRONT_KEYS_LINUX:
	case BLKFRONT_KEYS_WINDOWS:
		break;
	}
	return order ? xst_printf(xs, t, dir, "ring-page-order", "%u", order) : 0;
}

/* What Windows' drivers say of themselves. */
static int windows_write(struct xst *xs, xst_t t, const char *dir)
{
	int rc = xst_printf(xs, t, dir, "feature-online-resize", "1");

	return rc ? rc : xst_printf(xs, t, dir, "feature-large-sector-size", "1");
}

/* The toolstack may have written it, too. */
static int protocol_write(struct xst *xs, xst_t t, const struct blkfront_keys_arg *a)
{
	char path[XST_PATH_MAX];

	if (!a->conf->unsaid)
		return xst_printf(xs, t, a->f->dir, "protocol", "%s",
		                  blkfront_abi_of(a->conf->protocol)->key);
	snprintf(path, sizeof(path), "%s/protocol", a->f->dir);
	return xst_rm(xs, t, path);
}

int blkfront_keys_write(struct xst *xs, xst_t t, void *arg)
{
	const struct blkfront_keys_arg *a = arg;
	const char *dir = a->f->dir;
	int rc = front_clear(xs, t, dir, blkfront_keys_ours);

	if (!rc)
		rc = pages_write(xs, t, a);
	if (!rc)
		rc = queues_write(xs, t, a);
	if (!rc)
		rc = protocol_write(xs, t, a);
	if (!rc && a->conf->persistent)
		rc = xst_printf(xs, t, dir, "feature-persistent", "1");
	if (!rc && a->conf->keys == BLKFRONT_KEYS_WINDOWS)
		rc = windows_write(xs, t, dir);
	return rc;
}
