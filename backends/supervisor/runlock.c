/* SPDX-License-Identifier: MIT */
#include "runlock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "clock.h"
#include "log.h"

/* Threads that do not wait for storage end sooner, and so do those who start with us. */
#define PATIENCE_NS UINT64_C(1000000000)
#define PAUSE_NS    1000000
/* The process id is in the first bytes; those that are locked need not exist. */
#define LOCKS_AT    0x1000
#define SLOTS       64
/* linux/sched.h: set when a thread is on its way out, and shown in /proc/PID/stat. */
#define PF_EXITING  0x4UL

/* Field @n of what follows the name in /proc/PID/stat; proc(5) counts that as 2. */
static unsigned long field(const char *s, int n)
{
	for (int i = 2; i < n && s; i++)
		s = strchr(s + 1, ' ');
	return s ? strtoul(s + 1, NULL, 10) : 0;
}

bool runlock_dying(const char *stat)
{
	/* "1 (name) S ...": a name may have anything in it, also blanks and brackets. */
	const char *s = strrchr(stat, ')');

	if (!s || s[1] != ' ')
		return false;
	return s[2] == 'Z' || s[2] == 'X' || field(s, 9) & PF_EXITING ||
	       field(s, 31) & 1UL << (SIGKILL - 1);
}

/* A process that is gone has no lock any more: look again. */
static bool is_dying(pid_t pid)
{
	char path[32], text[1024];
	autoclose int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT && kill(pid, 0) < 0 && errno == ESRCH;
	n = read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	return n < 0 ? errno == ESRCH : runlock_dying(text);
}

static struct flock slot(off_t i)
{
	return (struct flock){ .l_type = F_WRLCK,
		               .l_whence = SEEK_SET,
		               .l_start = LOCKS_AT + i,
		               .l_len = 1 };
}

/*
 * Return: 0 with a slot that nobody has in @mine, -EAGAIN when one is dying that has one,
 * -EEXIST when one lives, with its @pid; or -errno.
 */
static int look(int fd, bool patient, off_t *mine, long *pid)
{
	*mine = SLOTS;
	for (off_t i = SLOTS; i-- > 0;) {
		struct flock l = slot(i);

		if (fcntl(fd, F_GETLK, &l) < 0)
			return -errno;
		if (l.l_type == F_UNLCK) {
			*mine = i;
			continue;
		}
		*pid = l.l_pid;
		if (l.l_pid <= 0 || !is_dying(l.l_pid))
			return -EEXIST;
		if (patient)
			return -EAGAIN;
		log_warn(NULL,
		         "pvbackd %d was killed and has not ended, a thread of it waits "
		         "for storage: goes on without it",
		         (int)l.l_pid);
	}
	return *mine < SLOTS ? 0 : -ENOLCK;
}

/* The id that the file has, for who is not known otherwise. */
static long pid_said(int fd)
{
	char text[24] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	return n > 0 ? strtol(text, NULL, 10) : 0;
}

/* Those who start at the same moment do this one after the other. */
static int take(int fd, bool patient, long *pid)
{
	struct flock l;
	char text[24];
	off_t mine;
	int rc, n;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return -errno;
		*pid = pid_said(fd);
		return patient ? -EAGAIN : -EEXIST;
	}
	rc = look(fd, patient, &mine, pid);
	l = slot(mine);
	if (!rc && fcntl(fd, F_SETLK, &l) < 0)
		rc = -errno;
	n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (!rc && (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n))
		rc = -errno;
	flock(fd, LOCK_UN);
	return rc;
}

int runlock_take(const char *run_dir, long *pid)
{
	autoclose int fd = -1;
	char path[PATH_MAX];
	uint64_t since = clock_ns();
	int rc;

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
	while ((rc = take(fd, clock_ns() - since < PATIENCE_NS, pid)) == -EAGAIN)
		nanosleep(&(struct timespec){ .tv_nsec = PAUSE_NS }, NULL);
	if (rc == -EEXIST)
		return rc;
	if (rc) {
		errno = -rc;
		return log_errno(NULL, "lock %s", path);
	}
	/* Held to the end of the process, whatever that is. */
	take_fd(&fd);
	return 0;
}
