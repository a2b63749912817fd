/* SPDX-License-Identifier: MIT */
#include "net_front_super.h"

#include <errno.h>
#include <string.h>

#include "bdev_keys.h"
#include "bdev_queues.h"
#include "net_rx.h"
#include "net_policy_super.h"
#include "net_steer_super.h"
#include "num.h"
#include "xenabi.h"

/**
 * struct front_conf - What the configuration says
 * @queues:	Most of a card; 0: as many as the host and the guest can bear
 * @drain_ms, @stall_ms, @rx_bytes: As in struct net_conf
 */
struct front_conf {
	uint32_t queues;
	uint32_t drain_ms, stall_ms;
	uint32_t rx_bytes;
};

/*
 * The timeouts are those of Linux's netback. 4 MiB are 1000 frames of 4 KiB, which is how
 * many a TAP takes, and 2 ms at 16 Gbit/s.
 */
#define FRONT_DEFAULTS                                                    \
	{                                                                 \
		.drain_ms = 10000, .stall_ms = 60000, .rx_bytes = 4 << 20 \
	}

/* A jump in the program has a signed number. */
#define RX_BYTES_MAX (1U << 30)

/* In our directory, of one card: 1 or 0. */
#define FULL_KEY "pvbackd-full-checksums"

/* In effect; and as far as it has been read. */
static struct front_conf conf = FRONT_DEFAULTS, next = FRONT_DEFAULTS;

/*
 * Queues that a guest can have with all its cards before another one gets fewer: Linux
 * grants 512 pages for each, Windows 1012, and all that Xen gives it by default are
 * 32768.
 */
#define QUEUES_OF_GUEST   16U
#define QUEUES_BY_DEFAULT 4U

int net_front_configure(const char *key, const char *value, const char **want)
{
	if (strcmp(key, "max-queues") == 0) {
		*want = "a number from 1 to 8";
		return num_u32(value, NET_QUEUES_MAX, &next.queues) || !next.queues
		               ? -EINVAL
		               : 0;
	}
	if (strcmp(key, "rx-drain-timeout") == 0) {
		*want = "milliseconds; 0 is never";
		return num_u32(value, UINT32_MAX, &next.drain_ms);
	}
	if (strcmp(key, "rx-stall-timeout") == 0) {
		*want = "milliseconds; 0 is never";
		return num_u32(value, UINT32_MAX, &next.stall_ms);
	}
	if (strcmp(key, "rx-queue-bytes") == 0) {
		*want = "bytes, up to 1073741824; 0 is no bound";
		return num_u32(value, RX_BYTES_MAX, &next.rx_bytes);
	}
	return -ENOENT;
}

void net_front_configured(bool take)
{
	if (take)
		conf = next;
	next = (struct front_conf)FRONT_DEFAULTS;
}

_Static_assert(NET_QUEUES_MAX == 8, "as said above");

