/* SPDX-License-Identifier: MIT */
#include "dev_held.h"

#include <errno.h>
#include <string.h>

#include "dev_stats.h"
#include "device.h"
#include "guest.h"
#include "log.h"
#include "msg.h"
#include "registry.h"
#include "super.h"

/* Descriptors that the message still has are closed with it. */
static void held_conf(struct dev_held *h, struct msg *m)
{
	h->conf.len = m->blob_len;
	memcpy(h->conf.blob, m->blob, m->blob_len);
	for (uint32_t i = 1; i < m->nfds; i++)
		h->conf.fds[h->conf.nfds++] = msg_take_fd(m, i);
}

int dev_held(struct guest *g, const struct msg *msg)
{
	/* The caller's; its descriptors are to be taken. */
	struct msg *m = (struct msg *)(uintptr_t)msg;
	int kind = registry_find(m->u.held.what.kind, strlen(m->u.held.what.kind));
	struct device *d;

	if (kind < 0)
		return kind;
	d = device_find(g, registry[kind], m->u.held.what.devid);
	d = d ? d : device_new(g, registry[kind], m->u.held.what.devid);
	if (!d)
		return -ENOMEM;
	if (d->held || d->worker_link != LINK_NONE)
		return -EEXIST;
	d->held = calloc(1, sizeof(*d->held));
	if (!d->held)
		return -ENOMEM;
	held_conf(d->held, m);
	dev_stats_close(d);
	d->stats = msg_take_fd(m, 0);
	d->handle = m->dev;
	d->worker_link = m->u.held.stopping ? LINK_DISCONNECTING : LINK_UP;
	/* It cannot be taken over, but every request can be answered. */
	if (!d->ops->adopt && d->worker_link == LINK_UP)
		guest_disconnect(g, d);
	return 0;
}

void dev_held_free(struct device *d)
{
	if (!d->held)
		return;
	for (unsigned int i = 0; i < d->held->conf.nfds; i++)
		if (d->held->conf.fds[i] >= 0)
			close(d->held->conf.fds[i]);
	free(take_ptr(d->held));
}

void dev_held_over(struct device *d)
{
	dev_held_free(d);
	/* As an orderly stop leaves it; the mark is written when XenStore is looked at.
	 */
	d->drained = true;
	super_queue(d->guest->super, d);
}

int dev_held_first(struct device *d, enum dev_action act)
{
	if (!d->held || act == ACT_NONE || act == ACT_OFFER || act == ACT_ADOPT ||
	    act == ACT_OPEN || act == ACT_SPAWN || act == ACT_CONNECT)
		return 0;
	if (d->worker_link == LINK_UP)
		guest_disconnect(d->guest, d);
	if (d->worker_link != LINK_NONE)
		return -EAGAIN;
	/* The worker has died meanwhile. */
	dev_held_free(d);
	return 0;
}

int dev_held_take(struct device *d)
{
	int rc = d->ops->adopt(&d->bdev, &d->held->conf);

	if (rc)
		return rc;
	d->conf = d->held->conf;
	d->conf.nfds = d->conf.once = 0;
	dev_stats_kept(d);
	d->kept = true;
	dev_held_free(d);
	log_info(d->tag, d->lost ? "its worker died without a pvbackd: goes on"
	                         : "adopted with its worker");
	return 0;
}
