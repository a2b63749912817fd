/* SPDX-License-Identifier: MIT */
/*
 * netback, the supervisor's half: a vif's keys, its TAP, and what its worker is told.
 *
 * The TAP is there before our state is InitWait, as that is when the toolstack runs its
 * script, and until the directory goes. Between the guest's connections it has no
 * carrier.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <net/if.h>

#include "backend.h"
#include "bdev_keys.h"
#include "net_conf.h"
#include "net_front_super.h"
#include "net_keys_super.h"
#include "net_life_super.h"
#include "net_limit_super.h"
#include "net_policy_super.h"
#include "net_stats.h"
#include "net_tap_super.h"

/* In our directory: the interface, for a pvbackd that comes after us. */
#define INDEX_KEY "pvbackd-ifindex"

/* Bytes of an IP packet: what IPv4 asks for, and what a TAP can have. */
#define MTU_MIN 68U
#define MTU_MAX 65521U

/**
 * struct net - A vif
 * @live:	As the worker is told, or will be
 * @told:	It was told; else it may have another one than @live
 */
struct net {
	struct net_tap tap;
	struct net_life life;
	struct net_live live;
	bool told;
};

static int probe_mac(struct bdev *d)
{
	autofree char *v = NULL;
	uint8_t mac[6];
	int rc = bdev_key(d, &v, d->path, "mac");

	if (rc || !v || net_mac_parse(v, mac) == 0)
		return rc;
	bdev_fault(d,
	           "mac is \"%.40s\", it must be the address of one station, as "
	           "00:16:3e:01:02:03",
	           v);
	return -EINVAL;
}

static int probe_limits(struct bdev *d, struct net *n)
{
	char why[128];
	int rc = net_limit_read(d, &n->live.limits, why, sizeof(why));

	if (rc == -EINVAL)
		bdev_fault(d, "%s", why);
	else if (rc)
		bdev_fault(d, "its limits cannot be read: %s", strerror(-rc));
	return rc;
}

static int probe_names(struct bdev *d)
{
	static const char *const key[] = { "bridge", "vifname" };

	for (size_t i = 0; i < ARRAY_SIZE(key); i++) {
		autofree char *v = NULL;
		int rc = bdev_key(d, &v, d->path, key[i]);

		if (rc)
			return rc;
		if (!v || !*v || net_ifname_check(v) == 0)
			continue;
		bdev_fault(d, "%s is \"%.40s\", no interface can be called so", key[i],
		           v);
		return -EINVAL;
	}
	return 0;
}

static int probe_script(struct bdev *d)
{
	autofree char *v = NULL;
	int rc = bdev_key(d, &v, d->path, "script");

	if (rc || !v || v[0] == '/')
		return rc;
	bdev_fault(d, "script is \"%.200s\", it must be an absolute path", v);
	return -EINVAL;
}

/* vifD.N, where N is the handle: libxl has it the same as the device's number. */
static int probe_name(struct bdev *d, char *name)
{
	autofree char *v = NULL;
	uint32_t handle;
	int n, rc = bdev_key(d, &v, d->path, "handle");

	if (!rc && v)
		rc = bdev_key_limit(d, d->path, "handle", UINT32_MAX, &handle);
	if (rc)
		return rc;
	n = snprintf(name, IFNAMSIZ, "vif%u.%u", d->domid, v ? handle : d->devid);
	if (n < IFNAMSIZ)
		return 0;
	bdev_fault(d, "handle is %u: no interface can have a name so long as vif%u.%u",
	           v ? handle : d->devid, d->domid, v ? handle : d->devid);
	return -EINVAL;
}

static int probe_mtu(struct bdev *d, uint32_t *mtu)
{
	int rc = bdev_key_limit(d, d->path, "mtu", MTU_MAX, mtu);

	if (rc || !*mtu || *mtu >= MTU_MIN)
		return rc;
	bdev_fault(d, "mtu is %u, it must be a number from %u to %u", *mtu, MTU_MIN,
	           MTU_MAX);
	return -EINVAL;
}

/* Queues of the TAP that a worker has. What the blob says is judged when it is adopted.
 */
static uint32_t held_queues(const struct bdev_conf *held)
{
	struct net_conf c = { 0 };

	if (held && held->len == sizeof(c))
		memcpy(&c, held->blob, sizeof(c));
	return c.nqueues <= NET_QUEUES_MAX && held && held->nfds == net_conf_fds(&c)
	               ? c.nqueues
	               : 0;
}

static int probe_tap(struct bdev *d, struct net *n)
{
	uint32_t index = 0, mtu = 0;
	char name[IFNAMSIZ];
	int rc = probe_name(d, name);

	rc = rc ? rc : probe_mtu(d, &mtu);
	rc = rc ? rc : bdev_key_limit(d, d->path, INDEX_KEY, INT32_MAX, &index);
	if (!rc && held_queues(d->held))
		return net_tap_share(d, d->held->fds, held_queues(d->held), index,
		                     &n->tap);
	return rc ? rc : net_tap_open(d, name, index, mtu, &n->tap);
}

