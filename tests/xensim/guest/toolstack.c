/* SPDX-License-Identifier: MIT */
/* XenStore nodes of a domain with no devices, as libxl writes and removes them. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <xenstore.h>

#include "guest.h"
#include "store.h"

/* Whose a node is: the toolstack's and the guest may read it, or the guest's own. */
enum owner {
	HOST,
	GUEST
};

struct nodes {
	struct xs_handle *xs;
	xs_transaction_t tx;
	const struct guest *guest;
	bool ok;
};

static void node(struct nodes *nodes, enum owner owner, const char *path, const char *fmt,
                 ...) __attribute__((format(printf, 4, 5)));

static void node(struct nodes *nodes, enum owner owner, const char *path, const char *fmt,
                 ...)
{
	uint32_t domid = nodes->guest->domid;
	struct xs_permissions host[2] = { { .id = 0, .perms = XS_PERM_NONE },
		                          { .id = domid, .perms = XS_PERM_READ } };
	struct xs_permissions own[1] = { { .id = domid, .perms = XS_PERM_NONE } };
	char value[128];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	nodes->ok &= xs_write(nodes->xs, nodes->tx, path, value, (unsigned int)n);
	nodes->ok &= xs_set_permissions(nodes->xs, nodes->tx, path,
	                                owner == HOST ? host : own,
	                                owner == HOST ? 2 : 1);
}

/* In libxl's order; one place, so that it can be compared with a trace of the real thing
 */
static const struct {
	enum owner owner;
	const char *path;
	const char *value;
} fixed[] = {
	{ HOST, "cpu", "" },
	{ HOST, "cpu/0", "" },
	{ HOST, "cpu/0/availability", "online" },
	{ HOST, "memory", "" },
	{ HOST, "memory/videoram", "0" },
	{ HOST, "device", "" },
	{ HOST, "device/suspend", "" },
	{ GUEST, "device/suspend/event-channel", "" },
	{ HOST, "control", "" },
	{ GUEST, "control/shutdown", "" },
	{ GUEST, "control/feature-poweroff", "" },
	{ GUEST, "control/feature-reboot", "" },
	{ GUEST, "control/feature-suspend", "" },
	{ GUEST, "control/sysrq", "" },
	{ HOST, "control/platform-feature-multiprocessor-suspend", "1" },
	{ HOST, "control/platform-feature-xs_reset_watches", "1" },
	{ GUEST, "data", "" },
	{ GUEST, "drivers", "" },
	{ GUEST, "feature", "" },
	{ GUEST, "attr", "" },
	{ GUEST, "error", "" },
	{ HOST, "store", "" },
	{ HOST, "console", "" },
	{ HOST, "console/limit", "1048576" },
	{ HOST, "console/type", "xenconsoled" },
	{ HOST, "console/output", "pty" },
	{ HOST, "console/tty", "" },
};

static void uuid_string(const struct guest *guest, char out[37])
{
	const uint8_t *u = guest->uuid;

	snprintf(out, 37,
	         "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
	         u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11],
	         u[12], u[13], u[14], u[15]);
}

/* The home directory's number is not part of the table: build the path here. */
static const char *home(const struct guest *guest, const char *leaf)
{
	static char path[128];

	snprintf(path, sizeof(path), "/local/domain/%u%s%s", guest->domid,
	         *leaf ? "/" : "", leaf);
	return path;
}

static void write_vm(struct nodes *nodes, const char *uuid)
{
	const struct guest *guest = nodes->guest;
	char path[128];
	struct timeval now;

	gettimeofday(&now, NULL);
	snprintf(path, sizeof(path), "/vm/%s", uuid);
	node(nodes, HOST, path, "%s", "");
	snprintf(path, sizeof(path), "/vm/%s/name", uuid);
	node(nodes, HOST, path, "%s", guest->name);
	snprintf(path, sizeof(path), "/vm/%s/uuid", uuid);
	node(nodes, HOST, path, "%s", uuid);
	snprintf(path, sizeof(path), "/vm/%s/start_time", uuid);
	node(nodes, HOST, path, "%ld.%02ld", (long)now.tv_sec, (long)now.tv_usec / 10000);
}

static void write_home(struct nodes *nodes, const char *uuid)
{
	const struct guest *guest = nodes->guest;
	unsigned long kib = (unsigned long)guest->pages * 4;

	xs_rm(nodes->xs, nodes->tx, home(guest, ""));
	node(nodes, HOST, home(guest, ""), "%s", "");
	node(nodes, HOST, home(guest, "vm"), "/vm/%s", uuid);
	node(nodes, HOST, home(guest, "name"), "%s", guest->name);
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		node(nodes, fixed[i].owner, home(guest, fixed[i].path), "%s",
		     fixed[i].value);
	node(nodes, HOST, home(guest, "memory/static-max"), "%lu", kib);
	node(nodes, HOST, home(guest, "memory/target"), "%lu", kib);
	node(nodes, HOST, home(guest, "domid"), "%u", guest->domid);
	node(nodes, HOST, home(guest, "store/port"), "%u", guest->store_port);
	node(nodes, HOST, home(guest, "store/ring-ref"), "%u", GUEST_STORE_FRAME);
	node(nodes, HOST, home(guest, "console/port"), "%u", guest->console_port);
	node(nodes, HOST, home(guest, "console/ring-ref"), "%u", GUEST_CONSOLE_FRAME);
}

static struct xs_handle *connect_store(void)
{
	struct xs_handle *xs = xs_open(0);

	if (!xs)
		guest_die("cannot reach XenStore: %s", strerror(errno));
	return xs;
}

void toolstack_introduce(const struct guest *guest)
{
	struct nodes nodes = { .xs = connect_store(), .guest = guest };
	char uuid[37];

	uuid_string(guest, uuid);
	do {
		nodes.ok = true;
		nodes.tx = xs_transaction_start(nodes.xs);
		if (!nodes.tx)
			guest_die("cannot start a XenStore transaction: %s",
			          strerror(errno));
		write_home(&nodes, uuid);
		write_vm(&nodes, uuid);
		if (!nodes.ok)
			guest_die("cannot write %s: %s", home(guest, ""),
			          strerror(errno));
	} while (!xs_transaction_end(nodes.xs, nodes.tx, false) && errno == EAGAIN);
	if (!xs_introduce_domain(nodes.xs, guest->domid, GUEST_STORE_FRAME,
	                         guest->store_port))
		guest_die("xenstored refuses domain %u: %s", guest->domid,
		          strerror(errno));
	xs_close(nodes.xs);
}

void toolstack_forget(const struct guest *guest)
{
	struct xs_handle *xs = xs_open(0);
	char uuid[37], path[64];

	if (!xs)
		return;
	uuid_string(guest, uuid);
	snprintf(path, sizeof(path), "/vm/%s", uuid);
	xs_rm(xs, XBT_NULL, home(guest, ""));
	xs_rm(xs, XBT_NULL, path);
	snprintf(path, sizeof(path), "/libxl/%u", guest->domid);
	xs_rm(xs, XBT_NULL, path);
	xs_close(xs);
}
