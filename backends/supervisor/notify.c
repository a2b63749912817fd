/* SPDX-License-Identifier: MIT */
#include "notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "log.h"

void notify(const char *fmt, ...)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	autoclose int fd = -1;
	char text[256];
	va_list ap;
	socklen_t len;

	if (!path || !*path)
		return;
	if (strlen(path) >= sizeof(sun.sun_path)) {
		log_warn(NULL, "NOTIFY_SOCKET is too long: %s", path);
		return;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	memcpy(sun.sun_path, path, strlen(path));
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	/* An abstract socket is written with an @. */
	if (sun.sun_path[0] == '@')
		sun.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || sendto(fd, text, strlen(text), MSG_NOSIGNAL,
	                     (struct sockaddr *)(void *)&sun, len) < 0)
		log_warn(NULL, "NOTIFY_SOCKET %s: %m", path);
}
