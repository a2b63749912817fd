/* SPDX-License-Identifier: MIT */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "log.h"
#include "msg.h"
#include "spawn.h"

static int set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

static int child_run(const char *program, uint32_t domid, int sock, int log, int listen,
                     pid_t *pid)
{
	char name[] = "pvbackd-worker", opt_domid[] = "--domid",
	     opt_level[] = "--log-level";
	char id[16], level[16];
	char *argv[] = { name, opt_domid, id, opt_level, level, NULL };

	snprintf(id, sizeof(id), "%u", domid);
	snprintf(level, sizeof(level), "%s", log_level_name(log_get_level()));
	return spawn(program, argv,
	             &(struct spawn_fds){ .sock = sock, .log = log, .listen = listen },
	             pid);
}

static int address(const char *run_dir, uint32_t domid, struct sockaddr_un *a)
{
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return snprintf(a->sun_path, sizeof(a->sun_path), "%s/worker-%u.sock", run_dir,
	                domid) < (int)sizeof(a->sun_path)
	               ? 0
	               : -ENAMETOOLONG;
}

static int unix_socket(int *fd)
{
	*fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return *fd < 0 ? -errno : 0;
}

/* Return: 0 when one listens, -ENOENT when none does, or other -errno. */
static int call(const char *run_dir, uint32_t domid, int sock)
{
	struct sockaddr_un a;
	int rc = address(run_dir, domid, &a);

	if (rc)
		return rc;
	if (connect(sock, (struct sockaddr *)&a, sizeof(a)) == 0)
		return 0;
	return errno == ECONNREFUSED ? -ENOENT : -errno;
}

/* A socket that is bound: the worker listens on it, and so it is known whose it is. */
static int bind_listen(const char *run_dir, uint32_t domid, int *out)
{
	autoclose int probe = -1, fd = -1;
	struct sockaddr_un a;
	mode_t mask;
	int rc = unix_socket(&probe);

	rc = rc ? rc : unix_socket(&fd);
	rc = rc ? rc : call(run_dir, domid, probe);
	if (rc != -ENOENT)
		return rc ? rc : -EADDRINUSE;
	rc = address(run_dir, domid, &a);
	unlink(a.sun_path);
	mask = umask(0177);
	rc = rc ? rc : bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ? -errno : 0;
	umask(mask);
	if (rc)
		return rc;
	*out = take_fd(&fd);
	return 0;
}

int child_pipe(struct child *c, int *theirs)
{
	int fd[2], rc;

	if (pipe2(fd, O_CLOEXEC) < 0)
		return -errno;
	rc = set_nonblocking(fd[0]);
	c->log = fd[0];
	*theirs = fd[1];
	return rc;
}

/* A process that is there until @pidfd says otherwise. Return: 0 or -errno. */
static int child_adopt(int sock, struct child *c)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	if (cred.uid != geteuid() && cred.uid != 0)
		return -EPERM;
	c->pidfd = pidfd_open(cred.pid, 0);
	if (c->pidfd < 0)
		return errno == ESRCH ? -ENOENT : -errno;
	c->pid = cred.pid;
	return 0;
}

int child_find(const char *run_dir, uint32_t domid, struct child *out)
{
	autoclose int sock = -1;
	struct child c = CHILD_NONE;
	int rc = unix_socket(&sock);

	rc = rc ? rc : call(run_dir, domid, sock);
	rc = rc ? rc : child_adopt(sock, &c);
	if (rc)
		return rc;
	c.sock = take_fd(&sock);
	*out = c;
	return 0;
}

void child_forget(const char *run_dir, uint32_t domid)
{
	struct sockaddr_un a;

	if (address(run_dir, domid, &a) == 0)
		unlink(a.sun_path);
}

int child_start(const char *program, uint32_t domid, const char *run_dir,
                struct child *out)
{
	autoclose int ours = -1, theirs = -1, log_r = -1, log_w = -1, listening = -1;
	struct child c = CHILD_NONE;
	int fd[2], rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) < 0)
		return -errno;
	ours = fd[0];
	theirs = fd[1];
	rc = child_pipe(&c, &log_w);
	log_r = c.log;
	rc = rc ? rc : bind_listen(run_dir, domid, &listening);
	rc = rc ? rc : set_nonblocking(ours);
	rc = rc ? rc : child_run(program, domid, theirs, log_w, listening, &c.pid);
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
	int rc;

	*end = (struct child_end){ 0 };
	while ((rc = waitid(P_PIDFD, (id_t)c->pidfd, &si, WEXITED)) < 0 && errno == EINTR)
		;
	if (rc < 0) {
		/* One that another pvbackd has started. */
		end->good = true;
		snprintf(end->how, sizeof(end->how), "it is not known how");
	} else if (si.si_code == CLD_EXITED) {
		end->good = si.si_status == 0;
		end->crashed = !end->good;
		snprintf(end->how, sizeof(end->how), "exit status %d", si.si_status);
	} else {
		end->crashed = si.si_status != SIGKILL;
		snprintf(end->how, sizeof(end->how), "signal %d (%s)", si.si_status,
		         strsignal(si.si_status));
	}
	close(c->pidfd);
	if (c->sock >= 0)
		close(c->sock);
	if (c->log >= 0)
		close(c->log);
	*c = CHILD_NONE;
}
