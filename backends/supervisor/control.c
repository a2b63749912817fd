/* SPDX-License-Identifier: MIT */
#include "control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "ctl_act.h"
#include "device.h"
#include "guest.h"
#include "log.h"
#include "loop.h"
#include "renew.h"
#include "report.h"
#include "super.h"

#define CLIENTS_MAX  16U
/* A request is a few numbers and words. */
#define REQUEST_MAX  1024U
/* Of an answer, what is made at once. */
#define TURN_DEVICES 4
/* A client that has not read anything for so long is dropped. */
#define STALL_MS     5000
/* Without descriptors nobody can be accepted; somebody may close one. */
#define RETRY_MS     1000
/* Lines in 10 seconds about clients. */
#define CLIENT_LINES 10

/**
 * struct client - Somebody who has connected
 * @in:		Listens for a request; only while none is being answered
 * @out:	Writes the answer; only while there is one
 * @stall:	Runs while the client owes us a read
 * @last:	When it was last heard of, counted in requests of all clients
 * @line:	Bytes read, @len
 * @fds:	Descriptors that came with them, @nfds: of the next request
 * @answer:	What is to be written next, from @at
 * @ended:	@answer is the end of it
 * @cursor:	Device that was reported last
 */
struct client {
	LIST_ENTRY(client) link;
	struct control *control;
	int fd;
	struct loop_src *in, *out, *stall;
	uint64_t last;
	size_t len;
	char line[REQUEST_MAX];
	int fds[CTL_FDS];
	unsigned int nfds;
	char *answer;
	size_t at;
	bool ended;
	struct ctl_request rq;
	uint64_t cursor;
};

LIST_HEAD(client_list, client);

struct control {
	struct super *super;
	int fd;
	struct loop_src *src, *retry;
	struct client_list clients;
	unsigned int n;
	uint64_t heard;
	struct log_limit limit;
	struct sockaddr_un addr;
};

/* ---- Clients ---------------------------------------------------------------------- */

static void client_close_fds(struct client *c)
{
	while (c->nfds)
		close(c->fds[--c->nfds]);
}

static void client_drop(struct client *c, const char *why)
{
	struct control *ctl = c->control;

	if (why && log_allowed(&ctl->limit, CLIENT_LINES, "control socket"))
		log_warn(NULL, "a client of the control socket is dropped: %s", why);
	loop_del(&c->in);
	loop_del(&c->out);
	loop_del(&c->stall);
	client_close_fds(c);
	close(c->fd);
	free(c->answer);
	LIST_REMOVE(c, link);
	ctl->n--;
	free(c);
}

static void on_stall(void *arg)
{
	client_drop(arg, "it does not read");
}

/* The next device after the one reported last, in the order in which they came. */
static struct device *device_after(const struct super *s, const struct client *c)
{
	struct device *found = NULL, *d;
	const struct guest *g;

	LIST_FOREACH (g, &s->guests, link)
		LIST_FOREACH (d, &g->devices, link)
			if (d->id > c->cursor && (!found || d->id < found->id) &&
			    request_wants(&c->rq, d))
				found = d;
	return found;
}

/* Take over @more, a line. Return: false without memory. */
static bool answer_add(struct client *c, char *more)
{
	size_t have = c->answer ? strlen(c->answer) : 0, n = more ? strlen(more) : 0;
	char *p = more ? realloc(c->answer, have + n + 1) : NULL;

	if (p) {
		memcpy(p + have, more, n + 1);
		c->answer = p;
	}
	free(more);
	return p;
}

/* Of each device that is asked for: some now. Return: false without memory. */
static bool answer_devices(struct client *c)
{
	struct super *s = c->control->super;
	struct device *d;

	for (int i = 0; i < TURN_DEVICES; i++) {
		d = device_after(s, c);
		if (!d) {
			c->ended = true;
			return answer_add(c, report_done());
		}
		c->cursor = d->id;
		if (!answer_add(c, report_device(d, c->rq.cmd)))
			return false;
	}
	return true;
}

static bool answer_act(struct client *c)
{
	const char *why =
		ctl_act(device_after(c->control->super, c), &c->rq, c->fds, c->nfds);

	/* The capture ends when the worker closes the other copy, so ours must go. */
	client_close_fds(c);
	return answer_add(c, why ? report_error(why) : report_done());
}

