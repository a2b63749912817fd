/* SPDX-License-Identifier: MIT */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "clock.h"
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

/*
 * Who was killed while it started a worker still has the lock for as long as that is not
 * a program of its own.
 */
#define LOCK_PATIENCE_NS UINT64_C(5000000000)

int daemon_lock(const char *run_dir, long *pid)
{
	autoclose int fd = -1;
	char path[PATH_MAX], text[24] = "";
	uint64_t since = clock_ns();
	ssize_t n;

	if (mkdir(run_dir, 0755) < 0 && errno != EEXIST)
		return log_errno(NULL, "run-dir %s", run_dir);
	if (snprintf(path, sizeof(path), "%s/pvbackd.pid", run_dir) >=
	    (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return log_errno(NULL, "run-dir %s", run_dir);
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return log_errno(NULL, "%s", path);
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return log_errno(NULL, "lock %s", path);
		n = pread(fd, text, sizeof(text) - 1, 0);
		*pid = n > 0 ? strtol(text, NULL, 10) : 0;
		if (*pid <= 0 || kill((pid_t)*pid, 0) == 0 || errno != ESRCH ||
		    clock_ns() - since > LOCK_PATIENCE_NS)
			return -EEXIST;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n)
		return log_errno(NULL, "write %s", path);
	/* Held to the end of the process, whatever that is. */
	take_fd(&fd);
	return 0;
}

void daemon_files_max(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) < 0 || rl.rlim_cur == rl.rlim_max)
		return;
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &rl) < 0)
		log_warn(NULL, "open files stay limited: %m");
}
