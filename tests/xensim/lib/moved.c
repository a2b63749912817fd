/* SPDX-License-Identifier: MIT */
/*
 * oxenstored has its directory compiled in, and raises its limit of open files to what
 * only root may. With $XENSIM_STORE_MOVED, which `xensim up --store ocaml` sets, the
 * directory is that one, and the limit is what the user may have; for all other programs
 * these functions are libc's.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "paths.h"

#define STORE_DIR "/var/run/xenstored"

const char *path_moved(const char *path, char buf[PATH_MAX])
{
	const char *dir = getenv("XENSIM_STORE_MOVED");
	size_t len = sizeof(STORE_DIR) - 1;

	if (!dir || strncmp(path, STORE_DIR, len) != 0 || (path[len] && path[len] != '/'))
		return path;
	snprintf(buf, PATH_MAX, "%s%s", dir, path + len);
	return buf;
}

int bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX }, from = { 0 };
	char buf[PATH_MAX];
	const char *path;

	if (addr->sa_family != AF_UNIX || len > sizeof(from))
		return (int)syscall(SYS_bind, fd, addr, len);
	memcpy(&from, addr, len);
	path = path_moved(from.sun_path, buf);
	if (path == from.sun_path)
		return (int)syscall(SYS_bind, fd, addr, len);
	snprintf(to.sun_path, sizeof(to.sun_path), "%.107s", path);
	return (int)syscall(SYS_bind, fd, &to, sizeof(to));
}

int unlink(const char *path)
{
	char buf[PATH_MAX];

	return unlinkat(AT_FDCWD, path_moved(path, buf), 0);
}

int chmod(const char *path, mode_t mode)
{
	char buf[PATH_MAX];

	return fchmodat(AT_FDCWD, path_moved(path, buf), mode, 0);
}

int mkdir(const char *path, mode_t mode)
{
	char buf[PATH_MAX];

	return mkdirat(AT_FDCWD, path_moved(path, buf), mode);
}

int setrlimit(__rlimit_resource_t resource, const struct rlimit *lim)
{
	struct rlimit now, less = *lim;

	if (prlimit(0, resource, lim, NULL) == 0)
		return 0;
	if (errno != EPERM || !getenv("XENSIM_STORE_MOVED") ||
	    prlimit(0, resource, NULL, &now) < 0)
		return -1;
	if (less.rlim_max > now.rlim_max)
		less.rlim_max = now.rlim_max;
	if (less.rlim_cur > now.rlim_max)
		less.rlim_cur = now.rlim_max;
	return prlimit(0, resource, &less, NULL);
}
