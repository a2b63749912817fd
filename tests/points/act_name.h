/* SPDX-License-Identifier: MIT */
/* What tests call the actions of a device's transition table. */
#ifndef PVB_ACT_NAME_H
#define PVB_ACT_NAME_H

#include "compiler.h"
#include "dev_state.h"

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

#endif
