/* SPDX-License-Identifier: MIT */
#include "dev_store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bdev_keys.h"
#include "dev_state.h"
#include "device.h"
#include "guest.h"
#include "num.h"
#include "super.h"

/* In our directory: its ring is at rest, and nobody has touched it since. */
#define MARK "pvbackd-drained"

/* Turn what cannot be read into what it means; only a dead connection is an error. */
static int look(struct xst *xs, char **out, const char *dir, const char *key)
{
	int rc = xst_read(xs, XST_NULL, out, "%s/%s", dir, key);

	if (!rc || xst_broken(rc))
		return rc;
	*out = rc == -EINVAL ? strdup("?") : NULL;
	return rc == -EINVAL && !*out ? -ENOMEM : 0;
}

/* A directory without a state node may still be there. */
static int look_dir(struct device *d)
{
	autofree char *value = NULL;
	int rc = xst_read(d->bdev.xs, XST_NULL, &value, "%s", d->path);

	if (xst_broken(rc))
		return rc;
	d->view.dir = rc != -ENOENT;
	return 0;
}

/* A kernel driver that is bound answers the frontend: it is not ours to touch. */
static void look_driver(struct device *d)
{
	char path[128], target[256];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/xen-backend/devices/%s-%u-%u/driver",
	         d->ops->kind, d->bdev.domid, d->bdev.devid);
	n = readlink(path, target, sizeof(target) - 1);
	d->view.foreign = n > 0;
	if (n <= 0)
		return;
	target[n] = 0;
	bdev_fault(&d->bdev,
	           "left alone: the kernel's driver %s is bound to it. Blacklist the "
	           "module, "
	           "or free this device: echo %s-%u-%u > %s/unbind",
	           strrchr(target, '/') ? strrchr(target, '/') + 1 : target, d->ops->kind,
	           d->bdev.domid, d->bdev.devid, path);
}

int dev_store_look(struct device *d)
{
	autofree char *own = NULL, *online = NULL, *front = NULL, *mark = NULL;
	struct xst *xs = d->bdev.xs;
	struct dev_view *v = &d->view;
	int rc = look(xs, &own, d->path, "state");

	rc = rc ? rc : look(xs, &online, d->path, "online");
	rc = rc ? rc : look(xs, &front, d->front, "state");
	if (!rc && !d->known)
		rc = look(xs, &mark, d->path, MARK);
	if (rc)
		return rc;
	v->own = xenbus_state_parse(own);
	v->online = dev_online_parse(online);
	v->front = xenbus_state_parse(front);
	v->dir = true;
	if (!d->known)
		d->marked = mark != NULL;
	if (d->state == DEV_NEW)
		look_driver(d);
	return own ? 0 : look_dir(d);
}

static int missing(struct device *d, const char *key)
{
	bdev_fault(&d->bdev, "%s is missing", key);
	return -EAGAIN;
}

/* XSA-175: the guest is who the path says, and so is where its keys are. */
static int judge_frontend(struct device *d)
{
	autofree char *front = NULL, *id = NULL;
	uint32_t domid;
	int rc = look(d->bdev.xs, &front, d->path, "frontend");

	rc = rc ? rc : look(d->bdev.xs, &id, d->path, "frontend-id");
	if (rc)
		return -EAGAIN;
	if (front && strcmp(front, d->front) != 0) {
		bdev_fault(&d->bdev,
		           "frontend is \"%.100s\", for this directory it must be %s",
		           front, d->front);
		return -EINVAL;
	}
	if (id && (num_u32(id, NUM_DOMID_MAX, &domid) || domid != d->bdev.domid)) {
		bdev_fault(&d->bdev,
		           "frontend-id is \"%.40s\", for this directory it must be %u",
		           id, d->bdev.domid);
		return -EINVAL;
	}
	return front && id ? 0 : missing(d, front ? "frontend-id" : "frontend");
}

int dev_store_judge(struct device *d)
{
	/* The toolstack may be making the directory; it says when there is a device. */
	if (d->view.own == XENBUS_MISSING)
		return -EAGAIN;
	if (d->view.own == XENBUS_BAD) {
		bdev_fault(&d->bdev,
		           "state is no xenbus state, the toolstack has to write 1");
		return -EINVAL;
	}
	if (d->view.online == ONLINE_BAD) {
		bdev_fault(&d->bdev, "online is neither 0 nor 1");
		return -EINVAL;
	}
	return d->view.online == ONLINE_MISSING ? missing(d, "online")
	                                        : judge_frontend(d);
}

/* One watch, as a driver domain has no more than 128. */
static void watch_path(const struct device *d, char *path, size_t size)
{
	snprintf(path, size, "%s%s", d->front, d->ops->live_front ? "" : "/state");
}

