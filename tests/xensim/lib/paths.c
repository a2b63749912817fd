/* SPDX-License-Identifier: MIT */
/*
 * The two files of /proc/xen that a xenstored reads at start: which page and which port
 * of domain 0 its ring is. Nothing can be created in /proc, so open() answers for them.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "paths.h"
#include "sim.h"
#include "store.h"

/* The real ones are reached through openat, which nobody interposes. */
int open(const char *path, int flags, ...);
int open64(const char *path, int flags, ...);

/* Frame 0 is at offset 0 of the domain's memory. */
_Static_assert(DOM0_STORE_FRAME == 0, "xsd_kva is mapped at offset 0");

static int open_kva(void)
{
	int fd = -1;
	struct rpc rpc = { .req = { .op = OP_DOMAIN_FD, .domid = 0 },
		           .fds = &fd,
		           .fds_max = 1 };
	int err = sim_call(&rpc);

	return err < 0 ? sim_fail(err) : fd;
}

static int open_port(void)
{
	int fd = memfd_create("xsd_port", MFD_CLOEXEC);

	if (fd < 0)
		return -1;
	if (dprintf(fd, "%u", DOM0_STORE_PORT) < 0 || lseek(fd, 0, SEEK_SET) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int open_path(const char *path, int flags, mode_t mode)
{
	char buf[PATH_MAX];

	if (!strcmp(path, "/proc/xen/xsd_kva"))
		return open_kva();
	if (!strcmp(path, "/proc/xen/xsd_port"))
		return open_port();
	return openat(AT_FDCWD, path_moved(path, buf), flags, mode);
}

static mode_t open_mode(int flags, va_list ap)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = open_mode(flags, ap);
	va_end(ap);
	return open_path(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = open_mode(flags, ap);
	va_end(ap);
	return open_path(path, flags | O_LARGEFILE, mode);
}
