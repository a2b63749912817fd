/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <net/if.h>

#include "log.h"
#include "num.h"
#include "pvnet.h"

/* An hour; ten times that are still ms in an int. */
#define IDLE_MAX_MS 3600000

enum {
	OPT_DEVICE = 1,
	OPT_NAME,
	OPT_TO,
	OPT_COUNT,
	OPT_FLOWS,
	OPT_SIZE,
	OPT_SEGMENT,
	OPT_FIRST,
	OPT_V6,
	OPT_UDP,
	OPT_FULL,
	OPT_CROSS,
	OPT_HOLD,
	OPT_IDLE,
	OPT_TIME,
	OPT_WINDOW,
	OPT_SEED,
	OPT_NO_SG,
	OPT_NO_CSUM,
	OPT_NO_GSO,
	OPT_ONE_CHANNEL,
	OPT_NO_RX_NOTIFY,
	OPT_RX_SLOTS,
	OPT_QUEUES,
	OPT_GROUPS,
	OPT_HASH,
	OPT_HEADROOM,
	OPT_RECONFIGURE,
	OPT_RESET,
	OPT_LIKE,
	OPT_DEBUG,
	OPT_HELP,
};

static const struct option options[] = {
	{ "device", required_argument, NULL, OPT_DEVICE },
	{ "name", required_argument, NULL, OPT_NAME },
	{ "to", required_argument, NULL, OPT_TO },
	{ "count", required_argument, NULL, OPT_COUNT },
	{ "flows", required_argument, NULL, OPT_FLOWS },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "segment", required_argument, NULL, OPT_SEGMENT },
	{ "first", required_argument, NULL, OPT_FIRST },
	{ "ipv6", no_argument, NULL, OPT_V6 },
	{ "udp", no_argument, NULL, OPT_UDP },
	{ "full-checksum", no_argument, NULL, OPT_FULL },
	{ "cross-page", no_argument, NULL, OPT_CROSS },
	{ "hold", no_argument, NULL, OPT_HOLD },
	{ "idle", required_argument, NULL, OPT_IDLE },
	{ "time", required_argument, NULL, OPT_TIME },
	{ "window", required_argument, NULL, OPT_WINDOW },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "no-sg", no_argument, NULL, OPT_NO_SG },
	{ "no-csum", no_argument, NULL, OPT_NO_CSUM },
	{ "no-gso", no_argument, NULL, OPT_NO_GSO },
	{ "one-channel", no_argument, NULL, OPT_ONE_CHANNEL },
	{ "no-rx-notify", no_argument, NULL, OPT_NO_RX_NOTIFY },
	{ "rx-slots", required_argument, NULL, OPT_RX_SLOTS },
	{ "queues", required_argument, NULL, OPT_QUEUES },
	{ "groups", required_argument, NULL, OPT_GROUPS },
	{ "hash", required_argument, NULL, OPT_HASH },
	{ "headroom", required_argument, NULL, OPT_HEADROOM },
	{ "reconfigure", required_argument, NULL, OPT_RECONFIGURE },
	{ "reset", no_argument, NULL, OPT_RESET },
	{ "like", required_argument, NULL, OPT_LIKE },
	{ "debug", no_argument, NULL, OPT_DEBUG },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

/* "100" or "60-9000". */
static int parse_size(const char *s, struct opts *o)
{
	const char *dash = strchr(s, '-');
	char low[8] = { 0 };

	if (dash && (size_t)(dash - s) >= sizeof(low))
		return -EINVAL;
	memcpy(low, s, dash ? (size_t)(dash - s) : strnlen(s, sizeof(low) - 1));
	if (num_u32(low, UINT16_MAX, &o->min) ||
	    num_u32(dash ? dash + 1 : s, UINT16_MAX, &o->max))
		return -EINVAL;
	return o->min >= 60 && o->min <= o->max ? 0 : -ERANGE;
}

static int parse_mac(const char *s, struct opts *o)
{
	uint8_t *m = o->to;
	char end;

	o->have_to = true;
	return sscanf(s, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%c", &m[0], &m[1], &m[2],
	              &m[3], &m[4], &m[5], &end) == 6
	               ? 0
	               : -EINVAL;
}

static int parse_headroom(const char *s, struct opts *o)
{
	uint32_t bytes;
	int rc = num_u32(s, UINT16_MAX, &bytes);

	if (!rc)
		o->conf.headroom = (uint16_t)bytes;
	return rc;
}

static int parse_like(const char *s, struct opts *o)
{
	static const char *const name[] = {
		[NETFRONT_LINUX] = "linux",
		[NETFRONT_FREEBSD] = "freebsd",
		[NETFRONT_WINDOWS] = "windows",
		[NETFRONT_MINIOS] = "mini-os",
	};

	for (size_t i = NETFRONT_LINUX; i < ARRAY_SIZE(name); i++)
		if (strcmp(s, name[i]) == 0) {
			o->conf.habit = (enum netfront_habit)i;
			return 0;
		}
	return -EINVAL;
}

