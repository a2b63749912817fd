/* SPDX-License-Identifier: MIT */
#include "doctor.h"

#include <dirent.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "num.h"
#include "xs.h"

/* Below these a host with many guests runs out; both are far above one guest's needs. */
enum {
	FILES_ENOUGH = 4096,
	GRANTS_ENOUGH = 4096,
};

enum fitness {
	FIT,
	NOTE,
	UNFIT,
};

static void printf_like(3, 4) say(struct doctor *d, enum fitness f, const char *fmt, ...)
{
	static const char *const word[] = {
		[FIT] = "ok",
		[NOTE] = "note",
		[UNFIT] = "UNFIT",
	};
	va_list ap;

	fprintf(d->out, "%-6s", word[f]);
	va_start(ap, fmt);
	vfprintf(d->out, fmt, ap);
	va_end(ap);
	fputc('\n', d->out);
	d->unfit += f == UNFIT;
}

/* ---- Files below the root --------------------------------------------------------- */

static FILE *open_file(const struct doctor *d, const char *path)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", d->root, path);
	return fopen(full, "re");
}

/* First line of a file, or NULL. */
static const char *first_line(const struct doctor *d, const char *path, char *line,
                              int size)
{
	FILE *f = open_file(d, path);
	const char *got;

	if (!f)
		return NULL;
	got = fgets(line, size, f);
	fclose(f);
	if (got)
		line[strcspn(line, "\n")] = 0;
	return got;
}

static bool accessible(const struct doctor *d, const char *path, int mode)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", d->root, path);
	return access(full, mode) == 0;
}

/* ---- Xen -------------------------------------------------------------------------- */

static void look_hypervisor(struct doctor *d)
{
	char type[32], major[16] = "?", minor[16] = "?";

	if (!first_line(d, "/sys/hypervisor/type", type, sizeof(type)) ||
	    strcmp(type, "xen") != 0) {
		say(d, UNFIT,
		    "no Xen below this kernel: boot the host's Xen entry, or try pvbackd "
		    "under xensim");
		return;
	}
	first_line(d, "/sys/hypervisor/version/major", major, sizeof(major));
	first_line(d, "/sys/hypervisor/version/minor", minor, sizeof(minor));
	say(d, FIT, "Xen %s.%s, %s", major, minor,
	    accessible(d, "/run/xenstored/socket", F_OK)
	            ? "the domain that runs xenstored"
	            : "a domain without xenstored");
}

static void look_node(struct doctor *d, const char *path, const char *module,
                      enum fitness missing, const char *consequence)
{
	if (accessible(d, path, R_OK | W_OK))
		say(d, FIT, "%s", path);
	else if (accessible(d, path, F_OK))
		say(d, missing, "%s cannot be opened by this user: %s", path,
		    consequence);
	else
		say(d, missing, "no %s: modprobe %s; without it %s", path, module,
		    consequence);
}

static void look_files(struct doctor *d)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return;
	if (lim.rlim_max < FILES_ENOUGH)
		say(d, NOTE,
		    "at most %ju open files (each disk takes a few): raise LimitNOFILE= "
		    "or "
		    "ulimit -Hn",
		    (uintmax_t)lim.rlim_max);
	else
		say(d, FIT, "up to %ju open files", (uintmax_t)lim.rlim_max);
}

static void look_grants(struct doctor *d)
{
	char text[32];
	uint32_t limit;

	if (!first_line(d, "/sys/module/xen_gntdev/parameters/limit", text,
	                sizeof(text)) ||
	    num_u32(text, UINT32_MAX, &limit))
		return;
	if (limit < GRANTS_ENOUGH)
		say(d, NOTE,
		    "a guest's disks can map only %u grants: set xen-gntdev's parameter "
		    "limit to %d or more",
		    limit, GRANTS_ENOUGH);
}

static void look_uring(struct doctor *d)
{
	char text[8];

	if (first_line(d, "/proc/sys/kernel/io_uring_disabled", text, sizeof(text)) &&
	    strcmp(text, "0") != 0)
		say(d, NOTE,
		    "io_uring is disabled: sysctl kernel.io_uring_disabled=0; without it "
		    "threads read and write images, which is slower");
}

void doctor_host(struct doctor *d)
{
	look_hypervisor(d);
	look_node(d, "/dev/xen/gntdev", "xen-gntdev", UNFIT,
	          "no guest's page can be mapped");
	look_node(d, "/dev/xen/evtchn", "xen-evtchn", UNFIT, "no guest can be notified");
	look_node(d, "/dev/xen/privcmd", "xen-privcmd", NOTE,
	          "a guest's end is seen later, in XenStore");
	look_files(d);
	look_grants(d);
	look_uring(d);
}

