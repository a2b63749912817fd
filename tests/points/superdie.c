/* SPDX-License-Identifier: MIT */
/* In a pvbackd that has points: it dies at the one that the file PVB_DEV_POINT names. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler.h"
#include "dev_point.h"

static const char *const act_name[] = {
	[ACT_NONE] = "none",
	[ACT_OFFER] = "offer",
	[ACT_OPEN] = "open",
	[ACT_ADOPT] = "adopt",
	[ACT_SPAWN] = "spawn",
	[ACT_CONNECT] = "connect",
	[ACT_RETAKE] = "retake",
	[ACT_PUBLISH] = "publish",
	[ACT_REPUBLISH] = "republish",
	[ACT_RECONFIGURE] = "reconfigure",
	[ACT_RECONFIGURED] = "reconfigured",
	[ACT_CLOSING] = "closing",
	[ACT_HALT] = "halt",
	[ACT_STOP] = "stop",
	[ACT_FAIL_STOP] = "fail-stop",
	[ACT_CLOSE] = "close",
	[ACT_FAIL] = "fail",
	[ACT_PARK] = "park",
	[ACT_LEAVE] = "leave",
	[ACT_KEEP] = "keep",
	[ACT_RESET] = "reset",
	[ACT_RENEW] = "renew",
	[ACT_FORGET] = "forget",
};

_Static_assert(ARRAY_SIZE(act_name) == ACT_NACTIONS, "an action has no name");

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
