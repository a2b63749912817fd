/* SPDX-License-Identifier: MIT */
/* pvblk info. */
#include <errno.h>
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
	int rc = blkfront_list(&devids, &n);

	if (rc)
		return -ENODEV;
	printf("%s",
	       json ? "[" : "NAME     DEVICE     BACKEND  STATE         BACKEND STATE\n");
	for (unsigned int i = 0; i < n && !rc; i++)
		rc = disk_line(devids[i], json, i ? "," : "");
	printf("%s", json ? "]\n" : "");
	return rc;
}

static void describe_json(const struct blkfront_info *info, const char *name,
                          uint32_t devid)
{
	const struct {
		const char *name;
		bool value;
	} flags[] = {
		{ "readonly", info->readonly },     { "cdrom", info->cdrom },
		{ "flush", info->flush },           { "barrier", info->barrier },
		{ "discard", info->discard },       { "discard_secure", info->secure },
		{ "persistent", info->persistent },
	};
	const struct {
		const char *name;
		uint32_t value;
	} numbers[] = {
		{ "discard_granularity", info->granularity },
		{ "discard_alignment", info->alignment },
		{ "queues", info->queues },
		{ "max_queues", info->offer.queues },
		{ "ring_order", info->order },
		{ "max_ring_order", info->offer.order },
		{ "segments", info->segments },
		{ "max_indirect_segments", info->offer.segments },
	};

	printf("{\"name\":\"%s\",\"devid\":%u,\"bytes\":%" PRIu64
	       ",\"sector_size\":%u,\"physical_sector_size\":%u",
	       name, devid, info->bytes, info->sector_size, info->physical_size);
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		printf(",\"%s\":%s", flags[i].name, flags[i].value ? "true" : "false");
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		printf(",\"%s\":%u", numbers[i].name, numbers[i].value);
	printf("}\n");
}

static const char *yes_no(bool b)
{
	return b ? "yes" : "no";
}

static void describe_text(const struct blkfront_info *info, const char *name,
                          uint32_t devid)
{
	printf("name               %s\n"
	       "device             %u\n"
	       "bytes              %" PRIu64 " (%.1f MiB)\n"
	       "sector size        %u, physical %u\n"
	       "read-only          %s\n"
	       "CD-ROM             %s\n"
	       "flush, barrier     %s, %s\n",
	       name, devid, info->bytes, (double)info->bytes / (1 << 20),
	       info->sector_size, info->physical_size, yes_no(info->readonly),
	       yes_no(info->cdrom), yes_no(info->flush), yes_no(info->barrier));
	if (info->discard)
		printf("discard            in units of %u bytes, the first at %u%s\n",
		       info->granularity, info->alignment,
		       info->secure ? ", secure if asked" : "");
	else
		printf("discard            no\n");
	printf("persistent grants  %s\n"
	       "queues             %u of %u\n"
	       "ring pages         %u of %u\n"
	       "segments           %u of %u\n",
	       yes_no(info->persistent), info->queues, info->offer.queues,
	       1U << info->order, 1U << (info->offer.order < 31 ? info->offer.order : 31),
	       info->segments,
	       info->offer.segments > BLKFRONT_DIRECT ? info->offer.segments
	                                              : BLKFRONT_DIRECT);
}

/* Until a signal, or until the backend leaves. */
static int watch(const struct opts *o, struct blkfront *bf, const char *name)
{
	uint64_t bytes = blkfront_bytes(bf);

	for (;;) {
		int rc;

		fflush(stdout);
		rc = blkfront_wait(bf, BLKFRONT_ANY, -1);
		if (rc || blkfront_error(bf))
			return rc ? -EINTR : blkfront_error(bf);
		if (blkfront_bytes(bf) == bytes)
			continue;
		bytes = blkfront_bytes(bf);
		if (o->json)
			printf("{\"name\":\"%s\",\"bytes\":%" PRIu64 "}\n", name, bytes);
		else
			printf("bytes              %" PRIu64 "\n", bytes);
	}
}

int cmd_info(const struct opts *o, struct blkfront *bf)
{
	char name[VDEV_NAME_MAX];

	if (!bf)
		return list_all(o->json);
	vdev_name(blkfront_devid(bf), name);
	(o->json ? describe_json : describe_text)(blkfront_info(bf), name,
	                                          blkfront_devid(bf));
	return o->watch ? watch(o, bf, name) : 0;
}
