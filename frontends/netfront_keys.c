/* SPDX-License-Identifier: MIT */
#include "netfront_keys.h"

#include <stdio.h>

/*
 * Linux 6.1 drivers/net/xen-netfront.c, FreeBSD 14 sys/dev/xen/netfront, XCP-ng's
 * win-xenvif (frontend.c, receiver.c, transmitter.c), mini-os netfront.c.
 */
const struct netfront_way netfront_ways[] = {
	[NETFRONT_OWN] = { 0 },
	[NETFRONT_LINUX] = { .says_one = true, .apart = true },
	[NETFRONT_FREEBSD] = { .apart = true,
	                       .late = true,
	                       .straight = true,
	                       .keeps = true,
	                       .first_id = 1 },
	[NETFRONT_WINDOWS] = { .says_one = true,
	                       .cycles = true,
	                       .apart = true,
	                       .keeps = true,
	                       .controls = true,
	                       .first_id = 0x2ff },
	[NETFRONT_MINIOS] = { .hasty = true, .reopens = true },
};

const char *const netfront_keys_ours[] = {
	"tx-ring-ref",
	"rx-ring-ref",
	"event-channel",
	"event-channel-tx",
	"event-channel-rx",
	"request-rx-copy",
	"feature-rx-notify",
	"feature-sg",
	"feature-gso-tcpv4",
	"feature-gso-tcpv6",
	"feature-no-csum-offload",
	"feature-ipv6-csum-offload",
	"xdp-headroom",
	"multi-queue-num-queues",
	"request-multicast-control",
	"ctrl-ring-ref",
	"event-channel-ctrl",
	"queue-*",
	NULL,
};

struct netfront_takes netfront_takes(const struct netfront_conf *c)
{
	const struct netfront_takes table[] = {
		[NETFRONT_OWN] = { c->sg, c->csum, c->csum, c->gso, c->gso },
		[NETFRONT_LINUX] = { true, true, true, true, true },
		[NETFRONT_FREEBSD] = { true, c->csum, false, c->gso, false },
		[NETFRONT_WINDOWS] = { true, true, true, c->gso, c->gso },
		/* Blank checksums of IPv4 are what a frontend has to refuse. */
		[NETFRONT_MINIOS] = { false, true, false, false, false },
	};

	return table[c->habit];
}

/* A key that says yes or no; or none of it, if it is not @said. */
struct flag {
	const char *key;
	bool value, said;
};

static int flags_write(struct xst *xs, xst_t t, const char *dir, const struct flag *f,
                       size_t n)
{
	int rc = 0;

	for (; n && !rc; f++, n--)
		if (f->said)
			rc = xst_printf(xs, t, dir, f->key, "%d", f->value);
	return rc;
}

/* @prefix is "", or "queue-0/" and so on. */
static int queue_write(struct xst *xs, xst_t t, const struct netfront_keys_arg *a,
                       const char *prefix, const struct netfront_queue *q)
{
	const struct {
		const char *key;
		uint32_t value;
	} key[] = {
		{ "tx-ring-ref", q->ring_ref[0] },
		{ "rx-ring-ref", q->ring_ref[1] },
		{ q->split ? "event-channel-tx" : "event-channel", q->chan[0].port },
		{ q->split ? "event-channel-rx" : "event-channel",
		  netfront_queue_rx_port(q) },
	};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(key) && !rc; i++) {
		char name[40];

		snprintf(name, sizeof(name), "%s%s", prefix, key[i].key);
		rc = xst_printf(xs, t, a->dir, name, "%u", key[i].value);
	}
	return rc;
}

/* netif.h: the keys of one queue are the device's own, those of several queue-N/. */
static int queues_write(struct xst *xs, xst_t t, const struct netfront_keys_arg *a)
{
	uint32_t n = a->info->queues;
	int rc = 0;

	if (n > 1 || netfront_ways[a->conf->habit].says_one)
		rc = xst_printf(xs, t, a->dir, "multi-queue-num-queues", "%u", n);
	if (n == 1)
		return rc ? rc : queue_write(xs, t, a, "", &a->queue[0]);
	for (uint32_t i = 0; i < n && !rc; i++) {
		char prefix[20];

		snprintf(prefix, sizeof(prefix), "queue-%u/", i);
		rc = queue_write(xs, t, a, prefix, &a->queue[i]);
	}
	return rc;
}

static int ctrl_write(struct xst *xs, xst_t t, const struct netfront_keys_arg *a)
{
	int rc = 0;

	if (a->info->ctrl)
		rc = xst_printf(xs, t, a->dir, "ctrl-ring-ref", "%u", a->ctrl->ref);
	if (a->info->ctrl && !rc)
		rc = xst_printf(xs, t, a->dir, "event-channel-ctrl", "%u",
		                a->ctrl->chan.port);
	return rc;
}

int netfront_keys_write(struct xst *xs, xst_t t, void *arg)
{
	const struct netfront_keys_arg *a = arg;
	const struct netfront_conf *c = a->conf;
	const struct flag own[] = {
		{ "request-rx-copy", true, true },
		{ "feature-sg", c->sg, true },
		{ "feature-gso-tcpv4", c->gso, true },
		{ "feature-gso-tcpv6", c->gso, true },
		{ "feature-ipv6-csum-offload", c->csum, true },
		{ "feature-rx-notify", true, c->rx_notify },
		{ "feature-no-csum-offload", true, !c->csum },
		{ "request-multicast-control", true, c->mcast },
	};
	const struct flag linux_[] = {
		{ "xdp-headroom", false, true },
		{ "request-rx-copy", true, true },
		{ "feature-rx-notify", true, true },
		{ "feature-sg", true, true },
		{ "feature-gso-tcpv4", true, true },
		{ "feature-gso-tcpv6", true, true },
		{ "feature-ipv6-csum-offload", true, true },
	};
	/* LRO and RXCSUM are what ifconfig switches. */
	const struct flag freebsd[] = {
		{ "request-rx-copy", true, true },
		{ "feature-rx-notify", true, true },
		{ "feature-sg", true, true },
		{ "feature-gso-tcpv4", true, c->gso },
		{ "feature-no-csum-offload", true, !c->csum },
	};
	const struct flag windows[] = {
		{ "request-rx-copy", true, true },
		{ "feature-sg", true, true },
		{ "feature-rx-notify", true, true },
		{ "feature-gso-tcpv4", c->gso, true },
		{ "feature-gso-tcpv6", c->gso, true },
		{ "feature-no-csum-offload", false, true },
		{ "feature-ipv6-csum-offload", true, true },
		{ "request-multicast-control", true, a->info->mcast },
	};
	const struct flag minios[] = { { "request-rx-copy", true, true } };
	const struct {
		const struct flag *flag;
		size_t n;
	} table[] = {
		[NETFRONT_OWN] = { own, ARRAY_SIZE(own) },
		[NETFRONT_LINUX] = { linux_, ARRAY_SIZE(linux_) },
		[NETFRONT_FREEBSD] = { freebsd, ARRAY_SIZE(freebsd) },
		[NETFRONT_WINDOWS] = { windows, ARRAY_SIZE(windows) },
		[NETFRONT_MINIOS] = { minios, ARRAY_SIZE(minios) },
	};
	int rc = queues_write(xs, t, a);

	rc = rc ? rc : ctrl_write(xs, t, a);
	rc = rc ? rc
	        : flags_write(xs, t, a->dir, table[c->habit].flag, table[c->habit].n);
	return rc || !c->headroom
	               ? rc
	               : xst_printf(xs, t, a->dir, "xdp-headroom", "%u", c->headroom);
}
