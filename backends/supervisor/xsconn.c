/* SPDX-License-Identifier: MIT */
#include "xsconn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "dev_store.h"
#include "device.h"
#include "guest.h"
#include "log.h"
#include "loop.h"
#include "notify.h"
#include "num.h"
#include "registry.h"
#include "super.h"
#include "xs.h"
#include "xs_path.h"

/* Watch events taken before the loop sees to everything else. */
#define DRAIN_EVENTS   10000
#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000

#define DOMAINS_TOKEN "domains"

/* ---- Watch events ---------------------------------------------------------------- */

static const struct super_backend *backend_of(const struct super *s, const char *kind)
{
	int i = registry_find(kind, strlen(kind));

	return i >= 0 && s->conf->kinds & 1U << i ? registry[i] : NULL;
}

static struct device *device_get(struct super *s, const struct xs_path *p)
{
	const struct super_backend *ops = backend_of(s, p->kind);
	struct guest *g = ops ? guest_get(s, p->domid) : NULL;
	struct device *d = g ? device_find(g, ops, p->devid) : NULL;

	return d || !g ? d : device_new(g, ops, p->devid);
}

static void refuse_name(struct super *s, const char *path, const struct xs_path *p)
{
	char rel[128];

	if (strcmp(p->key, "state") != 0 || !backend_of(s, p->kind))
		return;
	snprintf(rel, sizeof(rel), "%.*s", (int)p->dir_len, path);
	dev_store_refuse(
		s->xs, rel,
		"this is no backend/KIND/DOMID/DEVID: a domain is a number up to 32751, "
		"a device a number up to 2147483647, both without leading zeros");
}

/* Something at or below backend/KIND has changed. */
static void dir_changed(struct super *s, const char *path)
{
	struct device *d;
	struct xs_path p;
	struct guest *g;

	switch (xs_path_parse(path, &p)) {
	case XS_SCOPE_DEVICE:
		d = device_get(s, &p);
		if (d)
			super_queue(s, d);
		break;
	case XS_SCOPE_GUEST:
		LIST_FOREACH (g, &s->guests, link)
			if (g->domid == p.domid)
				super_queue_guest(s, g);
		break;
	case XS_SCOPE_KIND:
		super_queue_all(s);
		break;
	case XS_SCOPE_BAD:
		refuse_name(s, path, &p);
		break;
	case XS_SCOPE_NONE:
		break;
	}
}

/* A frontend's state has changed; the device may be gone meanwhile. */
static void front_changed(struct super *s, const struct xs_path *p)
{
	const struct super_backend *ops = backend_of(s, p->kind);
	struct device *d = NULL;
	struct guest *g;

	LIST_FOREACH (g, &s->guests, link)
		if (g->domid == p->domid && ops)
			d = device_find(g, ops, p->devid);
	if (d)
		super_queue(s, d);
}

/* Turn all events that wait into marks. */
void conn_drain(struct super *s)
{
	bool domains = false;
	struct xst_event ev;
	struct xs_path p;
	int i, rc = 0;

	for (i = 0; i < DRAIN_EVENTS && s->xs && !s->broken; i++) {
		rc = xst_next(s->xs, &ev);
		if (rc <= 0)
			break;
		if (strcmp(ev.token, DOMAINS_TOKEN) == 0)
			domains = true;
		else if (xs_path_parse(ev.token, &p) == XS_SCOPE_DEVICE)
			front_changed(s, &p);
		else
			dir_changed(s, ev.path);
		xst_event_free(&ev);
	}
	if (domains)
		super_check_guests(s);
	if (rc < 0)
		s->broken = true;
	if (i == DRAIN_EVENTS || s->broken)
		super_wake(s);
}

static void on_xs(void *arg)
{
	conn_drain(arg);
}

/* ---- The connection -------------------------------------------------------------- */

static void conn_drop(struct super *s)
{
	struct guest *g;
	struct device *d;

	loop_del(&s->xs_src);
	xst_close(s->xs);
	s->xs = NULL;
	s->broken = false;
	LIST_FOREACH (g, &s->guests, link)
		LIST_FOREACH (d, &g->devices, link) {
			d->bdev.xs = NULL;
			d->watched = false;
			d->fresh = d->known;
		}
}

