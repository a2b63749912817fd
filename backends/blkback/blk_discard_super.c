/* SPDX-License-Identifier: MIT */
#include "blk_discard_super.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "compiler.h"
#include "num.h"

/* So far behind the end of a file nobody has set blocks aside. */
#define FAR (1ULL << 30)

struct blk_discard blk_discard_file(int fd, uint64_t bytes, uint32_t block)
{
	/* Where there is nothing, nothing is lost. */
	off_t at = (off_t)((bytes / FAR + 2) * FAR);

	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, block))
		return (struct blk_discard){ 0 };
	return (struct blk_discard){ .granularity = block };
}

/* Return: false if there is no such number. */
static bool attribute(const char *root, dev_t dev, const char *name, uint32_t *out)
{
	char path[128], text[32];
	autoclose int fd = -1;
	uint64_t v;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/dev/block/%u:%u/%s", root, major(dev),
	         minor(dev), name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n - (text[n - 1] == '\n')] = 0;
	if (num_u64(text, UINT64_MAX, &v))
		return false;
	*out = v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
	return true;
}

/* Of the disk, if it is a partition of one. */
static bool limit(const char *root, dev_t dev, const char *name, uint32_t *out)
{
	char part[64];

	snprintf(part, sizeof(part), "../%s", name);
	return attribute(root, dev, name, out) || attribute(root, dev, part, out);
}

/* A range that cannot be is refused for that reason only where erasing is known. */
static bool erases(int fd)
{
	uint64_t odd[2] = { 1, 1 };

	return ioctl(fd, BLKSECDISCARD, odd) < 0 && errno == EINVAL;
}

struct blk_discard blk_discard_bdev(int fd, dev_t dev, const char *root)
{
	struct blk_discard d = { 0 };
	uint32_t max;

	if (!limit(root, dev, "queue/discard_max_bytes", &max) || !max ||
	    !limit(root, dev, "queue/discard_granularity", &d.granularity) ||
	    !d.granularity)
		return (struct blk_discard){ 0 };
	if (!attribute(root, dev, "discard_alignment", &d.alignment))
		d.alignment = 0;
	d.secure = erases(fd);
	return d;
}
