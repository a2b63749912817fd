/* SPDX-License-Identifier: MIT */
#include "blk_loop_super.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

const char *blk_loop_judge(const struct blk_loop *l, bool ro)
{
	const struct loop_info64 *i = &l->info;

	if (!S_ISREG(l->file.st_mode))
		return "what is behind it is no regular file";
	if (i->lo_device != l->file.st_dev || i->lo_inode != l->file.st_ino)
		return "its file is not at its path any more";
	if (i->lo_offset)
		return "it begins within its file";
	if (i->lo_sizelimit)
		return "it ends within its file";
	if (i->lo_encrypt_type)
		return "it is encrypted";
	if (i->lo_flags & LO_FLAGS_PARTSCAN)
		return "its partitions may be in use";
	if (i->lo_flags & LO_FLAGS_READ_ONLY && !ro)
		return "it is read-only";
	/* A file that has grown is what the guest may have been told of already. */
	if (l->bytes > (uint64_t)l->file.st_size)
		return "it is larger than its file";
	return NULL;
}

/* Return: malloc'ed, or NULL when @dev is no loop device as a whole. */
static char *backing_path(dev_t dev)
{
	char sys[64], path[PATH_MAX + 1];
	autoclose int fd = -1;
	ssize_t n;

	snprintf(sys, sizeof(sys), "/sys/dev/block/%u:%u/loop/backing_file", major(dev),
	         minor(dev));
	fd = open(sys, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, path, sizeof(path) - 1);
	if (n <= 1)
		return NULL;
	path[n - (path[n - 1] == '\n')] = 0;
	return strdup(path);
}

const char *blk_loop_find(int fd, dev_t dev, bool ro, int *file, char **path)
{
	autofree char *p = backing_path(dev);
	autoclose int f = -1;
	struct blk_loop l = { 0 };
	const char *why;

	if (!p)
		return "its file has no path here";
	f = open(p, O_PATH | O_CLOEXEC);
	if (f < 0 || fstat(f, &l.file) < 0)
		return "its file is not at its path any more";
	/* What was written through it, and is in memory only. */
	if (fsync(fd) < 0)
		return "it cannot be flushed";
	if (ioctl(fd, LOOP_GET_STATUS64, &l.info) < 0 ||
	    ioctl(fd, BLKGETSIZE64, &l.bytes) < 0)
		return "it does not say what it is";
	why = blk_loop_judge(&l, ro);
	if (why)
		return why;
	*file = take_fd(&f);
	*path = take_ptr(p);
	return NULL;
}
