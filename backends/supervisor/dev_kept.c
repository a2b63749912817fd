/* SPDX-License-Identifier: MIT */
#include "dev_kept.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "dev_held.h"
#include "dev_point.h"
#include "device.h"
#include "guest.h"
#include "log.h"
#include "num.h"
#include "registry.h"
#include "super.h"

#define KEPT_MAGIC   0x4b425650U /* "PVBK" */
#define KEPT_VERSION 1U
#define KEPT_PREFIX  "device-"
#define KEPT_TOLD    "told"

/* All that there can be of a device. */
static const char *const kept_name[] = { KEPT_TOLD, "journal", "fence" };

/** struct kept - The file: blob of CONNECT */
struct kept {
	uint32_t magic, version;
	uint32_t len, nqueues;
	uint8_t blob[MSG_BLOB_MAX];
};

static int kept_path(const struct device *d, const char *name, const char *more,
                     char *path, size_t size)
{
	int n = snprintf(path, size, "%s/" KEPT_PREFIX "%u-%s-%u.%s%s",
	                 d->guest->super->conf->run_dir, d->guest->domid, d->ops->kind,
	                 d->bdev.devid, name, more);

	return n < (int)size ? 0 : -ENAMETOOLONG;
}

static int kept_open(const struct device *d, const char *name, const char *more,
                     int flags)
{
	char path[256];
	int fd, rc = kept_path(d, name, more, path, sizeof(path));

	if (rc)
		return rc;
	if (flags & O_CREAT)
		unlink(path);
	fd = open(path, flags | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : fd;
}

static int file_fault(struct bdev *b, const char *name, int rc)
{
	const struct device *d = container_of(b, struct device, bdev);

	if (rc < 0)
		bdev_fault(b, "its file \"%s\" in %s: %s", name,
		           d->guest->super->conf->run_dir, strerror(-rc));
	return rc;
}

int bdev_file(struct bdev *b, const char *name)
{
	struct device *d = container_of(b, struct device, bdev);
	int fd = kept_open(d, name, "", 0);

	d->kept |= fd >= 0;
	return file_fault(b, name, fd);
}

/* Whole or not at all, whenever we die. Return: a descriptor or -errno. */
static int kept_new(struct device *d, const char *name, const void *content, size_t len)
{
	char to[256], from[256];
	autoclose int fd = -1;
	int rc = kept_path(d, name, "", to, sizeof(to));

	rc = rc ? rc : kept_path(d, name, ".new", from, sizeof(from));
	if (rc)
		return rc;
	fd = kept_open(d, name, ".new", O_CREAT | O_EXCL);
	if (fd < 0)
		return fd;
	d->kept = true;
	if (len && pwrite(fd, content, len, 0) != (ssize_t)len)
		return -ENOSPC;
	dev_point(name);
	return rename(from, to) < 0 ? -errno : take_fd(&fd);
}

int bdev_file_new(struct bdev *b, const char *name, const void *content, size_t len)
{
	struct device *d = container_of(b, struct device, bdev);

	return file_fault(b, name, kept_new(d, name, content, len));
}

bool bdev_file_any(int fd, size_t at, size_t size, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t word;

		if (pread(fd, &word, sizeof(word), (off_t)(i * size + at)) ==
		            (ssize_t)sizeof(word) &&
		    word)
			return true;
	}
	return false;
}

int dev_kept_put(struct device *d)
{
	struct kept k = {
		KEPT_MAGIC, KEPT_VERSION, (uint32_t)d->conf.len, d->conf.nqueues, { 0 }
	};
	int fd;

	if (!d->ops->adopt)
		return 0;
	memcpy(k.blob, d->conf.blob, d->conf.len);
	fd = kept_new(d, KEPT_TOLD, &k, sizeof(k));
	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static int kept_read(const struct device *d, struct kept *k)
{
	autoclose int fd = kept_open(d, KEPT_TOLD, "", 0);

	if (fd == -ENOENT || !d->ops->adopt)
		return -ENOENT;
	if (fd < 0 || read(fd, k, sizeof(*k)) != (ssize_t)sizeof(*k) ||
	    k->magic != KEPT_MAGIC || k->version != KEPT_VERSION || k->len > MSG_BLOB_MAX)
		return -EPROTO;
	return 0;
}

int dev_kept_check(const struct device *d)
{
	struct kept k;

	return kept_read(d, &k);
}

int dev_kept_get(struct device *d)
{
	struct kept k;
	int rc = kept_read(d, &k);

	if (rc == -ENOENT)
		return rc;
	if (rc) {
		bdev_fault(&d->bdev,
		           "pvbackd and its worker died, and this pvbackd does not "
		           "understand what they have left: the guest has to connect "
		           "anew");
		return rc;
	}
	d->held = calloc(1, sizeof(*d->held));
	if (!d->held)
		return -ENOMEM;
	d->held->conf = (struct bdev_conf){ .len = k.len, .nqueues = k.nqueues };
	memcpy(d->held->conf.blob, k.blob, k.len);
	d->lost = d->kept = true;
	return 0;
}

void dev_kept_drop(struct device *d)
{
	char path[256];

	for (size_t i = 0; d->kept && i < 2 * ARRAY_SIZE(kept_name); i++)
		if (kept_path(d, kept_name[i / 2], i % 2 ? ".new" : "", path,
		              sizeof(path)) == 0)
			unlink(path);
	d->kept = false;
}

/* "device-3-vbd-51712.told" */
static void find(struct super *s, const char *name)
{
	char text[64], *at = text, *part[4];
	uint32_t domid, devid;
	struct device *d;
	struct guest *g;
	int kind;

	if (snprintf(text, sizeof(text), "%s", name) >= (int)sizeof(text))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(part); i++)
		part[i] = strsep(&at, i == 3 ? "." : "-");
	if (!part[3] || !at || strcmp(at, KEPT_TOLD) != 0 ||
	    num_u32(part[1], NUM_DOMID_MAX, &domid) ||
	    num_u32(part[3], INT32_MAX, &devid))
		return;
	kind = registry_find(part[2], strlen(part[2]));
	if (kind < 0 || !(s->conf->kinds & 1U << kind))
		return;
	g = guest_get(s, domid);
	d = g ? device_find(g, registry[kind], devid) : NULL;
	if (g && !d)
		d = device_new(g, registry[kind], devid);
	if (!d)
		log_err(NULL, "out of memory for a device of guest %u", domid);
	else
		d->kept = true;
}

void dev_kept_find(struct super *s)
{
	DIR *dir = opendir(s->conf->run_dir);
	const struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (strncmp(e->d_name, KEPT_PREFIX, strlen(KEPT_PREFIX)) == 0)
			find(s, e->d_name);
	if (dir)
		closedir(dir);
}