static bool answer_renew(struct client *c)
{
	const char *why = "there is no such guest";
	struct guest *g;

	LIST_FOREACH (g, &c->control->super->guests, link)
		if (g->domid == c->rq.domid)
			why = guest_renew(g);
	return answer_add(c, why ? report_error(why) : report_done());
}

static bool answer_more(struct client *c)
{
	struct super *s = c->control->super;

	c->ended = true;
	switch (c->rq.cmd) {
	case CTL_VERSION:
		return answer_add(c, report_version(s)) && answer_add(c, report_done());
	case CTL_LOG:
		super_log_level(s, c->rq.level);
		log_info(NULL, "log level is %s", log_level_name(c->rq.level));
		return answer_add(c, report_done());
	case CTL_RENEW:
		return answer_renew(c);
	case CTL_UPGRADE:
		return answer_add(c, s->stopping ? report_error("it is about to stop")
		                                 : report_done());
	case CTL_RESUME:
	case CTL_TUNE:
	case CTL_CAPTURE:
		return answer_act(c);
	default:
		c->ended = false;
		return answer_devices(c);
	}
}

/* Listen to it, or write to it. Return: false without memory. */
static bool client_turn(struct client *c, bool busy);
static void client_request(struct client *c);

static void answer_written(struct client *c)
{
	free(take_ptr(c->answer));
	c->at = 0;
	if (!c->ended)
		return;
	if (c->rq.cmd == CTL_UPGRADE && !c->control->super->stopping)
		c->control->super->replace(c->control->super->replace_arg);
	loop_timer_stop(c->stall);
	if (!client_turn(c, false))
		client_drop(c, "out of memory");
	else if (c->len)
		client_request(c);
}

/* One bounded piece of work: some devices, one write. */
static void on_writable(void *arg)
{
	struct client *c = arg;
	ssize_t n;
	size_t len;

	if (!c->answer && !answer_more(c)) {
		client_drop(c, "out of memory");
		return;
	}
	len = strlen(c->answer);
	n = send(c->fd, c->answer + c->at, len - c->at, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		client_drop(c, NULL);
		return;
	}
	loop_timer_set(c->stall, STALL_MS);
	c->at += (size_t)n;
	if (c->at == len)
		answer_written(c);
}

static void client_error(struct client *c, const char *why)
{
	c->ended = true;
	if (!answer_add(c, report_error(why)) || !client_turn(c, true))
		client_drop(c, "out of memory");
}

/* Act on the first line that was read, if there is a whole one. */
static void client_request(struct client *c)
{
	char *nl = memchr(c->line, '\n', c->len);
	size_t len = nl ? (size_t)(nl - c->line) : 0;
	char why[128];
	int rc;

	if (!nl) {
		if (c->len == sizeof(c->line))
			client_drop(c, "its request is too long");
		return;
	}
	rc = request_parse(c->line, len, &c->rq, why, sizeof(why));
	if (rc || c->rq.cmd != CTL_CAPTURE)
		client_close_fds(c);
	c->len -= len + 1;
	memmove(c->line, nl + 1, c->len);
	c->last = ++c->control->heard;
	c->cursor = 0;
	c->ended = false;
	if (rc)
		client_error(c, why);
	else if (!client_turn(c, true))
		client_drop(c, "out of memory");
}

