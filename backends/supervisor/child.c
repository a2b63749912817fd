/* SPDX-License-Identifier: MIT */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "log.h"
#include "msg.h"

/* What the worker finds open: nothing, stderr twice, its socket; and no more. */
static int child_files(posix_spawn_file_actions_t *fa, int sock, int log)
{
	int rc = posix_spawn_file_actions_addopen(fa, 0, "/dev/null", O_RDONLY, 0);

	rc = rc ? rc : posix_spawn_file_actions_adddup2(fa, log, 1);
	rc = rc ? rc : posix_spawn_file_actions_adddup2(fa, log, 2);
	rc = rc ? rc : posix_spawn_file_actions_adddup2(fa, sock, MSG_WORKER_FD);
	return rc ? rc : posix_spawn_file_actions_addclosefrom_np(fa, MSG_WORKER_FD + 1);
}

/* We ignore SIGPIPE and libevent has handlers: a program starts with the defaults. */
static int child_signals(posix_spawnattr_t *attr)
{
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	rc = posix_spawnattr_setsigmask(attr, &none);
	rc = rc ? rc : posix_spawnattr_setsigdefault(attr, &all);
	return rc ? rc
	          : posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK |
	                                                   POSIX_SPAWN_SETSIGDEF);
}

static int child_exec(const char *program, char *const argv[], int sock, int log,
                      pid_t *pid)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	int rc = posix_spawn_file_actions_init(&fa);

	if (rc)
		return -rc;
	rc = posix_spawnattr_init(&attr);
	if (rc)
		goto free_fa;
	rc = child_files(&fa, sock, log);
	rc = rc ? rc : child_signals(&attr);
	rc = rc ? rc : posix_spawn(pid, program, &fa, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
free_fa:
	posix_spawn_file_actions_destroy(&fa);
	return -rc;
}

static int set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

static int child_run(const char *program, uint32_t domid, int sock, int log, pid_t *pid)
{
	char name[] = "pvbackd-worker", opt_domid[] = "--domid",
	     opt_level[] = "--log-level";
	char id[16], level[16];
	char *argv[] = { name, opt_domid, id, opt_level, level, NULL };

	snprintf(id, sizeof(id), "%u", domid);
	snprintf(level, sizeof(level), "%s", log_level_name(log_get_level()));
	return child_exec(program, argv, sock, log, pid);
}

int child_start(const char *program, uint32_t domid, struct child *out)
{
	autoclose int ours = -1, theirs = -1, log_r = -1, log_w = -1;
	struct child c = CHILD_NONE;
	int fd[2], rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) < 0)
		return -errno;
	ours = fd[0];
	theirs = fd[1];
	if (pipe2(fd, O_CLOEXEC) < 0)
		return -errno;
	log_r = fd[0];
	log_w = fd[1];
	rc = set_nonblocking(ours);
	rc = rc ? rc : set_nonblocking(log_r);
	rc = rc ? rc : child_run(program, domid, theirs, log_w, &c.pid);
	if (rc)
		return rc;
	/* Ours to reap, so the number cannot be another process's yet. */
	c.pidfd = pidfd_open(c.pid, 0);
	if (c.pidfd < 0) {
		rc = -errno;
		kill(c.pid, SIGKILL);
		waitpid(c.pid, NULL, 0);
		return rc;
	}
	c.sock = take_fd(&ours);
	c.log = take_fd(&log_r);
	*out = c;
	return 0;
}

void child_kill(const struct child *c)
{
	pidfd_send_signal(c->pidfd, SIGKILL, NULL, 0);
}

void child_reap(struct child *c, struct child_end *end)
{
	siginfo_t si = { 0 };

	while (waitid(P_PIDFD, (id_t)c->pidfd, &si, WEXITED) < 0 && errno == EINTR)
		;
	end->good = si.si_code == CLD_EXITED && si.si_status == 0;
	end->crashed = !end->good && si.si_status != SIGKILL;
	if (si.si_code == CLD_EXITED)
		snprintf(end->how, sizeof(end->how), "exit status %d", si.si_status);
	else
		snprintf(end->how, sizeof(end->how), "signal %d (%s)", si.si_status,
		         strsignal(si.si_status));
	close(c->pidfd);
	if (c->sock >= 0)
		close(c->sock);
	if (c->log >= 0)
		close(c->log);
	*c = CHILD_NONE;
}