/* "0,1,2,3": a queue for each remainder of a hash. */
static int parse_hash(const char *s, struct opts *o)
{
	/* That of Microsoft's verification suite, which every driver has by default. */
	static const uint8_t key[] = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2,
		                       0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0,
		                       0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4,
		                       0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c,
		                       0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa };
	struct netfront_hash *h = &o->hash;

	_Static_assert(sizeof(key) == sizeof(h->key), "a key");
	*h = (struct netfront_hash){ .types = XEN_NETIF_CTRL_HASH_TYPE_IPV4 |
		                              XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP |
		                              XEN_NETIF_CTRL_HASH_TYPE_IPV6 |
		                              XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP };
	memcpy(h->key, key, sizeof(key));
	o->conf.hash = h;
	for (;;) {
		char one[8] = { 0 };
		size_t n = strcspn(s, ",");

		if (n >= sizeof(one) || h->size == ARRAY_SIZE(h->to))
			return -EINVAL;
		memcpy(one, s, n);
		if (num_u32(one, NETFRONT_QUEUES_MAX - 1, &h->to[h->size++]))
			return -EINVAL;
		if (!s[n])
			return 0;
		s += n + 1;
	}
}

/* Those with a value. */
static int take_value(struct opts *o, int opt, const char *v)
{
	switch (opt) {
	case OPT_DEVICE:
		return num_u32(v, INT32_MAX, &o->devid);
	case OPT_NAME:
		o->name = v;
		return *v && strlen(v) < IFNAMSIZ ? 0 : -EINVAL;
	case OPT_TO:
		return parse_mac(v, o);
	case OPT_COUNT:
		return num_u32(v, INT32_MAX, &o->count);
	case OPT_FLOWS:
		return num_u32(v, FLOWS_MAX, &o->flows) || !o->flows ? -EINVAL : 0;
	case OPT_SIZE:
		return parse_size(v, o);
	case OPT_SEGMENT:
		return num_u32(v, UINT16_MAX, &o->segment);
	case OPT_FIRST:
		return num_u32(v, 4096, &o->first) || o->first < 14 ? -EINVAL : 0;
	case OPT_IDLE:
		return num_u32(v, IDLE_MAX_MS, &o->idle_ms);
	case OPT_TIME:
		return num_u32(v, 1000000, &o->seconds);
	case OPT_WINDOW:
		return num_u32(v, INT32_MAX, &o->window) || !o->window ? -EINVAL : 0;
	case OPT_SEED:
		return num_u64(v, UINT64_MAX, &o->seed);
	case OPT_LIKE:
		return parse_like(v, o);
	case OPT_RX_SLOTS:
		return num_u32(v, NETFRONT_RING, &o->conf.rx_slots);
	case OPT_GROUPS:
		o->groups = v;
		o->conf.mcast = true;
		return 0;
	case OPT_HASH:
		return parse_hash(v, o);
	case OPT_HEADROOM:
		return parse_headroom(v, o);
	case OPT_RECONFIGURE:
		return num_u32(v, INT32_MAX, &o->changes);
	case OPT_QUEUES:
		return num_u32(v, NETFRONT_QUEUES_MAX, &o->conf.queues) || !o->conf.queues
		               ? -EINVAL
		               : 0;
	default:
		return -EINVAL;
	}
}

/* Those without. Return: it is one. */
static bool take_flag(struct opts *o, int opt)
{
	switch (opt) {
	case OPT_V6:
		return o->v6 = true;
	case OPT_UDP:
		return o->udp = true;
	case OPT_CROSS:
		return o->cross = true;
	case OPT_HOLD:
		return o->hold = true;
	case OPT_FULL:
		return o->full = true;
	case OPT_RESET:
		return o->conf.reset = true;
	case OPT_DEBUG:
		log_set_level(LOG_LVL_DEBUG);
		return true;
	case OPT_NO_SG:
		o->conf.sg = false;
		return true;
	case OPT_NO_CSUM:
		o->conf.csum = false;
		return true;
	case OPT_NO_GSO:
		o->conf.gso = false;
		return true;
	case OPT_ONE_CHANNEL:
		o->conf.split = false;
		return true;
	case OPT_NO_RX_NOTIFY:
		o->conf.rx_notify = false;
		return true;
	default:
		return false;
	}
}

int opts_parse(struct opts *o, int argc, char **argv)
{
	int opt, index = 0;

	*o = (struct opts){ .conf = NETFRONT_DEFAULTS,
		            .name = "eth0",
		            .count = 1000,
		            .flows = 1,
		            .min = 60,
		            .max = 1514,
		            .idle_ms = 2000,
		            .seconds = 10,
		            .window = 48,
		            .seed = 1 };
	while ((opt = getopt_long(argc, argv, "", options, &index)) != -1) {
		if (opt == OPT_HELP)
			return 1;
		if (opt == '?')
			return -EINVAL;
		if (take_flag(o, opt))
			continue;
		if (take_value(o, opt, optarg)) {
			log_err(NULL, "--%s cannot be %s", options[index].name, optarg);
			return -EINVAL;
		}
	}
	if (optind != argc) {
		log_err(NULL, "%s is no option", argv[optind]);
		return -EINVAL;
	}
	return 0;
}
