/* SPDX-License-Identifier: MIT */
/*
 * contract-agent BASE [FD] - do to Xen what the nodes BASE/req ask for, one request after
 * the other, and write the outcome to BASE/rep.
 *
 * BASE is relative to the domain's own directory: data/contract/NAME. The agent called
 * "main" is started by hand or by a script; the others by it or by the tests.
 */
#include "agent.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xenctrl.h>
#include <xenstore.h>

enum {
	CHILDREN = 16
};

static struct {
	char name[32];
	pid_t pid;
} children[CHILDREN];

unsigned long call_num(const struct call *c, int i)
{
	return strtoul(c->argv[i], NULL, 0);
}

void call_add(struct call *c, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(c->text + c->len, sizeof(c->text) - c->len, fmt, args);
	va_end(args);
	if (n > 0 && (size_t)n < sizeof(c->text) - c->len)
		c->len += (size_t)n;
}

static long proc_spawn(struct call *c)
{
	char base[64];
	int i;

	for (i = 0; i < CHILDREN && children[i].pid; i++)
		;
	if (i == CHILDREN)
		return -EAGAIN;
	snprintf(base, sizeof(base), "data/contract/%s", c->argv[0]);
	children[i].pid = fork();
	if (children[i].pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl("/proc/self/exe", "contract-agent", base, "-1", (char *)NULL);
		_exit(127);
	}
	snprintf(children[i].name, sizeof(children[i].name), "%s", c->argv[0]);
	return children[i].pid;
}

static long proc_kill(struct call *c)
{
	for (int i = 0; i < CHILDREN; i++) {
		if (!children[i].pid || strcmp(children[i].name, c->argv[0]) != 0)
			continue;
		kill(children[i].pid, SIGKILL);
		waitpid(children[i].pid, NULL, 0);
		children[i].pid = 0;
		return 0;
	}
	return -ESRCH;
}

/* xc.getinfo DOMID: what the hypervisor tells this domain about another. */
static long xc_getinfo(struct call *c)
{
	xc_interface *xch = xc_interface_open(NULL, NULL, 0);
	xc_dominfo_t info;
	long rc;

	if (!xch)
		return -errno;
	rc = xc_domain_getinfo(xch, (uint32_t)call_num(c, 0), 1, &info);
	if (rc < 0)
		rc = -errno;
	xc_interface_close(xch);
	return rc;
}

const struct verb verbs_process[] = {
	{ "proc.spawn", 1, proc_spawn },
	{ "proc.kill", 1, proc_kill },
	{ "xc.getinfo", 1, xc_getinfo },
	{ NULL, 0, NULL },
};

static const struct verb *const tables[] = { verbs_event, verbs_grant, verbs_store,
	                                     verbs_process };

static const struct verb *verb_find(const char *name)
{
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		for (const struct verb *v = tables[t]; v->name; v++) {
			if (!strcmp(v->name, name))
				return v;
		}
	}
	return NULL;
}

/* Serve one request, "SEQ VERB ARG...", which is taken apart in place. */
static void serve(struct xs_handle *xs, char *req, int fd, const char *reply_path)
{
	static char last[16];
	struct call c = { .fd = fd };
	const struct verb *v;
	char *save, *seq = strtok_r(req, " ", &save), *verb = strtok_r(NULL, " ", &save);
	char out[AGENT_REPLY + 64];
	long rc = -ENOSYS;
	int n;

	if (!seq || !verb || !strcmp(last, seq)) /* an event may come twice */
		return;
	snprintf(last, sizeof(last), "%s", seq);
	while (c.argc < AGENT_ARGS && (c.argv[c.argc] = strtok_r(NULL, " ", &save)))
		c.argc++;
	v = verb_find(verb);
	if (v)
		rc = c.argc < v->args ? -EINVAL : v->run(&c);
	n = snprintf(out, sizeof(out), "%s %ld%s", last, rc, c.text);
	if (!xs_write(xs, XBT_NULL, reply_path, out, (unsigned int)n))
		perror(reply_path);
}

int main(int argc, char **argv)
{
	struct xs_handle *xs = xs_open(0);
	char req_path[128], rep_path[128], **event, *req;
	unsigned int n;

	if (argc < 2) {
		fprintf(stderr, "usage: contract-agent data/contract/NAME [FD]\n");
		return 2;
	}
	if (!xs) {
		perror("contract-agent: xs_open");
		return 1;
	}
	snprintf(req_path, sizeof(req_path), "%s/req", argv[1]);
	snprintf(rep_path, sizeof(rep_path), "%s/rep", argv[1]);
	xs_rm(xs, XBT_NULL, req_path);
	if (!xs_watch(xs, req_path, "req") ||
	    !xs_write(xs, XBT_NULL, rep_path, "0 0", 3)) {
		perror(argv[1]);
		return 1;
	}
	while ((event = xs_read_watch(xs, &n))) {
		free(event);
		req = xs_read(xs, XBT_NULL, req_path, &n);
		if (req)
			serve(xs, req, argc > 2 ? atoi(argv[2]) : -1, rep_path);
		free(req);
	}
	perror("contract-agent: xs_read_watch");
	return 1;
}
