/* SPDX-License-Identifier: MIT */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "log.h"

/* Written to when we are ready; -1 in the foreground. */
static int ready_fd = -1;

static void __attribute__((noreturn)) wait_for_daemon(pid_t pid, int fd)
{
	int status = 0;
	char c;

	if (read(fd, &c, 1) == 1)
		_exit(0);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

int daemon_fork(void)
{
	int fd[2];
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid < 0) {
		int rc = -errno;

		close(fd[0]);
		close(fd[1]);
		return rc;
	}
	if (pid > 0) {
		close(fd[1]);
		wait_for_daemon(pid, fd[0]);
	}
	close(fd[0]);
	ready_fd = fd[1];
	setsid();
	return chdir("/") < 0 ? -errno : 0;
}

void daemon_ready(void)
{
	int null;

	if (ready_fd < 0)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		close(null);
	}
	if (write(ready_fd, "", 1) != 1)
		log_warn(NULL, "nobody waited for us to be ready: %m");
	close(take_fd(&ready_fd));
}
