/* SPDX-License-Identifier: MIT */
/* contract-agent: XenStore as this domain sees it, on a connection of its own. */
#include "agent.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore.h>

#include "pattern.h"

static struct xs_handle *handle;

static struct xs_handle *store(void)
{
	if (!handle)
		handle = xs_open(0);
	if (!handle)
		abort();
	return handle;
}

static long result(bool ok)
{
	return ok ? 0 : -errno;
}

static xs_transaction_t call_txn(const struct call *c, int i)
{
	return (xs_transaction_t)call_num(c, i);
}

/* xs.write TXN PATH [VALUE]. "@LEN" stands for LEN bytes of the pattern with seed LEN. */
static long xs_write_(struct call *c)
{
	const char *value = c->argc > 2 ? c->argv[2] : "";
	uint8_t bytes[4096];

	if (*value == '@') {
		unsigned long len = strtoul(value + 1, NULL, 10);

		if (len > sizeof(bytes))
			return -EINVAL;
		pattern_fill(bytes, len, len);
		return result(xs_write(store(), call_txn(c, 0), c->argv[1], bytes,
		                       (unsigned int)len));
	}
	return result(xs_write(store(), call_txn(c, 0), c->argv[1], value,
	                       (unsigned int)strlen(value)));
}

/* xs.read TXN PATH: the length and the text. */
static long xs_read_(struct call *c)
{
	unsigned int len;
	char *v = xs_read(store(), call_txn(c, 0), c->argv[1], &len);

	if (!v)
		return -errno;
	call_add(c, " %s", v);
	free(v);
	return (long)len;
}

/* xs.check TXN PATH: the length if the value is the pattern of its own length. */
static long xs_check(struct call *c)
{
	unsigned int len;
	uint8_t *v = xs_read(store(), call_txn(c, 0), c->argv[1], &len);
	bool good;

	if (!v)
		return -errno;
	good = pattern_is(v, len, len);
	free(v);
	return good ? (long)len : -EILSEQ;
}

static long xs_mkdir_(struct call *c)
{
	return result(xs_mkdir(store(), call_txn(c, 0), c->argv[1]));
}

static long xs_rm_(struct call *c)
{
	return result(xs_rm(store(), call_txn(c, 0), c->argv[1]));
}

/* xs.list TXN PATH: how many children. */
static long xs_list(struct call *c)
{
	unsigned int n;
	char **names = xs_directory(store(), call_txn(c, 0), c->argv[1], &n);

	if (!names)
		return -errno;
	free(names);
	return (long)n;
}

/* xs.perms PATH PERM...: PERM as in "n3" or "r0", the first is the owner. */
static long xs_perms(struct call *c)
{
	struct xs_permissions p[8];
	unsigned int n = 0;

	for (int i = 1; i < c->argc && n < 8; i++, n++) {
		if (!xs_strings_to_perms(&p[n], 1, c->argv[i]))
			return -EINVAL;
	}
	return result(xs_set_permissions(store(), XBT_NULL, c->argv[0], p, n));
}

static long xs_watch_(struct call *c)
{
	return result(xs_watch(store(), c->argv[0], c->argv[1]));
}

static long xs_unwatch_(struct call *c)
{
	return result(xs_unwatch(store(), c->argv[0], c->argv[1]));
}

/* xs.event MS: "PATH TOKEN" of the next watch event. */
static long xs_event(struct call *c)
{
	struct pollfd p = { .fd = xs_fileno(store()), .events = POLLIN };
	char **event;

	while (!(event = xs_check_watch(store()))) {
		if (poll(&p, 1, (int)call_num(c, 0)) <= 0)
			return -ETIMEDOUT;
	}
	call_add(c, " %s %s", event[XS_WATCH_PATH], event[XS_WATCH_TOKEN]);
	free(event);
	return 0;
}

static long xs_begin(struct call *c)
{
	xs_transaction_t t = xs_transaction_start(store());

	(void)c;
	return t == XBT_NULL ? -errno : (long)t;
}

/* xs.end TXN ABORT */
static long xs_end(struct call *c)
{
	return result(xs_transaction_end(store(), call_txn(c, 0), call_num(c, 1)));
}

/* xs.close: what the connection held (watches, transactions) goes with it. */
static long xs_close_(struct call *c)
{
	(void)c;
	xs_close(handle);
	handle = NULL;
	return 0;
}

/*
 * xs.exhaust KIND MAX PATH: make nodes below PATH, watches on it or transactions until
 * one is refused. Answers how many there are, and the errno (0: MAX were made).
 */
static long xs_exhaust(struct call *c)
{
	unsigned long i, max = call_num(c, 1);
	char name[160];
	bool ok = true;

	errno = 0;
	for (i = 0; i < max && ok; i++) {
		/* Few to a directory: its own size, with all names, is limited too. */
		snprintf(name, sizeof(name), "%s/%lu/%lu", c->argv[2], i / 50, i);
		switch (c->argv[0][0]) {
		case 'n':
			ok = xs_mkdir(store(), XBT_NULL, name);
			break;
		case 'w':
			ok = xs_watch(store(), name, name);
			break;
		default:
			ok = xs_transaction_start(store()) != XBT_NULL;
		}
	}
	call_add(c, " %d", ok ? 0 : errno);
	return (long)(ok ? i : i - 1);
}

const struct verb verbs_store[] = {
	{ "xs.write", 2, xs_write_ },
	{ "xs.read", 2, xs_read_ },
	{ "xs.check", 2, xs_check },
	{ "xs.mkdir", 2, xs_mkdir_ },
	{ "xs.rm", 2, xs_rm_ },
	{ "xs.list", 2, xs_list },
	{ "xs.perms", 2, xs_perms },
	{ "xs.watch", 2, xs_watch_ },
	{ "xs.unwatch", 2, xs_unwatch_ },
	{ "xs.event", 1, xs_event },
	{ "xs.begin", 0, xs_begin },
	{ "xs.end", 2, xs_end },
	{ "xs.close", 0, xs_close_ },
	{ "xs.exhaust", 3, xs_exhaust },
	{ NULL, 0, NULL },
};
