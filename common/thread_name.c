/* SPDX-License-Identifier: MIT */
#include "thread_name.h"

#include <stdio.h>
#include <string.h>

/* Of a device, where a queue's number is to follow. */
#define ROOM (THREAD_NAME - 3)

static const char *device_of(const char *tag)
{
	const char *dev = strrchr(tag, ' ');

	return dev ? dev + 1 : tag;
}

void thread_name(const char *tag, uint32_t queue, uint32_t nqueues,
                 char name[THREAD_NAME])
{
	const char *dev = device_of(tag);

	if (nqueues > 1)
		snprintf(name, THREAD_NAME, "%.*s.%u", (int)ROOM, dev, queue % 10);
	else
		snprintf(name, THREAD_NAME, "%s", dev);
}

bool thread_is_of(const char *name, const char *tag)
{
	const char *dev = device_of(tag);
	size_t n = strnlen(dev, ROOM);

	if (strncmp(name, dev, THREAD_NAME - 1) == 0)
		return true;
	return strncmp(name, dev, n) == 0 && name[n] == '.' && name[n + 1] >= '0' &&
	       name[n + 1] <= '9' && !name[n + 2];
}
