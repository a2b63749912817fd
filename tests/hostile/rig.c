/* SPDX-License-Identifier: MIT */
#include "rig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

uint64_t now_ms(void)
{
	return clock_ns() / 1000000;
}

/* The simulator looks at the environment when a handle is opened. */
void as_guest(uint32_t domid, void (*fn)(void *arg), void *arg)
{
	char n[16];

	snprintf(n, sizeof(n), "%u", domid);
	setenv("XENSIM_DOMID", n, 1);
	fn(arg);
	setenv("XENSIM_DOMID", "0", 1);
}

static void worker_exec(const struct worker *w, int sock)
{
	const char *build = getenv("BUILD");
	char path[PATH_MAX], domid[16];

	snprintf(path, sizeof(path), "%s/pvbackd-worker", build ? build : "build");
	snprintf(domid, sizeof(domid), "%u", w->domid);
	dup2(w->log, STDERR_FILENO);
	dup2(sock, MSG_WORKER_FD);
	execl(path, "pvbackd-worker", "--domid", domid, "--log-level", "debug", NULL);
	dprintf(STDERR_FILENO, "%s: %m\n", path);
	_exit(127);
}

static void open_shr(void *arg)
{
	struct worker *w = arg;

	w->shr = xengntshr_open(NULL, 0);
	assert_non_null(w->shr);
}

void worker_start(struct worker *w, uint32_t domid, void (*before)(void))
{
	int sv[2];

	memset(w, 0, sizeof(*w));
	w->domid = domid;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	/* Above 3, which the child's is to be. */
	w->sock = fcntl(sv[0], F_DUPFD_CLOEXEC, 10);
	close(sv[0]);
	w->log = memfd_create("stderr", MFD_CLOEXEC);
	as_guest(domid, open_shr, w);
	w->pid = fork();
	assert_true(w->pid >= 0);
	if (!w->pid) {
		if (before)
			before();
		worker_exec(w, sv[1]);
	}
	close(sv[1]);
}

void worker_up(struct worker *w)
{
	struct msg m;

	worker_start(w, RIG_GUEST, NULL);
	worker_recv(w, MSG_HELLO, &m);
	assert_int_equal(m.u.hello.version, MSG_VERSION);
	assert_int_equal(m.u.hello.domid, RIG_GUEST);
}

bool worker_alive(struct worker *w)
{
	return waitpid(w->pid, NULL, WNOHANG) == 0;
}

void worker_wait(struct worker *w, int status)
{
	uint64_t end = now_ms() + RIG_WAIT_MS;
	int is = -1;

	while (waitpid(w->pid, &is, WNOHANG) == 0 && now_ms() < end)
		poll(NULL, 0, 1);
	if (is != status) {
		char *log = worker_log(w);

		kill(w->pid, SIGKILL);
		fail_msg("worker: wait status %#x, log:\n%s", (unsigned int)is, log);
	}
	w->pid = 0;
}

void worker_exits(struct worker *w)
{
	close(w->sock);
	worker_wait(w, 0);
}

void worker_down(struct worker *w)
{
	if (w->pid)
		worker_exits(w);
	xengntshr_close(w->shr);
	close(w->log);
}

char *worker_log(struct worker *w)
{
	off_t size = lseek(w->log, 0, SEEK_END);
	char *text = calloc(1, (size_t)size + 1);

	if (pread(w->log, text, (size_t)size, 0) != size)
		fail_msg("cannot read the log");
	return text;
}

uint64_t worker_served(struct worker *w, const char *name)
{
	char key[64], *text = worker_log(w), *line = NULL, *p;
	uint64_t v = 0;

	for (p = text; (p = strstr(p, ": served ")); p++)
		line = p;
	snprintf(key, sizeof(key), " %s=", name);
	p = line ? strstr(line, key) : NULL;
	if (p)
		v = strtoull(p + strlen(key), NULL, 10);
	else
		fail_msg("nothing was served, or without %s:\n%s", name, text);
	free(text);
	return v;
}

/* The simulator's library has its own from here on, and opens them by chance. */
#define SIM_FDS 100

unsigned int worker_count(struct worker *w, const char *dir)
{
	char path[64];
	unsigned int n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)w->pid, dir);
	d = opendir(path);
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.' &&
		     (strcmp(dir, "fd") != 0 || strtoul(e->d_name, NULL, 10) < SIM_FDS);
	closedir(d);
	return n;
}

void worker_fds_back(struct worker *w, unsigned int fds)
{
	uint64_t end = now_ms() + RIG_WAIT_MS;

	while (worker_count(w, "fd") > fds && now_ms() < end)
		poll(NULL, 0, 1);
	assert_in_range(worker_count(w, "fd"), 0, fds);
}

unsigned int worker_holds(struct worker *w)
{
	char cmd[160];
	unsigned int n = 0;
	FILE *f;

	snprintf(
		cmd, sizeof(cmd),
		"xensim status --json | jq '[.domains[].handles[] | select(.pid == %d) | "
		".pages + .ports] | add'",
		(int)w->pid);
	f = popen(cmd, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%u", &n), 1);
	pclose(f);
	return n;
}

uint64_t worker_cpu_us(struct worker *w)
{
	struct timespec ts;
	clockid_t clock;

	assert_int_equal(clock_getcpuclockid(w->pid, &clock), 0);
	assert_int_equal(clock_gettime(clock, &ts), 0);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

bool worker_silent(struct worker *w)
{
	struct pollfd p = { .fd = w->sock, .events = POLLIN };

	return poll(&p, 1, 0) == 0;
}

void worker_recv(struct worker *w, enum msg_type type, struct msg *m)
{
	struct pollfd p = { .fd = w->sock, .events = POLLIN };
	char *log;
	int rc;

	if (poll(&p, 1, RIG_WAIT_MS) != 1) {
		log = worker_log(w);
		fail_msg("no %s from the worker; its log:\n%s", msg_name(type), log);
	}
	rc = msg_recv(w->sock, MSG_WORKER, m);
	if (rc != 1 || m->type != type) {
		log = worker_log(w);
		fail_msg("%s instead of %s; log:\n%s",
		         rc == 1 ? msg_name(m->type) : "end of file", msg_name(type),
		         log);
	}
}

int worker_connected(struct worker *w, uint32_t handle, const char **text)
{
	static struct msg m;

	worker_recv(w, MSG_CONNECTED, &m);
	assert_int_equal(m.dev, handle);
	if (text)
		*text = m.u.result.text;
	return m.u.result.err;
}

void worker_disconnect(struct worker *w, uint32_t handle)
{
	struct msg m;

	assert_int_equal(msg_send(w->sock, MSG_SUPER, MSG_DISCONNECT, handle, NULL, NULL,
	                          0, NULL, 0),
	                 0);
	worker_recv(w, MSG_DISCONNECTED, &m);
	assert_int_equal(m.dev, handle);
}

int worker_setup(void **state)
{
	worker_up(*state);
	return 0;
}

int worker_teardown(void **state)
{
	worker_down(*state);
	return 0;
}

static void open_evtchn(void *arg)
{
	xenevtchn_handle **xce = arg;

	*xce = xenevtchn_open(NULL, 0);
	assert_non_null(*xce);
}

evtchn_port_t guest_port(const struct worker *w, xenevtchn_handle **xce)
{
	xenevtchn_port_or_error_t port;

	as_guest(w->domid, open_evtchn, xce);
	port = xenevtchn_bind_unbound_port(*xce, 0);
	assert_true(port > 0);
	return (evtchn_port_t)port;
}
