/* SPDX-License-Identifier: MIT */
#include "bdev_keys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "num.h"

/* What a key is called in a message. */
struct name {
	char text[96];
};

/* "the frontend's ring-ref", "the frontend's queue-1/ring-ref", and our own as it is. */
static struct name name_of(const struct bdev *d, const char *dir, const char *key)
{
	size_t front = strlen(d->front);
	struct name n;

	if (strncmp(dir, d->front, front) != 0 || (dir[front] && dir[front] != '/'))
		snprintf(n.text, sizeof(n.text), "%s", key);
	else
		snprintf(n.text, sizeof(n.text), "the frontend's %s%s%s",
		         dir[front] ? dir + front + 1 : "", dir[front] ? "/" : "", key);
	return n;
}

int bdev_key(struct bdev *d, char **out, const char *dir, const char *key)
{
	int rc = xst_read(d->xs, XST_NULL, out, "%s/%s", dir, key);

	if (rc == -ENOENT)
		*out = NULL;
	else if (rc == -EINVAL)
		bdev_fault(d, "%s has a NUL byte in it", name_of(d, dir, key).text);
	else if (rc)
		bdev_fault(d, "%s cannot be read: %s", name_of(d, dir, key).text,
		           strerror(-rc));
	return rc == -ENOENT ? 0 : rc;
}

int bdev_key_limit(struct bdev *d, const char *dir, const char *key, uint32_t max,
                   uint32_t *out)
{
	autofree char *v = NULL;
	int rc = bdev_key(d, &v, dir, key);

	*out = 0;
	if (rc || !v || num_u32(v, max, out) == 0)
		return rc;
	bdev_fault(d, "%s is \"%.40s\", it must be a number up to %u",
	           name_of(d, dir, key).text, v, max);
	return -EINVAL;
}

int bdev_key_number(struct bdev *d, const char *dir, const char *key, uint32_t max,
                    uint32_t *out)
{
	autofree char *v = NULL;
	int rc = bdev_key(d, &v, dir, key);

	if (rc || (v && v[0] != '0' && num_u32(v, max, out) == 0))
		return rc;
	bdev_fault(d, "%s is %s%.40s%s, it must be a number from 1 to %u",
	           name_of(d, dir, key).text, v ? "\"" : "", v ? v : "missing",
	           v ? "\"" : "", max);
	return -EINVAL;
}

int bdev_script(struct bdev *d, bool script)
{
	autofree char *status = NULL, *why = NULL;
	int rc = bdev_key(d, &status, d->path, "hotplug-status");

	rc = rc ? rc : bdev_key(d, &why, d->path, "hotplug-error");
	if (rc || (!script && !status) || (status && strcmp(status, "connected") == 0))
		return rc;
	if (!status || strcmp(status, "error") != 0)
		return -EAGAIN;
	bdev_fault(d, "the hotplug script failed: %.200s",
	           why ? why : "it left no hotplug-error");
	return -ECANCELED;
}

char *bdev_guest_name(struct bdev *d)
{
	char *name;

	return xst_read(d->xs, XST_NULL, &name, "/local/domain/%u/name", d->domid) ? NULL
	                                                                           : name;
}