void doctor_worker(struct doctor *d, const char *path)
{
	if (accessible(d, path, X_OK))
		say(d, FIT, "worker %s", path);
	else
		say(d, UNFIT, "no worker %s: install it, or set worker in pvbackd.conf",
		    path);
}

void doctor_xenstore(struct doctor *d)
{
	autofree char *domid = NULL;
	struct xst *xs;
	int rc = xst_open(&xs);

	if (!rc) {
		rc = xst_read(xs, XST_NULL, &domid, "domid");
		xst_close(xs);
	}
	if (rc)
		say(d, UNFIT, "XenStore does not answer (%s): start xenstored",
		    strerror(-rc));
	else
		say(d, FIT, "XenStore answers; this is domain %s", domid);
}

/* ---- The kernel's own backends ----------------------------------------------------- */

/* Names of modules are written with - or _. */
static bool same_module(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (*a != *b && !(strchr("-_", *a) && strchr("-_", *b)))
			return false;
	return *a == *b;
}

/* The module that the kernel loads for devices of @kind; NULL if there is none. */
static const char *module_of(const struct doctor *d, const char *kind, char *module,
                             size_t size)
{
	char path[512], line[512], name[64], alias[64];
	const char *found = NULL;
	struct utsname u;
	FILE *f;

	uname(&u);
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.alias", u.release);
	f = open_file(d, path);
	if (!f)
		return NULL;
	while (!found && fgets(line, sizeof(line), f))
		if (sscanf(line, "alias xen-backend:%63s %63s", alias, name) == 2 &&
		    strcmp(alias, kind) == 0) {
			snprintf(module, size, "%s", name);
			found = module;
		}
	fclose(f);
	return found;
}

/* Whether a modprobe.d file keeps the module from being loaded by its alias. */
static bool file_blacklists(FILE *f, const char *module)
{
	char line[512], word[16], name[64], command[64];

	while (fgets(line, sizeof(line), f)) {
		int n = sscanf(line, " %15s %63s %63s", word, name, command);

		if (n < 2 || !same_module(name, module))
			continue;
		if (strcmp(word, "blacklist") == 0)
			return true;
		if (n == 3 && strcmp(word, "install") == 0 &&
		    (strcmp(command, "/bin/false") == 0 ||
		     strcmp(command, "/bin/true") == 0))
			return true;
	}
	return false;
}

static bool dir_blacklists(const struct doctor *d, const char *dir, const char *module)
{
	char path[PATH_MAX];
	struct dirent *e;
	bool found = false;
	DIR *dp;

	snprintf(path, sizeof(path), "%s%s", d->root, dir);
	dp = opendir(path);
	if (!dp)
		return false;
	while (!found && (e = readdir(dp))) {
		size_t len = strlen(e->d_name);
		FILE *f;

		if (len < 5 || strcmp(e->d_name + len - 5, ".conf") != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		f = open_file(d, path);
		if (!f)
			continue;
		found = file_blacklists(f, module);
		fclose(f);
	}
	closedir(dp);
	return found;
}

static bool blacklisted(const struct doctor *d, const char *module)
{
	static const char *const dirs[] = { "/etc/modprobe.d", "/run/modprobe.d",
		                            "/usr/local/lib/modprobe.d",
		                            "/usr/lib/modprobe.d", "/lib/modprobe.d" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (dir_blacklists(d, dirs[i], module))
			return true;
	return false;
}

void doctor_kind(struct doctor *d, const char *kind)
{
	char driver[128], module[64];
	bool known = module_of(d, kind, module, sizeof(module));

	if (!known)
		snprintf(module, sizeof(module), "the kernel's driver");
	snprintf(driver, sizeof(driver), "/sys/bus/xen-backend/drivers/%s", kind);
	if (accessible(d, driver, F_OK))
		say(d, UNFIT,
		    "%s takes each new %s device: shut its guests down, rmmod it, "
		    "blacklist "
		    "it",
		    module, kind);
	else if (known && !blacklisted(d, module))
		say(d, UNFIT,
		    "the kernel will load %s for the next %s device: echo \"blacklist "
		    "%s\" "
		    ">/etc/modprobe.d/pvbackd.conf",
		    module, kind, module);
	else
		say(d, FIT, "no driver of the kernel wants %s devices", kind);
}
