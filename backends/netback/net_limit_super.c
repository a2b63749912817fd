/* SPDX-License-Identifier: MIT */
#include "net_limit_super.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "net_keys_super.h"
#include "num.h"

/* In our directory; the next pvbackd reads it as this one does. */
#define LIMITS_KEY "pvbackd-limits"

static const char *const limit_name[NET_NLIMITS] = {
#define X(id, name) [NET_LIMIT_##id] = (name),
	NET_LIMITS(X)
#undef X
};

/* Of pvbackd.conf: in effect, and what has been read since. */
static struct net_limit_set now, next;

static int printf_like(4, 5) refuse(char *why, size_t size, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return rc;
}

/* Return: its place, or NET_NLIMITS. */
static int limit_find(const char *name, size_t len)
{
	int i = 0;

	while (i < NET_NLIMITS &&
	       (strlen(limit_name[i]) != len || strncmp(limit_name[i], name, len) != 0))
		i++;
	return i;
}

int net_limit_parse(const char *s, struct net_limit_set *set)
{
	for (s += strspn(s, " "); *s; s += strspn(s, " ")) {
		size_t len = strcspn(s, " "), name = strcspn(s, "=");
		char number[24] = { 0 };
		int i = name < len ? limit_find(s, name) : NET_NLIMITS;

		if (i == NET_NLIMITS || len - name - 1 >= sizeof(number))
			return -EINVAL;
		memcpy(number, s + name + 1, len - name - 1);
		if (num_u64(number, NET_LIMIT_MAX, &set->limit[i]))
			return -EINVAL;
		set->said[i] = true;
		s += len;
	}
	return 0;
}

const char *net_limit_text(char out[NET_LIMIT_TEXT], const struct net_limit_set *set)
{
	size_t n = 0;

	out[0] = 0;
	for (int i = 0; i < NET_NLIMITS; i++)
		if (set->said[i])
			n += (size_t)snprintf(out + n, NET_LIMIT_TEXT - n,
			                      "%s%s=%" PRIu64, n ? " " : "",
			                      limit_name[i], set->limit[i]);
	return out;
}

int net_limit_configure(const char *key, const char *value, const char **want)
{
	static const char prefix[] = "limit-";
	const size_t skip = sizeof(prefix) - 1;
	int i = strncmp(key, prefix, skip) == 0
	                ? limit_find(key + skip, strlen(key + skip))
	                : NET_NLIMITS;

	if (i == NET_NLIMITS)
		return -ENOENT;
	*want = "a number per second, 0 for none";
	next.said[i] = true;
	return num_u64(value, NET_LIMIT_MAX, &next.limit[i]) ? -EINVAL : 0;
}

void net_limit_configured(bool take)
{
	if (take)
		now = next;
	next = (struct net_limit_set){ 0 };
}

/* Our node. Return: 0, also if there is none, or -errno. */
static int node_read(struct bdev *d, struct net_limit_set *set, char *why, size_t size)
{
	autofree char *v = NULL;
	int rc = xst_read(d->xs, XST_NULL, &v, "%s/" LIMITS_KEY, d->path);

	*set = (struct net_limit_set){ 0 };
	if (rc)
		return rc == -ENOENT ? 0 : rc;
	if (net_limit_parse(v, set))
		return refuse(why, size, -EINVAL, LIMITS_KEY " is \"%.80s\"", v);
	return 0;
}

static int rate_read(struct bdev *d, struct net_limits *l, char *why, size_t size)
{
	autofree char *v = NULL;
	int rc = xst_read(d->xs, XST_NULL, &v, "%s/rate", d->path);

	if (rc)
		return rc == -ENOENT ? 0 : rc;
	if (net_rate_parse(v, &l->rate_bytes, &l->rate_usec))
		return refuse(why, size, -EINVAL,
		              "rate is \"%.40s\", it must be BYTES,MICROSECONDS", v);
	return 0;
}

int net_limit_read(struct bdev *d, struct net_limits *l, char *why, size_t why_size)
{
	struct net_limit_set set;
	int rc;

	*l = (struct net_limits){ 0 };
	rc = rate_read(d, l, why, why_size);
	rc = rc ? rc : node_read(d, &set, why, why_size);
	for (int i = 0; !rc && i < NET_NLIMITS; i++)
		l->limit[i] = set.said[i] ? set.limit[i] : now.limit[i];
	return rc;
}

int net_limit_tune(struct bdev *d, const char *what, char *why, size_t why_size)
{
	struct net_limit_set set;
	char text[NET_LIMIT_TEXT];
	int rc = node_read(d, &set, why, why_size);

	/* What cannot be understood is written anew. */
	if (rc && rc != -EINVAL)
		return refuse(why, why_size, rc, "XenStore: %s", strerror(-rc));
	if (net_limit_parse(what, &set))
		return refuse(
			why, why_size, -EINVAL,
			"a limit is tx-bytes, rx-bytes, tx-packets or rx-packets, = "
			"and a number up to %llu",
			NET_LIMIT_MAX);
	rc = xst_printf(d->xs, XST_NULL, d->path, LIMITS_KEY, "%s",
	                net_limit_text(text, &set));
	return rc ? refuse(why, why_size, rc, "XenStore: %s", strerror(-rc)) : 0;
}

void net_limit_describe(const struct net_limits *l, struct bdev_facts *f)
{
	if (l->rate_bytes)
		bdev_fact(f, "rate", "%" PRIu64 " bytes in %u us", l->rate_bytes,
		          l->rate_usec);
	for (int i = 0; i < NET_NLIMITS; i++) {
		char key[32];

		snprintf(key, sizeof(key), "limit-%s", limit_name[i]);
		if (l->limit[i])
			bdev_fact_num(f, key, l->limit[i]);
	}
}

void net_limit_log(const struct bdev *d, const struct net_limits *was,
                   const struct net_limits *is)
{
	struct net_limit_set set = { 0 };
	char text[NET_LIMIT_TEXT];
	bool any = false;

	for (int i = 0; i < NET_NLIMITS; i++) {
		set.said[i] = is->limit[i];
		set.limit[i] = is->limit[i];
		any |= set.said[i];
	}
	if (memcmp(was->limit, is->limit, sizeof(is->limit)) != 0)
		log_info(d->tag, "limits are %s now",
		         any ? net_limit_text(text, &set) : "none");
	if (was->rate_bytes == is->rate_bytes && was->rate_usec == is->rate_usec)
		return;
	if (is->rate_bytes)
		log_info(d->tag, "rate is %" PRIu64 ",%u now", is->rate_bytes,
		         is->rate_usec);
	else
		log_info(d->tag, "rate is not limited now");
}
