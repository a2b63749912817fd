/* SPDX-License-Identifier: MIT */
/* What a host has one of: its tag, and the page that all its processes share. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "broker.h"
#include "procs.h"

struct host host = { .fd = -1 };

int host_init(const char *dir)
{
	const char *tag = getenv(PROCS_TAG_ENV);
	void *shm;

	(void)dir;
	if (!tag)
		return -EINVAL;
	snprintf(host.tag, sizeof(host.tag), "%.*s", (int)strcspn(tag, "."), tag);
	host.fd = memfd_create("xensim-host", MFD_CLOEXEC);
	if (host.fd < 0 || ftruncate(host.fd, sizeof(struct shm_host)) < 0)
		return -errno;
	shm = mmap(NULL, sizeof(struct shm_host), PROT_READ | PROT_WRITE, MAP_SHARED,
	           host.fd, 0);
	if (shm == MAP_FAILED)
		return -errno;
	host.shm = shm;
	return 0;
}
