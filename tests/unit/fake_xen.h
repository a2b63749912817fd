/* SPDX-License-Identifier: MIT */
/*
 * XenStore, grants, event channels and a block backend, in the process of the test that
 * includes this: one thread, nothing asynchronous. The backend acts inside the call that
 * it reacts to: a write of our state, a notification.
 */
#ifndef PVB_FAKE_XEN_H
#define PVB_FAKE_XEN_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include <xenevtchn.h>
#include <xengnttab.h>

#include "compiler.h"
#include "num.h"
#include "xenabi.h"
#include "xs.h"

#define FRONT "device/vbd/51712"
#define BACK  "/local/domain/0/backend/vbd/3/51712"
#define DISK  (1U << 20)
#define REFS  65536
#define CHANS 4
#define PORT  9

/**
 * struct fake - The world
 * @states:	States the frontend has written, one digit each
 * @mute:	The backend does not react to states
 * @deaf:	Nor to notifications; fake_serve() does it
 * @decline:	It answers Initialised with Closing
 * @spoil:	May change a response before it is published
 * @ref:	Granted pages by reference; references are not reused
 * @chan:	Event channels; the first one's port is PORT
 * @shared:	Pages granted now
 * @grants:	How many can be; 0: no limit
 * @handles:	Drivers and connections open now
 */
static struct fake {
	struct {
		char path[96];
		char value[64];
	} node[64];
	char states[512];
	int watch_fd;
	struct {
		int fd;
		RING_IDX req_cons;
	} chan[CHANS];
	bool mute;
	bool deaf;
	bool decline;
	void (*spoil)(struct blkif_sring *ring, RING_IDX at);
	struct {
		uint8_t *page;
		bool writable;
	} ref[REFS];
	uint32_t next_ref;
	unsigned int shared;
	unsigned int grants;
	int handles;
	unsigned int served;
	struct blkif_request last;
	union {
		struct blkif_request_indirect indirect;
		struct blkif_request_discard discard;
	} other;
	uint8_t disk[DISK];
} fake;

/* ---- XenStore -------------------------------------------------------------------- */

/* Node @path, or a free one for "". */
static size_t fake_node(const char *path)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(fake.node) && strcmp(fake.node[i].path, path) != 0)
		i++;
	return i;
}

static char *fake_get(const char *path)
{
	size_t i = fake_node(path);

	return i < ARRAY_SIZE(fake.node) ? fake.node[i].value : NULL;
}

static void fake_set(const char *path, const char *value)
{
	size_t i = fake_get(path) ? fake_node(path) : fake_node("");

	snprintf(fake.node[i].path, sizeof(fake.node[i].path), "%s", path);
	snprintf(fake.node[i].value, sizeof(fake.node[i].value), "%s", value);
}

static void fake_rm(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(fake.node); i++)
		if (strncmp(fake.node[i].path, path, strlen(path)) == 0)
			fake.node[i].path[0] = '\0';
}

static void fake_watch_fires(void)
{
	eventfd_write(fake.watch_fd, 1);
}

static void fake_back_state(const char *state)
{
	fake_set(BACK "/state", state);
	fake_watch_fires();
}

static void fake_back_reacts(char state)
{
	if (fake.mute)
		return;
	/* One in a hurry comes with 4 at once. */
	if (state == '3' || (state == '4' && *fake_get(BACK "/state") != '4')) {
		for (unsigned int i = 0; i < CHANS; i++)
			fake.chan[i].req_cons = 0;
		fake_back_state(fake.decline ? "5" : "4");
	} else if (state == '1') {
		fake_back_state("2");
	} else if (state == '5') {
		fake_back_state("5");
	} else if (state == '6') {
		fake_back_state("6");
	}
}

static int printf_like(2, 0) fake_path(char *path, const char *fmt, va_list ap)
{
	return vsnprintf(path, XST_PATH_MAX, fmt, ap) < 0 ? -EINVAL : 0;
}

int xst_open(struct xst **out)
{
	*out = (struct xst *)&fake;
	fake.watch_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	fake.handles++;
	return 0;
}

void xst_close(struct xst *x)
{
	if (!x)
		return;
	close(fake.watch_fd);
	fake.handles--;
}

bool xst_broken(int rc)
{
	return rc == -EPIPE;
}

int xst_fd(const struct xst *x)
{
	(void)x;
	return fake.watch_fd;
}

int xst_read(struct xst *x, xst_t t, char **out, const char *path_fmt, ...)
{
	char path[XST_PATH_MAX];
	const char *v;
	va_list ap;

	(void)x;
	(void)t;
	va_start(ap, path_fmt);
	fake_path(path, path_fmt, ap);
	va_end(ap);
	v = fake_get(path);
	*out = v ? strdup(v) : NULL;
	return v ? 0 : -ENOENT;
}

int xst_read_u32(struct xst *x, xst_t t, uint32_t max, uint32_t *out,
                 const char *path_fmt, ...)
{
	char path[XST_PATH_MAX];
	const char *v;
	va_list ap;

	(void)x;
	(void)t;
	va_start(ap, path_fmt);
	fake_path(path, path_fmt, ap);
	va_end(ap);
	v = fake_get(path);
	return v ? num_u32(v, max, out) : -ENOENT;
}

