/* SPDX-License-Identifier: MIT */
#include "bdev_keys.h"

#include <errno.h>
#include <string.h>

#include "num.h"

/* "the frontend's ring-ref", and our own without an owner. */
static const char *whose(const struct bdev *d, const char *dir)
{
	return strcmp(dir, d->front) == 0 ? "the frontend's " : "";
}

int bdev_key(struct bdev *d, char **out, const char *dir, const char *key)
{
	int rc = xst_read(d->xs, XST_NULL, out, "%s/%s", dir, key);

	if (rc == -ENOENT)
		*out = NULL;
	else if (rc == -EINVAL)
		bdev_fault(d, "%s%s has a NUL byte in it", whose(d, dir), key);
	else if (rc)
		bdev_fault(d, "%s%s cannot be read: %s", whose(d, dir), key,
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
	bdev_fault(d, "%s%s is \"%.40s\", it must be a number up to %u", whose(d, dir),
	           key, v, max);
	return -EINVAL;
}

int bdev_key_number(struct bdev *d, const char *dir, const char *key, uint32_t max,
                    uint32_t *out)
{
	autofree char *v = NULL;
	int rc = bdev_key(d, &v, dir, key);

	if (rc || (v && num_u32(v, max, out) == 0 && *out))
		return rc;
	bdev_fault(d, "%s%s is %s%.40s%s, it must be a number from 1 to %u",
	           whose(d, dir), key, v ? "\"" : "", v ? v : "missing", v ? "\"" : "",
	           max);
	return -EINVAL;
}

int bdev_script(struct bdev *d)
{
	autofree char *script = NULL, *status = NULL, *why = NULL;
	int rc = bdev_key(d, &script, d->path, "script");

	rc = rc ? rc : bdev_key(d, &status, d->path, "hotplug-status");
	rc = rc ? rc : bdev_key(d, &why, d->path, "hotplug-error");
	if (rc || (!script && !status) || (status && strcmp(status, "connected") == 0))
		return rc;
	if (status && strcmp(status, "error") == 0)
		bdev_fault(d, "the hotplug script failed: %.200s",
		           why ? why : "it left no hotplug-error");
	return -EAGAIN;
}
