/* SPDX-License-Identifier: MIT */
/* pvblk info. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "front.h"
#include "log.h"
#include "pvblk.h"

/* What is known without touching the device. */
static int disk_line(uint32_t devid, bool json, const char *sep)
{
	char name[VDEV_NAME_MAX];
	struct front f;
	int rc = front_open(&f, "vbd", devid, -1);

	vdev_name(devid, name);
	if (!rc && json)
		printf("%s{\"name\":\"%s\",\"devid\":%u,\"backend_domain\":%u,"
		       "\"state\":\"%s\",\"backend_state\":\"%s\"}",
		       sep, name, devid, f.backend_id, front_state_name(f.state),
		       front_state_name(f.backend_state));
	else if (!rc)
		printf("%-8s %-10u %-8u %-13s %s\n", name, devid, f.backend_id,
		       front_state_name(f.state), front_state_name(f.backend_state));
	front_close(&f);
	return rc;
}

static int list_all(bool json)
{
	autofree uint32_t *devids = NULL;
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
		return -ENODEV;
	}
	printf("%s",
	       json ? "[" : "NAME     DEVICE     BACKEND  STATE         BACKEND STATE\n");
	for (unsigned int i = 0; i < n && !rc; i++)
		rc = disk_line(devids[i], json, i ? "," : "");
	printf("%s", json ? "]\n" : "");
	return rc;
}

static const char *yes_no(bool b)
{
	return b ? "yes" : "no";
}

static void describe(const struct blkfront_info *info, uint32_t devid, bool json)
{
	char name[VDEV_NAME_MAX];

	vdev_name(devid, name);
	if (json) {
		printf("{\"name\":\"%s\",\"devid\":%u,\"bytes\":%" PRIu64
		       ",\"sector_size\":%u,\"physical_sector_size\":%u,\"readonly\":%s,"
		       "\"cdrom\":%s,\"flush\":%s,\"persistent\":%s}\n",
		       name, devid, info->bytes, info->sector_size, info->physical_size,
		       info->readonly ? "true" : "false", info->cdrom ? "true" : "false",
		       info->flush ? "true" : "false",
		       info->persistent ? "true" : "false");
		return;
	}
	printf("name               %s\n"
	       "device             %u\n"
	       "bytes              %" PRIu64 " (%.1f MiB)\n"
	       "sector size        %u, physical %u\n"
	       "read-only          %s\n"
	       "CD-ROM             %s\n"
	       "flush              %s\n"
	       "persistent grants  %s\n",
	       name, devid, info->bytes, (double)info->bytes / (1 << 20),
	       info->sector_size, info->physical_size, yes_no(info->readonly),
	       yes_no(info->cdrom), yes_no(info->flush), yes_no(info->persistent));
}

int cmd_info(const struct opts *o, struct blkfront *bf)
{
	if (!bf)
		return list_all(o->json);
	describe(blkfront_info(bf), blkfront_devid(bf), o->json);
	return 0;
}
