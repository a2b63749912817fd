/* SPDX-License-Identifier: MIT */
/* In a pvbackd that has points: it dies at the one that the file PVB_DEV_POINT names. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "act_name.h"
#include "compiler.h"
#include "dev_point.h"

void dev_point_call(const char *name)
{
	const char *path = getenv("PVB_DEV_POINT");
	autoclose int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	char want[64] = "";

	if (fd < 0 || read(fd, want, sizeof(want) - 1) <= 0 || strcmp(want, name) != 0)
		return;
	/* Once. */
	if (ftruncate(fd, 0) == 0)
		kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

void dev_point_act_call(enum dev_action act, bool done)
{
	char name[64];

	snprintf(name, sizeof(name), "%s %s", act_name[act], done ? "after" : "before");
	dev_point_call(name);
}