/* As recv(); descriptors that come, too, are kept, the last ones. */
static ssize_t client_recv(struct client *c)
{
	struct iovec iov = { c->line + c->len, sizeof(c->line) - c->len };
	char control[CMSG_SPACE(sizeof(int) * CTL_FDS)]
		__attribute__((aligned(__alignof__(struct cmsghdr))));
	struct msghdr mh = { .msg_iov = &iov,
		             .msg_iovlen = 1,
		             .msg_control = control,
		             .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(c->fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *cm = n < 0 ? NULL : CMSG_FIRSTHDR(&mh);

	if (!cm || cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
		return n;
	/* They are of this request alone. */
	client_close_fds(c);
	c->nfds = (unsigned int)((cm->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(c->fds, CMSG_DATA(cm), c->nfds * sizeof(int));
	return n;
}

static void on_readable(void *arg)
{
	struct client *c = arg;
	ssize_t n = client_recv(c);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_drop(c, NULL);
		return;
	}
	c->len += (size_t)n;
	client_request(c);
}

static bool client_turn(struct client *c, bool busy)
{
	struct loop *l = c->control->super->loop;

	loop_del(&c->in);
	loop_del(&c->out);
	if (!busy)
		return loop_add_fd(l, c->fd, on_readable, c, &c->in) == 0;
	loop_timer_set(c->stall, STALL_MS);
	return loop_add_writable(l, c->fd, on_writable, c, &c->out) == 0;
}

/* ---- The socket ------------------------------------------------------------------- */

static bool may_connect(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
	       (cred.uid == 0 || cred.uid == geteuid());
}

/* Room for one more: whoever was heard of least recently goes. */
static void make_room(struct control *ctl)
{
	struct client *c, *oldest = NULL;

	if (ctl->n < CLIENTS_MAX)
		return;
	LIST_FOREACH (c, &ctl->clients, link)
		if (!oldest || c->last < oldest->last)
			oldest = c;
	if (oldest)
		client_drop(oldest, "there are too many");
}

static int client_new(struct control *ctl, int *fd)
{
	struct client *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return -ENOMEM;
	rc = loop_add_timer(ctl->super->loop, on_stall, c, &c->stall);
	if (rc) {
		free(c);
		return rc;
	}
	make_room(ctl);
	c->control = ctl;
	c->fd = take_fd(fd);
	c->last = ++ctl->heard;
	LIST_INSERT_HEAD(&ctl->clients, c, link);
	ctl->n++;
	if (!client_turn(c, false))
		client_drop(c, "out of memory");
	return 0;
}

static void on_connection(void *arg)
{
	struct control *ctl = arg;
	autoclose int fd = accept4(ctl->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0 && may_connect(fd)) {
		if (client_new(ctl, &fd))
			log_warn(NULL, "no memory for a client of the control socket");
		return;
	}
	if (fd >= 0) {
		if (log_allowed(&ctl->limit, CLIENT_LINES, "control socket"))
			log_warn(NULL, "a client of the control socket is dropped: it is "
			               "not root's");
		return;
	}
	if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
		return;
	/* It would be tried again at once, for ever. */
	log_warn(NULL, "control socket: %m");
	loop_del(&ctl->src);
	loop_timer_set(ctl->retry, RETRY_MS);
}

static void on_retry(void *arg)
{
	struct control *ctl = arg;

	if (loop_add_fd(ctl->super->loop, ctl->fd, on_connection, ctl, &ctl->src))
		loop_timer_set(ctl->retry, RETRY_MS);
}

static int control_bind(struct control *ctl)
{
	mode_t old;
	int rc;

	ctl->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (ctl->fd < 0)
		return -errno;
	if (unlink(ctl->addr.sun_path) < 0 && errno != ENOENT)
		return -errno;
	old = umask(0177);
	rc = bind(ctl->fd, (const struct sockaddr *)&ctl->addr, sizeof(ctl->addr)) < 0
	             ? -errno
	             : 0;
	umask(old);
	return rc || listen(ctl->fd, (int)CLIENTS_MAX) == 0 ? rc : -errno;
}

int control_open(struct super *s, const char *run_dir, struct control **out)
{
	struct control *ctl = calloc(1, sizeof(*ctl));
	int n, rc = -ENAMETOOLONG;

	if (!ctl)
		return -ENOMEM;
	ctl->super = s;
	ctl->fd = -1;
	LIST_INIT(&ctl->clients);
	ctl->addr.sun_family = AF_UNIX;
	n = snprintf(ctl->addr.sun_path, sizeof(ctl->addr.sun_path), "%s/control.sock",
	             run_dir);
	if (n < (int)sizeof(ctl->addr.sun_path))
		rc = control_bind(ctl);
	rc = rc ? rc : loop_add_timer(s->loop, on_retry, ctl, &ctl->retry);
	rc = rc ? rc : loop_add_fd(s->loop, ctl->fd, on_connection, ctl, &ctl->src);
	if (rc) {
		log_err(NULL, "control socket %s/control.sock: %s", run_dir,
		        strerror(-rc));
		control_close(ctl);
		return rc;
	}
	*out = ctl;
	return 0;
}

void control_close(struct control *ctl)
{
	struct client *c;

	if (!ctl)
		return;
	while ((c = LIST_FIRST(&ctl->clients)))
		client_drop(c, NULL);
	loop_del(&ctl->src);
	loop_del(&ctl->retry);
	if (ctl->fd >= 0) {
		unlink(ctl->addr.sun_path);
		close(ctl->fd);
	}
	free(ctl);
}
