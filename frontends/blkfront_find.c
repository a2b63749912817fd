/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "blkfront.h"
#include "front.h"
#include "log.h"
#include "vdev.h"

/* The only one of the disks there are. */
static int find_only(const uint32_t *devids, unsigned int n, uint32_t *devid)
{
	char name[VDEV_NAME_MAX];

	if (n == 0) {
		log_err(NULL, "this domain has no disk");
		return -ENODEV;
	}
	if (n > 1) {
		log_err(NULL, "this domain has %u disks, %s is the first: name one", n,
		        vdev_name(devids[0], name));
		return -EINVAL;
	}
	*devid = devids[0];
	return 0;
}

static int find_named(const uint32_t *devids, unsigned int n, const char *name,
                      uint32_t *devid)
{
	if (vdev_parse(name, devid)) {
		log_err(NULL,
		        "%s is not a disk: xvda, sdb1, hda, ... or a number such as "
		        "51712",
		        name);
		return -EINVAL;
	}
	for (unsigned int i = 0; i < n; i++)
		if (devids[i] == *devid)
			return 0;
	log_err(NULL, "this domain has no disk %s: device/vbd/%u is not in XenStore",
	        name, *devid);
	return -ENODEV;
}

int blkfront_list(uint32_t **devids, unsigned int *n)
{
	struct xst *xs;
	int rc = xst_open(&xs);

	if (!rc) {
		rc = front_list(xs, "vbd", devids, n);
		xst_close(xs);
	}
	if (rc)
		log_err(NULL, "cannot reach XenStore: %s; is this a Xen guest?",
		        strerror(-rc));
	return rc;
}

int blkfront_find(const char *name, uint32_t *devid)
{
	autofree uint32_t *devids = NULL;
	unsigned int n = 0;
	int rc = blkfront_list(&devids, &n);

	if (rc)
		return rc;
	return name ? find_named(devids, n, name, devid) : find_only(devids, n, devid);
}
