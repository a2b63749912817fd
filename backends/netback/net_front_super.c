/* SPDX-License-Identifier: MIT */
#include "net_front_super.h"

#include <errno.h>
#include <stdio.h>

#include "bdev_keys.h"
#include "xenabi.h"

int net_front_offer(struct bdev *d, xst_t t)
{
	static const struct {
		const char *key;
		int value;
	} offer[] = {
		{ "feature-sg", 1 },
		{ "feature-gso-tcpv4", 1 },
		{ "feature-gso-tcpv6", 1 },
		{ "feature-ipv6-csum-offload", 1 },
		{ "feature-rx-copy", 1 },
		{ "feature-rx-flip", 0 },
		{ "feature-split-event-channels", 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(offer); i++) {
		int rc =
			xst_printf(d->xs, t, d->path, offer[i].key, "%d", offer[i].value);

		if (rc)
			return rc;
	}
	return 0;
}

static int front_flags(struct bdev *d, uint32_t *flags)
{
	static const struct {
		const char *key;
		uint32_t flag;
		bool unless; /* its presence says no */
	} features[] = {
		{ "feature-sg", NET_SG, false },
		{ "feature-no-csum-offload", NET_CSUM4, true },
		{ "feature-ipv6-csum-offload", NET_CSUM6, false },
		{ "feature-gso-tcpv4", NET_GSO4, false },
		{ "feature-gso-tcpv6", NET_GSO6, false },
		{ "feature-rx-notify", NET_RX_NOTIFY, false },
	};

	*flags = 0;
	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		uint32_t v;
		int rc = bdev_key_limit(d, d->front, features[i].key, UINT32_MAX, &v);

		if (rc)
			return rc;
		if (!v == features[i].unless)
			*flags |= features[i].flag;
	}
	/* A frame to be segmented has more than one slot, and its checksum is blank. */
	if (!(*flags & NET_SG) || !(*flags & NET_CSUM4))
		*flags &= ~NET_GSO4;
	if (!(*flags & NET_SG) || !(*flags & NET_CSUM6))
		*flags &= ~NET_GSO6;
	return 0;
}

/* As netback: the pair, or if that is not complete, the one for both. */
static int front_ports(struct bdev *d, const char *dir, struct net_queue_conf *q)
{
	const uint32_t max = EVTCHN_FIFO_NR_CHANNELS - 1;
	autofree char *tx = NULL, *rx = NULL;
	char key[40];
	int rc;

	snprintf(key, sizeof(key), "%sevent-channel-tx", dir);
	rc = bdev_key(d, &tx, d->front, key);
	snprintf(key, sizeof(key), "%sevent-channel-rx", dir);
	rc = rc ? rc : bdev_key(d, &rx, d->front, key);
	if (!rc && tx && rx) {
		rc = bdev_key_number(d, d->front, key, max, &q->rx_port);
		snprintf(key, sizeof(key), "%sevent-channel-tx", dir);
	} else {
		snprintf(key, sizeof(key), "%sevent-channel", dir);
	}
	return rc ? rc : bdev_key_number(d, d->front, key, max, &q->tx_port);
}

/* @dir is "", or "queue-0/" and so on. Linux's first grant may be any number but 0. */
static int front_queue(struct bdev *d, const char *dir, struct net_queue_conf *q)
{
	char key[40];
	int rc;

	snprintf(key, sizeof(key), "%stx-ring-ref", dir);
	rc = bdev_key_number(d, d->front, key, UINT32_MAX, &q->tx_ref);
	snprintf(key, sizeof(key), "%srx-ring-ref", dir);
	rc = rc ? rc : bdev_key_number(d, d->front, key, UINT32_MAX, &q->rx_ref);
	return rc ? rc : front_ports(d, dir, q);
}

int net_front_keys(struct bdev *d, struct net_conf *c)
{
	uint32_t copy = 0, n = 0;
	int rc = bdev_key_limit(d, d->front, "request-rx-copy", 1, &copy);

	if (!rc && !copy) {
		bdev_fault(d, "the frontend's request-rx-copy is not 1: it wants pages "
		              "to be flipped, which no backend does any more");
		return -EOPNOTSUPP;
	}
	rc = rc ? rc : front_flags(d, &c->flags);
	/* More than one queue was not offered. */
	rc = rc ? rc : bdev_key_limit(d, d->front, "multi-queue-num-queues", 1, &n);
	c->nqueues = 1;
	return rc ? rc : front_queue(d, "", &c->queue[0]);
}