/* The names of a node's children, in one allocation, as libxenstore has them. */
int xst_list(struct xst *x, xst_t t, char ***names, unsigned int *n, const char *path_fmt,
             ...)
{
	char path[XST_PATH_MAX], *text;
	size_t len;
	va_list ap;

	(void)x;
	(void)t;
	va_start(ap, path_fmt);
	fake_path(path, path_fmt, ap);
	va_end(ap);
	len = strlen(path);
	*n = 0;
	*names = calloc(1, sizeof(fake.node) + ARRAY_SIZE(fake.node) * sizeof(char *));
	text = (char *)(*names + ARRAY_SIZE(fake.node));
	for (size_t i = 0; i < ARRAY_SIZE(fake.node); i++) {
		const char *at = fake.node[i].path;

		if (strncmp(at, path, len) != 0 || at[len] != '/')
			continue;
		(*names)[(*n)++] = text;
		text += snprintf(text, sizeof(fake.node[0]), "%.*s",
		                 (int)strcspn(at + len + 1, "/"), at + len + 1) +
		        1;
	}
	return *n ? 0 : -ENOENT;
}

int xst_printf(struct xst *x, xst_t t, const char *dir, const char *key,
               const char *value_fmt, ...)
{
	char path[XST_PATH_MAX], value[64];
	va_list ap;

	(void)x;
	(void)t;
	snprintf(path, sizeof(path), "%s/%s", dir, key);
	va_start(ap, value_fmt);
	vsnprintf(value, sizeof(value), value_fmt, ap);
	va_end(ap);
	fake_set(path, value);
	if (strcmp(path, FRONT "/state") != 0)
		return 0;
	fake.states[strlen(fake.states)] = value[0];
	fake_back_reacts(value[0]);
	return 0;
}

int xst_rm(struct xst *x, xst_t t, const char *path)
{
	(void)x;
	(void)t;
	fake_rm(path);
	return 0;
}

int xst_watch(struct xst *x, const char *path, const char *token)
{
	(void)x;
	(void)path;
	(void)token;
	fake_watch_fires();
	return 0;
}

int xst_next(struct xst *x, struct xst_event *ev)
{
	eventfd_t n;

	(void)x;
	*ev = (struct xst_event){ 0 };
	return eventfd_read(fake.watch_fd, &n) == 0;
}

void xst_event_free(struct xst_event *ev)
{
	(void)ev;
}

int xst_transact(struct xst *x, int (*fn)(struct xst *x, xst_t t, void *arg), void *arg)
{
	return fn(x, XST_NULL, arg);
}

/* ---- Grants and event channels --------------------------------------------------- */

xengntshr_handle *xengntshr_open(struct xentoollog_logger *logger, unsigned open_flags)
{
	(void)logger;
	(void)open_flags;
	fake.handles++;
	return (xengntshr_handle *)&fake;
}

int xengntshr_close(xengntshr_handle *xgs)
{
	(void)xgs;
	fake.handles--;
	return 0;
}

void *xengntshr_share_pages(xengntshr_handle *xgs, uint32_t domid, int count,
                            uint32_t *refs, int writable)
{
	uint8_t *pages = aligned_alloc(XEN_PAGE, (size_t)count * XEN_PAGE);

	(void)xgs;
	(void)domid;
	if (fake.grants && fake.shared + (unsigned int)count > fake.grants) {
		free(take_ptr(pages));
		errno = ENOSPC;
	}
	for (int i = 0; pages && i < count; i++) {
		refs[i] = ++fake.next_ref % REFS;
		fake.ref[refs[i]].page = pages + (size_t)i * XEN_PAGE;
		fake.ref[refs[i]].writable = writable;
		fake.shared++;
	}
	return pages;
}

int xengntshr_unshare(xengntshr_handle *xgs, void *start_address, uint32_t count)
{
	uint8_t *start = start_address;

	(void)xgs;
	for (size_t i = 0; i < REFS; i++)
		if (fake.ref[i].page >= start &&
		    fake.ref[i].page < start + count * XEN_PAGE)
			fake.ref[i].page = NULL;
	fake.shared -= count;
	free(start_address);
	return 0;
}

/* A handle is an index into the channels, counted from 1. */
xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger, unsigned int flags)
{
	size_t i = 0;

	(void)logger;
	(void)flags;
	while (fake.chan[i].fd)
		i++;
	fake.chan[i].fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	fake.handles++;
	return (xenevtchn_handle *)(i + 1);
}

static size_t fake_chan(xenevtchn_handle *xce)
{
	return (size_t)xce - 1;
}

int xenevtchn_close(xenevtchn_handle *xce)
{
	close(fake.chan[fake_chan(xce)].fd);
	fake.chan[fake_chan(xce)].fd = 0;
	fake.handles--;
	return 0;
}

int xenevtchn_fd(xenevtchn_handle *xce)
{
	return fake.chan[fake_chan(xce)].fd;
}

xenevtchn_port_or_error_t xenevtchn_bind_unbound_port(xenevtchn_handle *xce,
                                                      uint32_t domid)
{
	(void)domid;
	return PORT + (int)fake_chan(xce);
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *xce)
{
	eventfd_t n;

	return eventfd_read(xenevtchn_fd(xce), &n) ? -1 : PORT + (int)fake_chan(xce);
}

int xenevtchn_unmask(xenevtchn_handle *xce, evtchn_port_t port)
{
	return port == PORT + fake_chan(xce) ? 0 : -1;
}

#include "fake_blkback.h"

/* A disk that was attached and waits for its frontend. */
static void fake_begin(void)
{
	static const char *const node[][2] = {
		{ FRONT "/backend", BACK },
		{ FRONT "/backend-id", "0" },
		{ FRONT "/state", "1" },
		{ BACK "/state", "2" },
		{ BACK "/sectors", "2048" },
		{ BACK "/info", "0" },
		{ BACK "/sector-size", "512" },
		{ BACK "/physical-sector-size", "4096" },
		{ BACK "/feature-flush-cache", "1" },
		{ BACK "/feature-persistent", "1" },
	};

	memset(&fake, 0, sizeof(fake));
	for (size_t i = 0; i < ARRAY_SIZE(node); i++)
		fake_set(node[i][0], node[i][1]);
}

#endif
