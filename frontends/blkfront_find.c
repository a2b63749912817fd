/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "blkfront.h"
#include "front.h"
#include "log.h"
#include "vdev.h"

static int find_only(uint32_t *devid)
{
	autofree uint32_t *devids = NULL;
	char name[VDEV_NAME_MAX];
	unsigned int n = 0;
	struct xst *xs;
	int rc = xst_open(&xs);

	if (!rc) {
		rc = front_list(xs, "vbd", &devids, &n);
		xst_close(xs);
	}
	if (rc) {
		log_err(NULL, "cannot reach XenStore: %s; is this a Xen guest?",
		        strerror(-rc));
		return rc;
	}
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

int blkfront_find(const char *name, uint32_t *devid)
{
	if (!name)
		return find_only(devid);
	if (vdev_parse(name, devid) == 0)
		return 0;
	log_err(NULL, "%s is not a disk: xvda, sdb1, hda, ... or a number such as 51712",
	        name);
	return -EINVAL;
}
