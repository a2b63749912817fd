/* SPDX-License-Identifier: MIT */
#include "net_policy_super.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>

#include "bdev_keys.h"
#include "bdev_opts.h"
#include "net_keys_super.h"
#include "num.h"

enum {
	OPT_SPOOF,
	OPT_FULL
};

/* Those of antispoof are in the order of enum net_spoof_mode. */
static const struct bdev_opt opts[] = {
	[OPT_SPOOF] = { "antispoof", { "off", "log", "drop" } },
	[OPT_FULL] = { "full-checksums", { "off", "on" } },
};

static struct bdev_optset set = BDEV_OPTSET(set, opts);

int net_policy_configure(const char *key, const char *value, const char **want)
{
	return bdev_opts_set(&set, key, value, want);
}

void net_policy_configured(bool take)
{
	bdev_opts_end(&set, take);
}

/* @guest: its name, or NULL */
static bool card_matches(const char *pattern, const void *guest)
{
	return guest && fnmatch(pattern, guest, 0) == 0;
}

static uint8_t chosen(struct bdev *d, int opt)
{
	autofree char *guest = bdev_guest_name(d);

	return bdev_opts_for(&set, card_matches, guest).v[opt];
}

bool net_policy_full_checksums(struct bdev *d)
{
	return chosen(d, OPT_FULL);
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
	           opts[OPT_SPOOF].value[c->mode]);
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

	c->spoof.mode = chosen(d, OPT_SPOOF);
	if (c->spoof.mode == NET_SPOOF_OFF)
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
	bdev_fact(f, "antispoof", "%s", opts[OPT_SPOOF].value[s->mode]);
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
