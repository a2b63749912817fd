/* SPDX-License-Identifier: MIT */
#include "xs.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <xenstore.h>

#include "num.h"

#define TRANSACT_TRIES 32

_Static_assert(XST_NULL == XBT_NULL, "no transaction");

struct xst {
	struct xs_handle *h;
};

int xst_open(struct xst **out)
{
	autofree struct xst *x = calloc(1, sizeof(*x));

	if (!x)
		return -ENOMEM;
	x->h = xs_open(0);
	if (!x->h)
		return errno ? -errno : -EIO;
	*out = take_ptr(x);
	return 0;
}

void xst_close(struct xst *x)
{
	if (!x)
		return;
	xs_close(x->h);
	free(x);
}

bool xst_broken(int rc)
{
	return rc == -EIO || rc == -EPIPE || rc == -EBADF || rc == -ECONNRESET;
}

int xst_fd(const struct xst *x)
{
	return xs_fileno(x->h);
}

/*
 * libxenstore sets errno on each failure; never report success for one. With a watch it
 * says EINVAL not only for the store's EINVAL, but also when the connection ends while an
 * answer is awaited: then there is nobody who answers another question.
 */
static int fail(struct xst *x)
{
	int rc = errno ? -errno : -EIO;
	char *path;

	if (rc != -EINVAL)
		return rc;
	path = xs_get_domain_path(x->h, 0);
	if (!path)
		return -EIO;
	free(path);
	return rc;
}

static int printf_like(2, 0) path_format(char *path, const char *fmt, va_list ap)
{
	int n = vsnprintf(path, XST_PATH_MAX, fmt, ap);

	return n < 0 || n >= XST_PATH_MAX ? -ENAMETOOLONG : 0;
}

static int node_read(struct xst *x, xst_t t, const char *path, char **out)
{
	unsigned int len;
	char *v = xs_read(x->h, t, path, &len);

	if (!v)
		return fail(x);
	if (strlen(v) != len) {
		free(v);
		return -EINVAL;
	}
	*out = v;
	return 0;
}

static int printf_like(4, 0)
	node_readv(struct xst *x, xst_t t, char **out, const char *path_fmt, va_list ap)
{
	char path[XST_PATH_MAX];
	int rc = path_format(path, path_fmt, ap);

	return rc ? rc : node_read(x, t, path, out);
}

int xst_read(struct xst *x, xst_t t, char **out, const char *path_fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, path_fmt);
	rc = node_readv(x, t, out, path_fmt, ap);
	va_end(ap);
	return rc;
}

int xst_read_u32(struct xst *x, xst_t t, uint32_t max, uint32_t *out,
                 const char *path_fmt, ...)
{
	autofree char *v = NULL;
	va_list ap;
	int rc;

	va_start(ap, path_fmt);
	rc = node_readv(x, t, &v, path_fmt, ap);
	va_end(ap);
	return rc ? rc : num_u32(v, max, out);
}

int xst_list(struct xst *x, xst_t t, char ***names, unsigned int *n, const char *path_fmt,
             ...)
{
	char path[XST_PATH_MAX];
	va_list ap;
	int rc;

	va_start(ap, path_fmt);
	rc = path_format(path, path_fmt, ap);
	va_end(ap);
	if (rc)
		return rc;
	*names = xs_directory(x->h, t, path, n);
	return *names ? 0 : fail(x);
}

int xst_write(struct xst *x, xst_t t, const char *path, const char *value)
{
	if (!xs_write(x->h, t, path, value, (unsigned int)strlen(value)))
		return fail(x);
	return 0;
}

int xst_printf(struct xst *x, xst_t t, const char *dir, const char *key,
               const char *value_fmt, ...)
{
	char path[XST_PATH_MAX], value[2049];
	va_list ap;
	int n;

	n = snprintf(path, sizeof(path), "%s/%s", dir, key);
	if (n < 0 || n >= (int)sizeof(path))
		return -ENAMETOOLONG;
	va_start(ap, value_fmt);
	n = vsnprintf(value, sizeof(value), value_fmt, ap);
	va_end(ap);
	if (n < 0 || n >= (int)sizeof(value))
		return -E2BIG;
	return xst_write(x, t, path, value);
}

int xst_rm(struct xst *x, xst_t t, const char *path)
{
	if (!xs_rm(x->h, t, path) && errno != ENOENT)
		return fail(x);
	return 0;
}

int xst_watch(struct xst *x, const char *path, const char *token)
{
	return xs_watch(x->h, path, token) ? 0 : fail(x);
}

void xst_unwatch(struct xst *x, const char *path, const char *token)
{
	/* It fails only when the watch, or the store itself, is gone already. */
	xs_unwatch(x->h, path, token);
}

int xst_next(struct xst *x, struct xst_event *ev)
{
	char **v = xs_check_watch(x->h);

	if (!v)
		return errno == EAGAIN ? 0 : fail(x);
	ev->path = strdup(v[XS_WATCH_PATH]);
	ev->token = strdup(v[XS_WATCH_TOKEN]);
	free(v);
	if (ev->path && ev->token)
		return 1;
	xst_event_free(ev);
	return -ENOMEM;
}

void xst_event_free(struct xst_event *ev)
{
	free(ev->path);
	free(ev->token);
	*ev = (struct xst_event){ 0 };
}

static void transact_pause(unsigned int tried)
{
	/* 0.1 ms doubling to 12.8 ms: about a third of a second in all. */
	unsigned int shift = tried < 7 ? tried : 7;
	struct timespec ts = { .tv_nsec = 100000L << shift };

	nanosleep(&ts, NULL);
}

int xst_transact(struct xst *x, int (*fn)(struct xst *x, xst_t t, void *arg), void *arg)
{
	for (unsigned int tried = 0; tried < TRANSACT_TRIES; tried++) {
		xst_t t = xs_transaction_start(x->h);
		int rc;

		if (t == XST_NULL)
			return fail(x);
		rc = fn(x, t, arg);
		if (rc && rc != -EAGAIN) {
			xs_transaction_end(x->h, t, true);
			return rc;
		}
		if (xs_transaction_end(x->h, t, rc != 0)) {
			if (!rc)
				return 0;
		} else if (errno != EAGAIN) {
			return fail(x);
		}
		transact_pause(tried);
	}
	return -EAGAIN;
}
