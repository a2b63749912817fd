/* SPDX-License-Identifier: MIT */
#include "tool.h"

#include <signal.h>
#include <sys/eventfd.h>

#include "log.h"

int wake_fd = -1;

static volatile sig_atomic_t caught;

static void on_signal(int signo)
{
	const uint64_t one = 1;

	caught = signo;
	/* It cannot fail: the counter is far from full. */
	if (write(wake_fd, &one, sizeof(one)) < 0)
		return;
}

int tool_signals(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = on_signal };

	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake_fd < 0)
		return log_errno(NULL, "eventfd");
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		sigaction(ends[i], &sa, NULL);
	return 0;
}

int tool_status(int rc)
{
	switch (rc) {
	case 0:
		return 0;
	case -EINTR:
		return 128 + caught;
	case ERR_USAGE:
		return EXIT_USAGE;
	case -EPROTO:
		return EXIT_BREACH;
	case -ENODEV:
	case -ETIMEDOUT:
		return EXIT_DEVICE;
	default:
		return EXIT_IO;
	}
}