static int net_probe(struct bdev *d)
{
	struct net *n = calloc(1, sizeof(*n));
	int rc;

	if (!n)
		return -ENOMEM;
	n->tap.fd = -1;
	rc = probe_mac(d);
	rc = rc ? rc : probe_limits(d, n);
	rc = rc ? rc : probe_names(d);
	rc = rc ? rc : probe_script(d);
	rc = rc ? rc : probe_tap(d, n);
	if (rc) {
		free(n);
		return rc;
	}
	d->priv = n;
	return 0;
}

static int net_offer(struct bdev *d, xst_t t)
{
	const struct net *n = d->priv;
	int rc = xst_printf(d->xs, t, d->path, INDEX_KEY, "%u", n->tap.index);

	return rc ? rc : net_front_offer(d, t);
}

static int net_open(struct bdev *d)
{
	const struct net *n = d->priv;
	autofree char *script = NULL;
	char name[IFNAMSIZ];
	int rc = bdev_key(d, &script, d->path, "script");

	rc = rc ? rc : bdev_script(d, script);
	/* The toolstack may have it run again. */
	if (rc)
		return rc == -ECANCELED ? -EAGAIN : rc;
	rc = net_tap_name(&n->tap, name);
	if (rc) {
		bdev_fault(d, "the TAP is gone: attach the network card anew");
		return rc;
	}
	if (log_allowed(d->limit, 20, d->tag))
		log_info(d->tag, "%s, interface %u", name, n->tap.index);
	return 0;
}

static int net_connect(struct bdev *d, bool resume, struct bdev_conf *conf)
{
	struct net *n = d->priv;
	struct net_conf c = { .live = n->live };
	int rc = net_front_keys(d, &c);

	rc = rc ? rc : net_policy_keys(d, &c);
	rc = rc ? rc : net_tap_offload(d, &n->tap, c.flags, resume);
	rc = rc ? rc : net_tap_queues(d, &n->tap, c.nqueues);
	if (rc)
		return rc;
	c.flags |= resume ? NET_RESUME : 0;
	rc = net_life_begin(d, &n->life, &n->tap, &c);
	if (rc)
		return rc;
	n->live = c.live;
	n->told = true;
	net_life_tell(&n->life, &n->tap, conf);
	return 0;
}

static int net_recover(struct bdev *d, struct bdev_conf *conf)
{
	struct net *n = d->priv;

	/* It may have been changed since. */
	n->life.conf.live = n->live;
	n->told = true;
	net_life_tell(&n->life, &n->tap, conf);
	return 0;
}

static bool net_serving(struct bdev *d)
{
	const struct net *n = d->priv;

	return net_life_serving(&n->life);
}

/* The TAP is the one that the worker has: see probe_tap(). */
static int net_adopt(struct bdev *d, struct bdev_conf *conf)
{
	struct net *n = d->priv;
	struct net_conf c;
	int rc = net_life_conf(d, conf, &c);

	if (rc)
		return rc;
	conf->nqueues = c.nqueues;
	/* With the worker its queues of the TAP have gone. */
	rc = conf->nfds ? 0 : net_tap_queues(d, &n->tap, c.nqueues);
	if (rc)
		return rc;
	net_tap_told(&n->tap, c.flags);
	rc = net_life_adopt(d, &n->life, &n->tap, &c, conf);
	if (rc)
		return rc;
	/* What CONNECT said, or less old: what it has now is told it once more. */
	n->live.mcast = c.live.mcast;
	n->live.headroom = c.live.headroom;
	n->told = false;
	rc = net_front_live(d, &n->live);
	return xst_broken(rc) ? rc : 0;
}

/* Limits that are malformed change nothing. */
static void live_limits(struct bdev *d, struct net_limits *l)
{
	struct net_limits to;
	char why[128];
	int rc = net_limit_read(d, &to, why, sizeof(why));

	if (rc == -EINVAL && log_allowed(d->limit, 20, d->tag))
		log_warn(d->tag, "%s: it stays what it was", why);
	if (!rc)
		*l = to;
}

static void live_log(struct bdev *d, const struct net_live *was,
                     const struct net_live *is)
{
	net_limit_log(d, &was->limits, &is->limits);
	if (was->mcast != is->mcast && log_allowed(d->limit, 20, d->tag))
		log_info(d->tag, is->mcast ? "it is given groups that it has added only"
		                           : "it is given all groups");
	if (was->headroom != is->headroom && log_allowed(d->limit, 20, d->tag))
		log_info(d->tag, "XDP headroom is %u bytes now", is->headroom);
}

