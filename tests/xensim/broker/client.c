/* SPDX-License-Identifier: MIT */
/* Connections: each process of the host has one, and asks one question at a time. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "broker.h"

struct list clients = LIST_INIT(clients);

static uint32_t in_buf[WIRE_MAX_TAIL], out_buf[WIRE_MAX_TAIL];

static void client_free(struct source *source)
{
	free(source);
}

static void client_drop(struct client *client)
{
	list_del(&client->list);
	source_close(client->fd);
	if (client->pidfd >= 0)
		close(client->pidfd);
	source_free(&client->source);
}

static bool answer(struct client *client, struct call *call)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(WIRE_MAX_FDS * sizeof(int))];
	} control;
	size_t len = call->nfds * sizeof(int);
	struct iovec iov[2] = { { &call->rep, sizeof(call->rep) },
		                { call->out, call->rep.count * sizeof(uint32_t) } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	if (call->nfds) {
		memset(&control, 0, sizeof(control));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(len);
		memcpy(CMSG_DATA(&control.align), call->fds, len);
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(len);
	}
	return sendmsg(client->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

static void client_event(struct source *source, uint32_t events)
{
	struct client *client = (struct client *)source; /* its first member */
	struct wire_req req;
	struct call call = {
		.client = client, .req = &req, .in = in_buf, .out = out_buf
	};
	struct iovec iov[2] = { { &req, sizeof(req) }, { in_buf, sizeof(in_buf) } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n;
	bool ok;

	(void)events;
	n = recvmsg(client->fd, &msg, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < (ssize_t)sizeof(req) || (msg.msg_flags & MSG_TRUNC)) {
		client_drop(client);
		return;
	}
	req.text[sizeof(req.text) - 1] = '\0';
	call.nin = (uint32_t)(((size_t)n - sizeof(req)) / sizeof(uint32_t));
	call.rep.err = call_dispatch(&call);
	mem_flush(); /* before the client hears of it */
	if (call.rep.err)
		call.rep.count = 0;
	ok = answer(client, &call);
	for (uint32_t i = 0; i < call.nfds; i++) {
		if (call.close_fd[i])
			close(call.fds[i]);
	}
	if (!ok)
		client_drop(client);
}

static void listen_event(struct source *source, uint32_t events);
static struct source listen_source = { .fn = listen_event };
static int listen_fd = -1;

static void listen_event(struct source *source, uint32_t events)
{
	struct client *client = calloc(1, sizeof(*client));
	struct ucred cred = { 0 };
	socklen_t len = sizeof(cred);
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);

	(void)source;
	(void)events;
	if (!client || fd < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0) {
		free(client);
		if (fd >= 0)
			close(fd);
		return;
	}
	client->source = (struct source){ .fn = client_event, .free = client_free };
	client->fd = fd;
	client->pid = cred.pid;
	client->pidfd = (int)syscall(SYS_pidfd_open, cred.pid, 0);
	client->domid = UINT32_MAX;
	list_init(&client->list);
	list_add_tail(&clients, &client->list);
	if (source_add(&client->source, fd, EPOLLIN) < 0)
		client_drop(client);
}

int client_listen(const char *dir)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if ((size_t)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/" WIRE_SOCKET,
	                     dir) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listen_fd < 0)
		return -errno;
	unlink(addr.sun_path);
	if (bind(listen_fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(listen_fd, 512) < 0)
		return -errno;
	return source_add(&listen_source, listen_fd, EPOLLIN);
}

void clients_kill(uint32_t domid, uint32_t gen)
{
	list_for_each (&clients, pos, tmp) {
		struct client *client = list_entry(pos, struct client, list);

		if (client->domid == domid && client->gen == gen && client->pidfd >= 0)
			syscall(SYS_pidfd_send_signal, client->pidfd, SIGKILL, NULL, 0);
	}
}
