/* SPDX-License-Identifier: MIT */
#include "net_policy_super.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>

#include "bdev_keys.h"
#include "net_keys_super.h"
#include "num.h"

static const char *const mode_name[NET_SPOOF_NMODES] = {
	[NET_SPOOF_OFF] = "off",
	[NET_SPOOF_LOG] = "log",
	[NET_SPOOF_DROP] = "drop",
};

/** struct policy - What one reading of the file amounts to */
struct policy {
	enum net_spoof_mode spoof;
};

/* In effect, and what has been read since. */
static struct policy now, next;

int net_policy_configure(const char *key, const char *value, const char **want)
{
	if (strcmp(key, "antispoof") != 0)
		return -ENOENT;
	for (int i = 0; i < NET_SPOOF_NMODES; i++)
		if (strcmp(value, mode_name[i]) == 0) {
			next.spoof = (enum net_spoof_mode)i;
			return 0;
		}
	*want = "off, log or drop";
	return -EINVAL;
}

void net_policy_configured(bool take)
{
	if (take)
		now = next;
	next = (struct policy){ 0 };
}

static int addr_parse(char *word, struct net_spoof_addr *a)
{
	char *slash = strchr(word, '/');
	uint32_t most, bits;

	*a = (struct net_spoof_addr){ .v6 = strchr(word, ':') != NULL };
	most = bits = a->v6 ? 128 : 32;
	if (slash)
		*slash = 0;
	if ((slash && num_u32(slash + 1, most, &bits)) ||
	    inet_pton(a->v6 ? AF_INET6 : AF_INET, word, a->addr) != 1)
		return -EINVAL;
	a->bits = (uint8_t)bits;
	return 0;
}

int net_addrs_parse(const char *s, struct net_spoof_conf *c)
{
	static const char blank[] = " \t\n";

	c->naddr = 0;
	for (s += strspn(s, blank); *s; s += strspn(s, blank)) {
		size_t len = strcspn(s, blank);
		char word[64] = { 0 };

		if (len >= sizeof(word))
			return -EINVAL;
		if (c->naddr == NET_SPOOF_ADDRS)
			return -E2BIG;
		memcpy(word, s, len);
		if (addr_parse(word, &c->addr[c->naddr++]))
			return -EINVAL;
		s += len;
	}
	c->listed = c->naddr != 0;
	return 0;
}

/* Without it no frame could be judged. */
static int policy_mac(struct bdev *d, struct net_spoof_conf *c)
{
	autofree char *v = NULL;
	int rc = bdev_key(d, &v, d->path, "mac");

	if (rc || (v && net_mac_parse(v, c->mac) == 0))
		return rc;
	bdev_fault(d, "vif.antispoof is %s, so the toolstack has to write a mac",
	           mode_name[c->mode]);
	return -EINVAL;
}

static int policy_ip(struct bdev *d, struct net_spoof_conf *c)
{
	autofree char *v = NULL;
	int rc = bdev_key(d, &v, d->path, "ip");

	if (rc || !v)
		return rc;
	rc = net_addrs_parse(v, c);
	if (rc == -E2BIG)
		bdev_fault(d, "ip has more than %u addresses", NET_SPOOF_ADDRS);
	else if (rc)
		bdev_fault(d,
		           "ip is \"%.80s\", with vif.antispoof it must be IPv4 and "
		           "IPv6 addresses and networks, with blanks between them",
		           v);
	return rc;
}

int net_policy_keys(struct bdev *d, struct net_conf *c)
{
	int rc;

	c->spoof.mode = now.spoof;
	if (now.spoof == NET_SPOOF_OFF)
		return 0;
	rc = policy_mac(d, &c->spoof);
	return rc ? rc : policy_ip(d, &c->spoof);
}

void net_policy_describe(const struct net_conf *c, struct bdev_facts *f)
{
	const struct net_spoof_conf *s = &c->spoof;
	char text[NET_SPOOF_ADDRS * (INET6_ADDRSTRLEN + 5)] = "any";
	size_t n = 0;

	if (s->mode >= NET_SPOOF_NMODES)
		return;
	bdev_fact(f, "antispoof", "%s", mode_name[s->mode]);
	if (s->mode == NET_SPOOF_OFF)
		return;
	for (uint32_t i = 0; i < s->naddr && i < NET_SPOOF_ADDRS; i++) {
		const struct net_spoof_addr *a = &s->addr[i];
		char name[INET6_ADDRSTRLEN] = "";

		inet_ntop(a->v6 ? AF_INET6 : AF_INET, a->addr, name, sizeof(name));
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s/%u", i ? " " : "",
		                      name, a->bits);
	}
	bdev_fact(f, "addresses", "%s", text);
}