static int net_update(struct bdev *d, struct bdev_conf *told, struct bdev_update *u)
{
	struct net *n = d->priv;
	struct net_live to = n->live;
	struct net_conf c;
	int rc;

	if (!d->touched)
		return 0;
	live_limits(d, &to.limits);
	/* What is right of it holds. */
	rc = net_front_live(d, &to);
	if (n->told && memcmp(&to, &n->live, sizeof(to)) == 0)
		return rc;
	live_log(d, &n->live, &to);
	n->live = to;
	n->told = true;
	memcpy(&c, told->blob, sizeof(c));
	c.live = to;
	memcpy(told->blob, &c, sizeof(c));
	memcpy(u->blob, &to, sizeof(to));
	u->len = sizeof(to);
	return 1;
}

/* "ipv4 ipv4-tcp, 128 entries" */
static void describe_hash(const struct net *n, struct bdev_facts *f)
{
	static const char *const type[] = {
		[_XEN_NETIF_CTRL_HASH_TYPE_IPV4] = " ipv4",
		[_XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP] = " ipv4-tcp",
		[_XEN_NETIF_CTRL_HASH_TYPE_IPV6] = " ipv6",
		[_XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP] = " ipv6-tcp",
	};
	const char *name[ARRAY_SIZE(type)];
	struct net_hash_conf c;

	if (!net_life_hash(&n->life, &c))
		return;
	for (uint32_t i = 0; i < ARRAY_SIZE(type); i++)
		name[i] = c.types & 1U << i ? type[i] : "";
	bdev_fact(f, "hash", "toeplitz%s%s%s%s", name[0], name[1], name[2], name[3]);
	bdev_fact_num(f, "hash-mapping", c.size);
}

static void net_describe(const struct bdev *d, const struct bdev_conf *conf,
                         struct bdev_facts *f)
{
	const struct net *n = d->priv;
	char name[IFNAMSIZ];
	struct net_conf c;

	if (net_tap_name(&n->tap, name) == 0)
		bdev_fact(f, "interface", "%s", name);
	net_limit_describe(&n->live.limits, f);
	if (!conf)
		return;
	memcpy(&c, conf->blob, sizeof(c));
	bdev_fact_bool(f, "split-event-channels", c.queue[0].rx_port != 0);
	bdev_fact_bool(f, "sg", c.flags & NET_SG);
	bdev_fact_bool(f, "csum-ipv4", c.flags & NET_CSUM4);
	bdev_fact_bool(f, "csum-ipv6", c.flags & NET_CSUM6);
	bdev_fact_bool(f, "gso-tcpv4", c.flags & NET_GSO4);
	bdev_fact_bool(f, "gso-tcpv6", c.flags & NET_GSO6);
	bdev_fact_bool(f, "rx-notify", c.flags & NET_RX_NOTIFY);
	bdev_fact_bool(f, "multicast-control", c.live.mcast);
	bdev_fact_num(f, "xdp-headroom", c.live.headroom);
	net_policy_describe(&c, f);
	bdev_fact_bool(f, "control-ring", c.ctrl_port != 0);
	describe_hash(n, f);
}

static void net_close(struct bdev *d)
{
	struct net *n = d->priv;

	net_life_end(&n->life);
	net_tap_rest(&n->tap);
}

static void net_remove(struct bdev *d)
{
	struct net *n = d->priv;

	net_tap_remove(&n->tap);
}

static void net_release(struct bdev *d)
{
	struct net *n = d->priv;

	net_life_end(&n->life);
	net_tap_close(&n->tap);
	free(n);
	d->priv = NULL;
}

static int net_configure(const char *key, const char *value, const char **want)
{
	int rc = net_front_configure(key, value, want);

	rc = rc == -ENOENT ? net_policy_configure(key, value, want) : rc;
	return rc == -ENOENT ? net_limit_configure(key, value, want) : rc;
}

static void net_configured(bool take)
{
	net_front_configured(take);
	net_policy_configured(take);
	net_limit_configured(take);
}

static const struct bdev_op net_ops[] = {
	{ "transmit", "tx_frames", "tx_bytes", "transmit" },
	{ "receive", "rx_frames", "rx_bytes", "receive" },
};

static const char *const net_losses[] = {
#define X(name) #name,
	NET_LOSSES(X)
#undef X
};

static const struct bdev_stats net_bdev_stats = { &net_stats_table, net_ops,
	                                          ARRAY_SIZE(net_ops), net_losses,
	                                          ARRAY_SIZE(net_losses) };

const struct super_backend net_super = {
	.kind = "vif",
	.stats = &net_bdev_stats,
	.captures = true,
	.live_front = true,
	.configure = net_configure,
	.configured = net_configured,
	.describe = net_describe,
	.probe = net_probe,
	.offer = net_offer,
	.open = net_open,
	.connect = net_connect,
	.recover = net_recover,
	.serving = net_serving,
	.adopt = net_adopt,
	.update = net_update,
	.tune = net_limit_tune,
	.close = net_close,
	.remove = net_remove,
	.release = net_release,
};
