/* SPDX-License-Identifier: MIT */
/* One question to the broker and its answer, with the file descriptors that come along.
 */
#include "rpc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

const char *rpc_dir(void)
{
	static char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	const char *env = getenv("XENSIM_DIR"), *run = getenv("XDG_RUNTIME_DIR");

	if (env && *env)
		return env;
	if (run && *run)
		snprintf(dir, sizeof(dir), "%s/xensim", run);
	else
		snprintf(dir, sizeof(dir), "/tmp/xensim-%u", getuid());
	return dir;
}

int rpc_connect(const char *dir)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, n;

	n = snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/" WIRE_SOCKET, dir);
	if (n < 0 || (size_t)n >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		n = -errno;
		close(fd);
		return n;
	}
	return fd;
}

static void take_fds(struct rpc *rpc, struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		int fd;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (rpc->nfds < rpc->fds_max)
				rpc->fds[rpc->nfds++] = fd;
			else
				close(fd);
		}
	}
}

static int fail(struct rpc *rpc, int err)
{
	while (rpc->nfds)
		close(rpc->fds[--rpc->nfds]);
	return err;
}

static int receive(int sock, struct rpc *rpc)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(WIRE_MAX_FDS * sizeof(int))];
	} control;
	struct iovec iov[2] = { { &rpc->rep, sizeof(rpc->rep) },
		                { rpc->in, rpc->in_max * sizeof(uint32_t) } };
	struct msghdr msg = { .msg_iov = iov,
		              .msg_iovlen = 2,
		              .msg_control = &control,
		              .msg_controllen = CMSG_SPACE(rpc->fds_max * sizeof(int)) };
	ssize_t n;

	if (!rpc->fds_max)
		msg.msg_controllen = 0;
	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < (ssize_t)sizeof(rpc->rep))
		return -EIO;
	rpc->nfds = 0;
	take_fds(rpc, &msg);
	if (rpc->rep.err)
		return fail(rpc, rpc->rep.err);
	if (msg.msg_flags & MSG_CTRUNC) /* this process has no descriptor left */
		return fail(rpc, -EMFILE);
	if (msg.msg_flags & MSG_TRUNC)
		return fail(rpc, -EIO);
	return 0;
}

int rpc_call(int sock, struct rpc *rpc)
{
	struct iovec iov[2] = { { &rpc->req, sizeof(rpc->req) } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = rpc->out_len ? 2 : 1 };
	ssize_t n;

	/* iovec has no const; sendmsg does not write */
	memcpy(&iov[1].iov_base, &rpc->out, sizeof(rpc->out));
	iov[1].iov_len = rpc->out_len * sizeof(uint32_t);
	do
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EMSGSIZE ? -EMSGSIZE : -EIO;
	return receive(sock, rpc);
}
