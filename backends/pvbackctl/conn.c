/* SPDX-License-Identifier: MIT */
#include "conn.h"

#include <errno.h>
#include <limits.h>
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

int conn_open(struct conn *c, const char *run_dir)
{
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval limit = { .tv_sec = ANSWER_SECONDS };
	static struct sockaddr_un sa;

	*c = (struct conn){ .path = sa.sun_path };
	sa.sun_family = AF_UNIX;
	if (snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/control.sock", run_dir) >=
	    (int)sizeof(sa.sun_path))
		return refused(run_dir, ENAMETOOLONG);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		return refused(c->path, errno);
	c->in = fdopen(fd, "r");
	if (!c->in)
		return refused(c->path, errno);
	take_fd(&fd);
	return 0;
}

void conn_close(struct conn *c)
{
	if (c->in)
		fclose(c->in);
	free(c->line);
	*c = (struct conn){ 0 };
}

int conn_send(struct conn *c, const char *request)
{
	char line[256];
	int n = snprintf(line, sizeof(line), "%s\n", request);

	/* It is small, so it is taken whole. */
	if (n < (int)sizeof(line) &&
	    send(fileno(c->in), line, (size_t)n, MSG_NOSIGNAL) == n)
		return 0;
	fprintf(stderr, "pvbackctl: pvbackd has closed the connection\n");
	return EXIT_FAILURE;
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
		fprintf(stderr, "pvbackctl: pvbackd has not answered for %d s\n",
		        ANSWER_SECONDS);
	else
		fprintf(stderr, "pvbackctl: pvbackd has closed the connection\n");
	return NULL;
}