int net_front_offer(struct bdev *d, xst_t t)
{
	const struct {
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
		{ "feature-multicast-control", 1 },
		{ "feature-dynamic-multicast-control", 1 },
		{ "feature-ctrl-ring", net_steer_can() },
		{ "feature-xdp-headroom", 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(offer); i++) {
		int rc =
			xst_printf(d->xs, t, d->path, offer[i].key, "%d", offer[i].value);

		if (rc)
			return rc;
	}
	return bdev_queues_offer(
		d, t,
		&(struct bdev_queues){ conf.queues, QUEUES_BY_DEFAULT, QUEUES_OF_GUEST });
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

int net_front_live(struct bdev *d, struct net_live *l)
{
	uint32_t mcast, headroom;
	int rc = bdev_key_limit(d, d->front, "request-multicast-control", UINT32_MAX,
	                        &mcast);

	/* netif.h lets it ask for more than a page. */
	rc = rc ? rc
	        : bdev_key_limit(d, d->front, "xdp-headroom", NET_HEADROOM_MAX,
	                         &headroom);
	if (rc)
		return rc;
	l->mcast = mcast != 0;
	l->headroom = headroom;
	return 0;
}

/* As netback: the pair, or if that is not complete, the one for both. */
static int front_ports(struct bdev *d, const char *dir, struct net_queue_conf *q)
{
	const uint32_t max = EVTCHN_FIFO_NR_CHANNELS - 1;
	autofree char *tx = NULL, *rx = NULL;
	int rc = bdev_key(d, &tx, dir, "event-channel-tx");

	rc = rc ? rc : bdev_key(d, &rx, dir, "event-channel-rx");
	if (rc || !tx || !rx)
		return rc ? rc
		          : bdev_key_number(d, dir, "event-channel", max, &q->tx_port);
	rc = bdev_key_number(d, dir, "event-channel-tx", max, &q->tx_port);
	rc = rc ? rc : bdev_key_number(d, dir, "event-channel-rx", max, &q->rx_port);
	if (q->rx_port == q->tx_port)
		q->rx_port = 0;
	return rc;
}

/* Linux's first grant may be any number but 0. */
static int front_queue(struct bdev *d, const char *dir, struct net_queue_conf *q)
{
	int rc = bdev_key_number(d, dir, "tx-ring-ref", UINT32_MAX, &q->tx_ref);

	rc = rc ? rc : bdev_key_number(d, dir, "rx-ring-ref", UINT32_MAX, &q->rx_ref);
	return rc ? rc : front_ports(d, dir, q);
}

static int front_queues(struct bdev *d, struct net_conf *c)
{
	int rc = bdev_queues_read(d, NET_QUEUES_MAX, &c->nqueues);

	for (uint32_t i = 0; !rc && i < c->nqueues; i++) {
		char dir[XST_PATH_MAX];

		bdev_queue_dir(d, i, c->nqueues, dir);
		rc = front_queue(d, dir, &c->queue[i]);
	}
	return rc;
}

/* A ring and a port, or neither. One that was not offered is none of ours. */
static int front_ctrl(struct bdev *d, struct net_conf *c)
{
	static const char ref[] = "ctrl-ring-ref", port[] = "event-channel-ctrl";
	autofree char *r = NULL, *p = NULL;
	int rc = bdev_key(d, &r, d->front, ref);

	rc = rc ? rc : bdev_key(d, &p, d->front, port);
	if (rc || (!r && !p) || !net_steer_can())
		return rc;
	rc = bdev_key_number(d, d->front, ref, UINT32_MAX, &c->ctrl_ref);
	return rc ? rc
	          : bdev_key_number(d, d->front, port, EVTCHN_FIFO_NR_CHANNELS - 1,
	                            &c->ctrl_port);
}

/* Return: two of the numbers are the same, and not 0: the first such. */
static uint32_t front_twice(const uint32_t *n, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++)
		for (uint32_t k = 0; k < i; k++)
			if (n[i] && n[i] == n[k])
				return n[i];
	return 0;
}

/* A page of two rings, or a port of two, would be served by two threads. */
static int front_no_sharing(struct bdev *d, const struct net_conf *c)
{
	uint32_t ref[2 * NET_QUEUES_MAX + 1], port[2 * NET_QUEUES_MAX + 1], n = 0;

	for (uint32_t i = 0; i < c->nqueues; i++) {
		ref[n] = c->queue[i].tx_ref;
		port[n++] = c->queue[i].tx_port;
		ref[n] = c->queue[i].rx_ref;
		port[n++] = c->queue[i].rx_port;
	}
	ref[n] = c->ctrl_ref;
	port[n++] = c->ctrl_port;
	if (front_twice(ref, n)) {
		bdev_fault(d, "two of the frontend's rings have the same page, grant %u",
		           front_twice(ref, n));
		return -EINVAL;
	}
	if (front_twice(port, n)) {
		bdev_fault(d, "two of the frontend's rings have event channel %u",
		           front_twice(port, n));
		return -EINVAL;
	}
	return 0;
}

/* A guest that passes frames on to where blank checksums are errors: a router, DHCP. */
static int front_full(struct bdev *d, uint32_t *flags)
{
	uint32_t full = net_policy_full_checksums(d);
	autofree char *v = NULL;
	int rc = bdev_key(d, &v, d->path, FULL_KEY);

	if (!rc && v)
		rc = bdev_key_limit(d, d->path, FULL_KEY, 1, &full);
	if (!rc && full)
		*flags &= ~(NET_CSUM4 | NET_CSUM6 | NET_GSO4 | NET_GSO6);
	return rc;
}

int net_front_keys(struct bdev *d, struct net_conf *c)
{
	uint32_t copy = 0;
	int rc = bdev_key_limit(d, d->front, "request-rx-copy", 1, &copy);

	if (!rc && !copy) {
		bdev_fault(d, "the frontend's request-rx-copy is not 1: it wants pages "
		              "to be flipped, which no backend does any more");
		return -EOPNOTSUPP;
	}
	rc = rc ? rc : front_flags(d, &c->flags);
	rc = rc ? rc : net_front_live(d, &c->live);
	rc = rc ? rc : front_full(d, &c->flags);
	c->drain_ms = conf.drain_ms;
	c->rx_bytes = conf.rx_bytes;
	c->stall_ms = c->flags & NET_RX_NOTIFY ? conf.stall_ms : 0;
	rc = rc ? rc : front_queues(d, c);
	rc = rc ? rc : front_ctrl(d, c);
	if (c->ctrl_port || (c->nqueues > 1 && net_steer_can()))
		c->flags |= NET_STEERED;
	return rc ? rc : front_no_sharing(d, c);
}
