/* SPDX-License-Identifier: MIT */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "msg.h"

/* As many as the kernel copies of a table at least: dup_fd(), NR_OPEN_DEFAULT. */
#define LOW   64
#define STACK 65536

/* Descriptors of which the new process has a copy: what it is given is put there. */
enum slot {
	SLOT_NULL,
	SLOT_SOCK,
	SLOT_LOG,
	SLOT_LISTEN,
	SLOTS
};

static int slot[SLOTS];

int spawn_prepare(void)
{
	int fd, null = open("/dev/null", O_RDWR | O_CLOEXEC);
	unsigned int n = 0;

	if (null < 0)
		return -errno;
	/* Until the first one behind is free. */
	while ((fd = fcntl(null, F_DUPFD_CLOEXEC, 0)) >= 0 && fd < LOW)
		/* Above those that the worker is to have. */
		if (fd > MSG_WORKER_LISTEN && n < SLOTS)
			slot[n++] = fd;
	if (fd < 0)
		return -errno;
	close(fd);
	return n == SLOTS ? 0 : -EMFILE;
}

/**
 * struct start - Shared with the new process, which runs in our memory until it executes
 * @err:	Why it did not
 */
struct start {
	const char *program;
	char *const *argv;
	volatile int err;
};

/* We ignore SIGPIPE and libevent has handlers: a program starts with the defaults. */
static void signals_reset(void)
{
	const struct sigaction def = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		sigaction(i, &def, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Return: they are what msg.h says, and no other is open. */
static bool files_set(void)
{
	return close_range(LOW, ~0U, CLOSE_RANGE_UNSHARE) == 0 &&
	       dup2(slot[SLOT_NULL], STDIN_FILENO) >= 0 &&
	       dup2(slot[SLOT_LOG], STDOUT_FILENO) >= 0 &&
	       dup2(slot[SLOT_LOG], STDERR_FILENO) >= 0 &&
	       dup2(slot[SLOT_SOCK], MSG_WORKER_FD) >= 0 &&
	       dup2(slot[SLOT_LISTEN], MSG_WORKER_LISTEN) >= 0 &&
	       close_range(MSG_WORKER_LISTEN + 1, ~0U, 0) == 0;
}

/* On a stack of its own that sanitizers know nothing of. */
static __attribute__((no_sanitize("address"))) int run(void *arg)
{
	struct start *s = arg;

	signals_reset();
	if (files_set())
		execve(s->program, s->argv, environ);
	s->err = errno;
	_exit(127);
}

static int put(enum slot s, int fd)
{
	return dup3(fd, slot[s], O_CLOEXEC) < 0 ? -errno : 0;
}

/* It returns when the new process executes something else, or has ended. */
static int run_apart(struct start *s, pid_t *pid)
{
	static char stack[STACK] __attribute__((aligned(16)));
	sigset_t all, before;

	/* Our handlers would run in the new process, in our memory. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	*pid = clone(run, stack + STACK, CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD,
	             s);
	if (*pid < 0)
		s->err = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (s->err && *pid >= 0)
		waitpid(*pid, NULL, 0);
	return -s->err;
}

int spawn(const char *program, char *const argv[], const struct spawn_fds *fds,
          pid_t *pid)
{
	struct start s = { .program = program, .argv = argv };
	int rc = put(SLOT_SOCK, fds->sock);

	rc = rc ? rc : put(SLOT_LOG, fds->log);
	rc = rc ? rc : put(SLOT_LISTEN, fds->listen);
	rc = rc ? rc : run_apart(&s, pid);
	/* Their other ends see the worker's end by theirs alone. */
	for (enum slot i = SLOT_SOCK; i < SLOTS; i++) {
		int err = put(i, slot[SLOT_NULL]);

		rc = rc ? rc : err;
	}
	return rc;
}