int dev_store_watch(struct device *d)
{
	char path[128];
	int rc;

	if (d->watched)
		return 0;
	watch_path(d, path, sizeof(path));
	rc = xst_watch(d->bdev.xs, path, d->rel);
	d->watched = !rc;
	return rc;
}

void dev_store_unwatch(struct device *d)
{
	char path[128];

	if (!d->watched)
		return;
	d->watched = false;
	if (!d->bdev.xs)
		return;
	watch_path(d, path, sizeof(path));
	xst_unwatch(d->bdev.xs, path, d->rel);
}

/* A transaction on our directory; @state < 0 leaves the state. */
struct change {
	struct device *d;
	int state;
	bool mark;
	int (*keys)(struct bdev *b, xst_t t);
};

static int change_fn(struct xst *xs, xst_t t, void *arg)
{
	autofree char *own = NULL, *path = NULL;
	const struct change *c = arg;
	struct device *d = c->d;
	int rc = xst_read(xs, t, &own, "%s/state", d->path);

	if (rc == -ENOENT || (!rc && xenbus_state_parse(own) != d->view.own))
		return -ESTALE;
	if (rc && rc != -EINVAL)
		return rc;
	rc = c->keys ? c->keys(&d->bdev, t) : 0;
	if (!rc && c->mark)
		rc = xst_printf(xs, t, d->path, MARK, "1");
	if (!rc && !c->mark && d->marked) {
		if (asprintf(&path, "%s/" MARK, d->path) < 0)
			return -ENOMEM;
		rc = xst_rm(xs, t, path);
	}
	if (!rc && c->state >= 0)
		rc = xst_printf(xs, t, d->path, "state", "%d", c->state);
	return rc;
}

static int change(struct device *d, struct change *c)
{
	int rc;

	if (!d->bdev.xs)
		return -EAGAIN;
	rc = xst_transact(d->bdev.xs, change_fn, c);
	if (xst_broken(rc)) {
		d->guest->super->broken = true;
		return -EAGAIN;
	}
	if (!rc)
		d->marked = c->mark;
	return rc;
}

int dev_store_state(struct device *d, int state, int (*keys)(struct bdev *b, xst_t t))
{
	struct change c = { .d = d, .state = state, .keys = keys };
	int rc, old = d->view.own;

	if (old == state && !keys && !d->marked)
		return 0;
	rc = change(d, &c);
	if (rc)
		return rc;
	d->view.own = state;
	d->view.offered = true;
	if (old != state && log_allowed(&d->limit, DEVICE_LINES, d->tag))
		log_info(d->tag, "%s -> %s", xenbus_state_name(old),
		         xenbus_state_name(state));
	return 0;
}

int dev_store_mark(struct device *d, bool mark)
{
	struct change c = { .d = d, .state = -1, .mark = mark };

	return mark == d->marked ? 0 : change(d, &c);
}

/* Where xenbus_dev_error() of the kernel puts its text. */
static int error_write(struct xst *xs, const char *rel, const char *text)
{
	autofree char *path = NULL, *clean = strdup(text);

	if (!clean || asprintf(&path, "error/%s/error", rel) < 0)
		return -ENOMEM;
	for (char *p = clean; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	return xst_write(xs, XST_NULL, path, clean);
}

void dev_store_error(struct device *d, const char *text)
{
	int rc = d->bdev.xs ? error_write(d->bdev.xs, d->rel, text) : 0;

	if (rc)
		log_debug(d->tag, "the error node cannot be written: %s", strerror(-rc));
	d->error_node = true;
}

void dev_store_error_clear(struct device *d)
{
	autofree char *path = NULL;

	if (!d->error_node || !d->bdev.xs || asprintf(&path, "error/%s", d->rel) < 0)
		return;
	d->error_node = xst_rm(d->bdev.xs, XST_NULL, path) != 0;
}

struct refusal {
	const char *rel;
};

static int refuse_fn(struct xst *xs, xst_t t, void *arg)
{
	const struct refusal *r = arg;
	autofree char *own = NULL;
	int rc = xst_read(xs, t, &own, "%s/state", r->rel);

	if (rc)
		return rc;
	if (strcmp(own, "6") == 0)
		return -EALREADY;
	return xst_printf(xs, t, r->rel, "state", "6");
}

void dev_store_refuse(struct xst *xs, const char *rel, const char *text)
{
	struct refusal r = { rel };

	if (xst_transact(xs, refuse_fn, &r))
		return;
	log_err(NULL, "%s: %s", rel, text);
	if (error_write(xs, rel, text))
		log_debug(NULL, "%s: the error node cannot be written", rel);
}

void dev_store_name(struct device *d)
{
	autofree char *name = bdev_guest_name(&d->bdev);
	struct guest *g = d->guest;

	snprintf(g->name, sizeof(g->name), "%s", name ? name : "");
}