void conn_lost(struct super *s)
{
	log_err(NULL,
	        "the connection to XenStore is lost: connected devices are served on, "
	        "all else waits until it is back");
	notify("STATUS=XenStore is away");
	conn_drop(s);
	s->backoff_ms = BACKOFF_MIN_MS;
	loop_timer_set(s->reconnect, s->backoff_ms);
}

static int watch_domains(struct super *s)
{
	static const char *const special[] = { "@introduceDomain", "@releaseDomain" };
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(special) && !rc; i++)
		rc = xst_watch(s->xs, special[i], DOMAINS_TOKEN);
	if (rc == -EACCES) {
		/* Since XSA-115; the toolstack removes a dead guest's directories. */
		log_debug(NULL, "no permission to watch for the end of domains");
		return 0;
	}
	return rc;
}

static int conn_watch(struct super *s)
{
	int rc = watch_domains(s);
	char path[32];

	for (int i = 0; registry[i] && !rc; i++) {
		if (!(s->conf->kinds & 1U << i))
			continue;
		snprintf(path, sizeof(path), "backend/%s", registry[i]->kind);
		rc = xst_watch(s->xs, path, path);
	}
	return rc ? rc : loop_add_fd(s->loop, xst_fd(s->xs), on_xs, s, &s->xs_src);
}

static void scan_guest(struct super *s, const char *kind, const char *domid)
{
	char path[256], **dev;
	unsigned int n;

	if (xst_list(s->xs, XST_NULL, &dev, &n, "backend/%s/%s", kind, domid))
		return;
	for (unsigned int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "backend/%s/%s/%s/state", kind, domid,
		         dev[i]);
		dir_changed(s, path);
	}
	free(dev);
}

/* Devices that were there before the watch; also those that vanished while it was not. */
static void scan(struct super *s)
{
	unsigned int n;
	char **guest;

	for (int i = 0; registry[i]; i++) {
		if (!(s->conf->kinds & 1U << i) ||
		    xst_list(s->xs, XST_NULL, &guest, &n, "backend/%s",
		             registry[i]->kind))
			continue;
		for (unsigned int k = 0; k < n; k++)
			scan_guest(s, registry[i]->kind, guest[k]);
		free(guest);
	}
	super_check_guests(s);
	super_queue_all(s);
}

static int conn_connect(struct super *s)
{
	int rc = xst_open(&s->xs);

	if (rc)
		return rc;
	rc = conn_watch(s);
	if (rc)
		conn_drop(s);
	else
		scan(s);
	return rc;
}

static void on_reconnect(void *arg)
{
	struct super *s = arg;
	int rc = conn_connect(s);

	if (!rc) {
		log_info(NULL, "XenStore is back");
		notify("STATUS=");
		return;
	}
	s->backoff_ms = s->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS
	                                                   : s->backoff_ms * 2;
	log_debug(NULL, "XenStore: %s, next try in %u ms", strerror(-rc), s->backoff_ms);
	loop_timer_set(s->reconnect, s->backoff_ms);
}

/* Our own number: for the absolute paths of log lines and of what others write. */
static int learn_domid(struct super *s)
{
	struct xst *xs;
	int rc = xst_open(&xs);

	if (rc) {
		log_err(NULL, "XenStore cannot be reached: %s. Is xenstored running?",
		        strerror(-rc));
		return rc;
	}
	rc = xst_read_u32(xs, XST_NULL, NUM_DOMID_MAX, &s->domid, "domid");
	if (rc)
		log_err(NULL,
		        "XenStore does not say which domain this is, node \"domid\": %s. "
		        "In "
		        "dom0 xen-init-dom0 writes it",
		        strerror(-rc));
	xst_close(xs);
	return rc;
}

int conn_open(struct super *s)
{
	int rc = learn_domid(s);

	if (rc)
		return rc;
	rc = loop_add_timer(s->loop, on_reconnect, s, &s->reconnect);
	rc = rc ? rc : conn_connect(s);
	if (rc) {
		log_err(NULL, "XenStore: %s", strerror(-rc));
		conn_close(s);
		return rc;
	}
	return 0;
}

void conn_close(struct super *s)
{
	conn_drop(s);
	loop_del(&s->reconnect);
}
