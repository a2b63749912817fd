/* SPDX-License-Identifier: MIT */
/*
 * The process's connection to the broker.
 *
 * One per process, not per handle: a sandboxed process opens its handles first and can
 * then do everything with the descriptors it has. The child of a fork makes its own.
 * Signals wait while a question is out, as they do in an ioctl.
 */
#include "sim.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "procs.h"

static struct {
	pthread_mutex_t lock;
	int fd;
	struct fd_mark mark;
	struct shm_host *host;
} link_ = { .lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1 };

/* Out of the way of programs that expect to get low numbers. */
#define LINK_MIN_FD 100

struct fd_mark fd_mark(int fd)
{
	struct stat st = { 0 };

	syscall(SYS_fstat, fd, &st);
	return (struct fd_mark){ .dev = st.st_dev, .ino = st.st_ino };
}

bool fd_is(int fd, struct fd_mark mark)
{
	struct fd_mark now = fd_mark(fd);

	return now.ino == mark.ino && now.dev == mark.dev && now.ino;
}

uint32_t sim_env_domid(void)
{
	const char *env = getenv("XENSIM_DOMID");

	return env ? (uint32_t)strtoul(env, NULL, 10) : 0;
}

struct shm_host *sim_host(void)
{
	return link_.host;
}

static void fork_prepare(void)
{
	views_lock();
	pthread_mutex_lock(&link_.lock);
}

static void fork_parent(void)
{
	pthread_mutex_unlock(&link_.lock);
	views_unlock();
}

static void fork_child(void)
{
	if (link_.fd >= 0 && fd_is(link_.fd, link_.mark))
		close(link_.fd);
	link_.fd = -1;
	pthread_mutex_unlock(&link_.lock);
	views_unlock();
}

__attribute__((constructor)) static void link_init(void)
{
	pthread_atfork(fork_prepare, fork_parent, fork_child);
}

static int map_host(int fd)
{
	void *host = mmap(NULL, sizeof(struct shm_host), PROT_READ | PROT_WRITE,
	                  MAP_SHARED, fd, 0);

	close(fd);
	if (host == MAP_FAILED)
		return -errno;
	link_.host = host;
	return 0;
}

static int hello(int sock)
{
	int fd = -1;
	struct rpc rpc = { .req = { .op = OP_HELLO,
		                    .hello = { .version = WIRE_VERSION } },
		           .fds = &fd,
		           .fds_max = 1 };
	int err;

	procs_my_tag(&rpc.req.domid, &rpc.req.hello.gen);
	strncpy(rpc.req.text, program_invocation_short_name, sizeof(rpc.req.text) - 1);
	err = rpc_call(sock, &rpc);
	if (err < 0)
		return err;
	if (link_.host) { /* the child of a fork has it already */
		close(fd);
		return 0;
	}
	return map_host(fd);
}

static int connect_locked(void)
{
	int sock = rpc_connect(rpc_dir()), high, err;

	if (sock < 0)
		return sock;
	err = hello(sock);
	if (err < 0) {
		close(sock);
		return err;
	}
	high = fcntl(sock, F_DUPFD_CLOEXEC, LINK_MIN_FD);
	if (high >= 0) {
		close(sock);
		sock = high;
	}
	link_.fd = sock;
	link_.mark = fd_mark(sock);
	return 0;
}

int sim_call(struct rpc *rpc)
{
	sigset_t all, old;
	int err = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_mutex_lock(&link_.lock);
	if (link_.fd < 0 || !fd_is(link_.fd, link_.mark))
		err = connect_locked();
	if (!err)
		err = rpc_call(link_.fd, rpc);
	pthread_mutex_unlock(&link_.lock);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return err;
}
