/* SPDX-License-Identifier: MIT */
#include "conn.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

/* pvbackd answers at once, unless XenStore hangs. */
#define ANSWER_SECONDS 30

static int refused(const char *path, int err)
{
	switch (err) {
	case ENOENT:
		fprintf(stderr,
		        "pvbackctl: there is no %s: pvbackd is not running, or with "
		        "another --run-dir\n",
		        path);
		return EXIT_NOT_RUNNING;
	case ECONNREFUSED:
		fprintf(stderr,
		        "pvbackctl: nobody listens at %s: pvbackd is not running\n",
		        path);
		return EXIT_NOT_RUNNING;
	case EACCES:
	case EPERM:
		fprintf(stderr, "pvbackctl: %s: you have to be root\n", path);
		return EXIT_FAILURE;
	default:
		fprintf(stderr, "pvbackctl: %s: %s\n", path, strerror(err));
		return EXIT_FAILURE;
	}
}

int conn_try(struct conn *c, const char *run_dir)
{
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval limit = { .tv_sec = ANSWER_SECONDS };
	static struct sockaddr_un sa;

	*c = (struct conn){ .path = sa.sun_path };
	sa.sun_family = AF_UNIX;
	if (snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/control.sock", run_dir) >=
	    (int)sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	c->in = fdopen(fd, "r");
	if (!c->in)
		return -errno;
	take_fd(&fd);
	return 0;
}

int conn_open(struct conn *c, const char *run_dir)
{
	int rc = conn_try(c, run_dir);

	return rc ? refused(c->path, -rc) : 0;
}

void conn_close(struct conn *c)
{
	if (c->in)
		fclose(c->in);
	free(c->line);
	*c = (struct conn){ 0 };
}

void conn_say(const struct conn *c, const char *fmt, ...)
{
	va_list ap;

	if (c->quiet)
		return;
	fputs("pvbackctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

#define FDS_MAX 2U

int conn_send_fds(struct conn *c, const char *request, const int *fds, unsigned int n)
{
	char line[512], control[CMSG_SPACE(sizeof(int) * FDS_MAX)] = { 0 };
	struct iovec iov = { line,
		             (size_t)snprintf(line, sizeof(line), "%s\n", request) };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	assert(n <= FDS_MAX);
	if (n) {
		struct cmsghdr *cm = (struct cmsghdr *)(void *)control;

		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int) * n);
		memcpy(CMSG_DATA(cm), fds, sizeof(int) * n);
		mh.msg_control = control;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * n);
	}
	/* It is small, so it is taken whole. */
	if (iov.iov_len < sizeof(line) &&
	    sendmsg(fileno(c->in), &mh, MSG_NOSIGNAL) == (ssize_t)iov.iov_len)
		return 0;
	conn_say(c, "pvbackd has closed the connection");
	return EXIT_FAILURE;
}

int conn_send(struct conn *c, const char *request)
{
	return conn_send_fds(c, request, NULL, 0);
}

const char *conn_line(struct conn *c)
{
	ssize_t n;

	errno = 0;
	n = getline(&c->line, &c->size, c->in);
	if (n > 0 && c->line[n - 1] == '\n') {
		c->line[n - 1] = 0;
		return c->line;
	}
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		conn_say(c, "pvbackd has not answered for %d s", ANSWER_SECONDS);
	else
		conn_say(c, "pvbackd has closed the connection");
	return NULL;
}
