/* SPDX-License-Identifier: MIT */
/*
 * The driving side of a contract-agent.
 *
 * A request is the node .../data/contract/NAME/req = "SEQ VERB ARG...", its answer the
 * node rep beside it = "SEQ RESULT VALUE...". XenStore is all that two domains need to
 * have in common, so that the tests run the same between real ones.
 */
#include "peer.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <xenstore.h>

#define AGENT "contract-agent"

enum {
	ANSWER_MS = 30000
};

static void peer_path(const struct peer *p, const char *leaf, char *path, size_t size)
{
	snprintf(path, size, "/local/domain/%u/data/contract/%s/%s", p->domid, p->name,
	         leaf);
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Read an answer to @p->seq; false if it is not there yet. */
static bool answer_read(struct peer *p, long *result)
{
	char path[128], *text, *s, *end;
	unsigned int len;
	bool mine;

	peer_path(p, "rep", path, sizeof(path));
	text = xs_read(p->xs, XBT_NULL, path, &len);
	if (!text)
		return false;
	mine = strtoul(text, &s, 10) == p->seq;
	if (mine) {
		*result = strtol(s, &s, 10);
		snprintf(p->text, sizeof(p->text), "%s", *s == ' ' ? s + 1 : s);
		p->nvalue = 0;
		while (p->nvalue < PEER_VALUES) {
			p->value[p->nvalue] = strtoull(s, &end, 10);
			if (end == s)
				break;
			p->nvalue++;
			s = end;
		}
	}
	free(text);
	return mine;
}

/* Wait until @ready says so; false if it does not in time. */
static bool wait_until(struct peer *p, bool (*ready)(struct peer *p, long *result),
                       long *result)
{
	struct pollfd pfd = { .fd = xs_fileno(p->xs), .events = POLLIN };
	long left, until = now_ms() + ANSWER_MS;
	char **event;

	for (;;) {
		while ((event = xs_check_watch(p->xs)))
			free(event);
		if (ready(p, result))
			return true;
		left = until - now_ms();
		if (left <= 0)
			return false;
		poll(&pfd, 1, (int)left);
	}
}

long peer_finish(struct peer *p)
{
	long result;

	return wait_until(p, answer_read, &result) ? result : -ETIMEDOUT;
}

static void request_send(struct peer *p, const char *fmt, va_list args)
	__attribute__((format(printf, 2, 0)));

static void request_send(struct peer *p, const char *fmt, va_list args)
{
	char path[128], text[PEER_TEXT];
	int n;

	n = snprintf(text, sizeof(text), "%u ", ++p->seq);
	n += vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, args);
	peer_path(p, "req", path, sizeof(path));
	if (!xs_write(p->xs, XBT_NULL, path, text, (unsigned int)n))
		perror(path);
}

void peer_start(struct peer *p, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	request_send(p, fmt, args);
	va_end(args);
}

long peer_call(struct peer *p, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	request_send(p, fmt, args);
	va_end(args);
	return peer_finish(p);
}

/* Attach to the agent @name, whether it runs already or is about to. */
static struct peer *peer_new(uint32_t domid, const char *name)
{
	struct peer *p = calloc(1, sizeof(*p));
	char path[128];

	if (!p)
		return NULL;
	p->domid = domid;
	snprintf(p->name, sizeof(p->name), "%s", name);
	p->xs = xs_open(0);
	peer_path(p, "rep", path, sizeof(path));
	if (p->xs && xs_watch(p->xs, path, "rep"))
		return p;
	xs_close(p->xs);
	free(p);
	return NULL;
}

void peer_detach(struct peer *p)
{
	xs_close(p->xs);
	free(p);
}

/* It has greeted. Requests of several programs follow one another: continue the numbers.
 */
static bool is_there(struct peer *p, long *last)
{
	char path[128], *text;
	unsigned int len;

	peer_path(p, "rep", path, sizeof(path));
	text = xs_read(p->xs, XBT_NULL, path, &len);
	*last = text ? strtol(text, NULL, 10) : -1;
	free(text);
	return *last >= 0;
}

struct peer *peer_attach(uint32_t domid, const char *name)
{
	struct peer *p = peer_new(domid, name);
	long last;

	if (!p)
		return NULL;
	if (!wait_until(p, is_there, &last)) {
		peer_detach(p);
		errno = ETIMEDOUT;
		return NULL;
	}
	p->seq = (uint32_t)last;
	return p;
}

static void nodes_remove(struct peer *p)
{
	char path[128];

	snprintf(path, sizeof(path), "/local/domain/%u/data/contract/%s", p->domid,
	         p->name);
	xs_rm(p->xs, XBT_NULL, path);
}

static int child_start(struct peer *p, int fd)
{
	char self[PATH_MAX], agent[PATH_MAX + sizeof(AGENT)], base[64], fdarg[16];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return -errno;
	self[n] = '\0';
	snprintf(agent, sizeof(agent), "%s/" AGENT,
	         dirname(self)); /* beside this program */
	snprintf(base, sizeof(base), "data/contract/%s", p->name);
	snprintf(fdarg, sizeof(fdarg), "%d", fd);
	p->pid = fork();
	if (p->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(agent, AGENT, base, fdarg, (char *)NULL);
		perror(agent);
		_exit(127);
	}
	return p->pid < 0 ? -errno : 0;
}

static int guest_start(struct peer *p)
{
	struct peer *m = peer_attach(p->domid, "main");
	long rc;

	if (!m)
		return -errno;
	rc = peer_call(m, "proc.spawn %s", p->name);
	peer_detach(m);
	return (int)rc;
}

struct peer *peer_spawn(uint32_t domid, const char *name, int fd)
{
	struct peer *p = peer_new(domid, name);
	long rc;

	if (!p)
		return NULL;
	nodes_remove(p);
	rc = domid == 0 ? child_start(p, fd) : guest_start(p);
	if (rc >= 0)
		rc = peer_finish(p); /* its greeting carries number 0 */
	if (rc < 0) {
		peer_kill(p);
		errno = (int)-rc;
		return NULL;
	}
	return p;
}

void peer_kill(struct peer *p)
{
	struct peer *m;

	if (!p)
		return;
	if (p->pid > 0) {
		kill(p->pid, SIGKILL);
		waitpid(p->pid, NULL, 0);
	} else if ((m = peer_attach(p->domid, "main"))) {
		peer_call(m, "proc.kill %s", p->name);
		peer_detach(m);
	}
	nodes_remove(p);
	peer_detach(p);
}
