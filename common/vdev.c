/* SPDX-License-Identifier: MIT */
#include "vdev.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "num.h"

#define XVD_MAJOR    202U
#define XVD_EXTENDED (1U << 28)

/**
 * struct numbering - How a family of names is numbered
 * @disks:	Disks and partitions (0 is the whole disk) that have a number
 */
struct numbering {
	const char *prefix;
	uint32_t disks;
	uint32_t partitions;
	uint32_t (*number)(uint32_t disk, uint32_t partition);
};

static uint32_t xvd_number(uint32_t disk, uint32_t partition)
{
	if (disk < 16 && partition < 16)
		return XVD_MAJOR << 8 | disk << 4 | partition;
	return XVD_EXTENDED | disk << 8 | partition;
}

static uint32_t hd_number(uint32_t disk, uint32_t partition)
{
	return (disk < 2 ? 3U : 22U) << 8 | (disk & 1) << 6 | partition;
}

static uint32_t sd_number(uint32_t disk, uint32_t partition)
{
	return 8U << 8 | disk << 4 | partition;
}

static const struct numbering numberings[] = {
	{ "xvd", 1U << 20, 256, xvd_number },
	{ "hd", 4, 64, hd_number },
	{ "sd", 16, 16, sd_number },
};

/* Letters: a is 0, z 25, aa 26. */
static int letters_parse(const char **s, uint32_t max, uint32_t *disk)
{
	const char *p = *s;
	uint32_t n = 0;

	if (*p < 'a' || *p > 'z')
		return -EINVAL;
	for (; *p >= 'a' && *p <= 'z'; p++) {
		n = n * 26 + (uint32_t)(*p - 'a' + 1);
		if (n > max)
			return -ERANGE;
	}
	*s = p;
	*disk = n - 1;
	return 0;
}

/* A partition number has no leading zero: xvda01 is not xvda1. */
static int partition_parse(const char *s, uint32_t count, uint32_t *partition)
{
	*partition = 0;
	if (!*s)
		return 0;
	if (*s == '0')
		return -EINVAL;
	return num_u32(s, count - 1, partition);
}

static int letters_name(const struct numbering *n, const char *s, uint32_t *devid)
{
	uint32_t disk, partition;
	int rc = letters_parse(&s, n->disks, &disk);

	if (!rc)
		rc = partition_parse(s, n->partitions, &partition);
	if (!rc)
		*devid = n->number(disk, partition);
	return rc;
}

/* The vendor-neutral form: d2 is xvdc, d2p7 is xvdc7. */
static int neutral_name(const char *s, uint32_t *devid)
{
	const struct numbering *n = &numberings[0];
	uint32_t disk, partition = 0;
	char digits[8];
	const char *p = strchr(s, 'p');
	size_t len = p ? (size_t)(p - s) : strlen(s);
	int rc;

	if (len >= sizeof(digits))
		return -ERANGE;
	memcpy(digits, s, len);
	digits[len] = '\0';
	rc = num_u32(digits, n->disks - 1, &disk);
	if (!rc && p)
		rc = p[1] ? partition_parse(p + 1, n->partitions, &partition) : -EINVAL;
	if (!rc)
		*devid = n->number(disk, partition);
	return rc;
}

int vdev_parse(const char *s, uint32_t *devid)
{
	if (s[0] >= '0' && s[0] <= '9')
		return num_u32(s, INT32_MAX, devid);
	for (size_t i = 0; i < ARRAY_SIZE(numberings); i++) {
		const struct numbering *n = &numberings[i];
		size_t len = strlen(n->prefix);

		if (strncmp(s, n->prefix, len) == 0)
			return letters_name(n, s + len, devid);
	}
	return s[0] == 'd' ? neutral_name(s + 1, devid) : -EINVAL;
}

static void name_format(char name[VDEV_NAME_MAX], const char *prefix, uint32_t disk,
                        uint32_t partition)
{
	char letters[8];
	size_t at = sizeof(letters) - 1;

	letters[at] = '\0';
	for (uint32_t n = disk + 1; n; n = (n - 1) / 26)
		letters[--at] = (char)('a' + (n - 1) % 26);
	if (partition)
		snprintf(name, VDEV_NAME_MAX, "%s%s%u", prefix, letters + at, partition);
	else
		snprintf(name, VDEV_NAME_MAX, "%s%s", prefix, letters + at);
}

const char *vdev_name(uint32_t devid, char name[VDEV_NAME_MAX])
{
	uint32_t major = devid >> 8;

	if (devid >> 28 == 1)
		name_format(name, "xvd", devid >> 8 & 0xfffff, devid & 0xff);
	else if (major == XVD_MAJOR)
		name_format(name, "xvd", devid >> 4 & 15, devid & 15);
	else if (major == 8)
		name_format(name, "sd", devid >> 4 & 15, devid & 15);
	else if ((major == 3 || major == 22) && (devid & 0xff) < 128)
		name_format(name, "hd", (major == 3 ? 0 : 2) + (devid >> 6 & 3),
		            devid & 63);
	else
		snprintf(name, VDEV_NAME_MAX, "vbd-%u", devid);
	return name;
}
