/* SPDX-License-Identifier: MIT */
/* Which image: what the hotplug script has made, or params. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bdev_keys.h"
#include "blk_keys_super.h"
#include "blk_storage_super.h"

/* By its number, in hex. */
static int script_device(struct bdev *d, char **path)
{
	autofree char *dev = NULL;
	unsigned int major, minor;
	int rc = bdev_key(d, &dev, d->path, "physical-device");

	if (rc || !dev)
		return rc;
	if (blk_device_parse(dev, &major, &minor)) {
		bdev_fault(d,
		           "physical-device is \"%.40s\", it must be MAJOR:MINOR in hex",
		           dev);
		return -EINVAL;
	}
	return asprintf(path, "/dev/block/%u:%u", major, minor) < 0 ? -ENOMEM : 0;
}

/*
 * What the hotplug script has set up and written; if it was content to say that it is
 * through, the image is what params says, as without a script.
 */
static int script_image(struct bdev *d, char **path, const char **key)
{
	int status = bdev_script(d, true), rc;

	/* The toolstack may have it run again. */
	if (status && status != -EAGAIN)
		return status == -ECANCELED ? -EAGAIN : status;
	*key = "physical-device-path";
	rc = bdev_key(d, path, d->path, *key);
	if (rc || *path)
		return rc;
	*key = "physical-device";
	rc = script_device(d, path);
	if (rc || !*path)
		return rc ? rc : status;
	/*
	 * The stock script writes the number first, then the path, then the status, and
	 * it takes udev to find a device by its number.
	 */
	return access(*path, F_OK) < 0 ? status : 0;
}

int blk_storage_name(struct bdev *d, struct blk *b, char **path, const char **key)
{
	autofree char *script = NULL;
	int rc = bdev_key(d, &script, d->path, "script");

	if (!rc && script)
		rc = script_image(d, path, key);
	if (rc || *path)
		return rc;
	*key = "params";
	/* The toolstack puts a medium in by naming it. */
	if (b->cdrom) {
		free(take_ptr(b->params));
		rc = bdev_key(d, &b->params, d->path, *key);
		if (rc || !b->params || !*b->params)
			return rc ? rc : -EAGAIN;
	}
	*path = strdup(b->params);
	return *path ? 0 : -ENOMEM;
}
