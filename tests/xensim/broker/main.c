/* SPDX-License-Identifier: MIT */
/*
 * xensimd: the hypervisor of one simulated host.
 *
 * Two processes. The first waits for the second, which is the broker; when the broker
 * dies the host has crashed, and the first kills all that ran on it: nobody is left
 * waiting for an event that cannot come.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker.h"
#include "procs.h"
#include "store.h"

#define TICK_MIN_MS 1u
#define TICK_MAX_MS 50u

static int epfd = -1, tickfd = -1;
static unsigned int tick_ms;
static struct source *graveyard;

int source_add(struct source *source, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = source };

	return epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

/* Others may have the same open file, and it would stay in the set until they close it.
 */
void source_close(int fd)
{
	epoll_ctl(epfd, EPOLL_CTL_DEL, fd, NULL);
	close(fd);
}

void source_free(struct source *source)
{
	source->fn = NULL;
	source->next = graveyard;
	graveyard = source;
}

static void graveyard_clear(void)
{
	while (graveyard) {
		struct source *source = graveyard;

		graveyard = source->next;
		source->free(source);
	}
}

static void tick_arm(unsigned int ms)
{
	const struct itimerspec when = { .it_value.tv_nsec = (long)ms * 1000000 };

	tick_ms = ms;
	timerfd_settime(tickfd, 0, &when, NULL);
}

void loop_soon(void)
{
	if (tick_ms != TICK_MIN_MS)
		tick_arm(TICK_MIN_MS);
}

/* What cannot be done at once is tried again, less and less often. */
static void tick(struct source *source, uint32_t events)
{
	unsigned int next = tick_ms * 2 < TICK_MAX_MS ? tick_ms * 2 : TICK_MAX_MS;
	uint64_t n;
	bool more;

	(void)source;
	(void)events;
	if (read(tickfd, &n, sizeof(n)) < 0)
		return;
	tick_ms = 0;
	more = track_tick();
	more |= mem_tick();
	more |= reap_tick();
	if (more && !tick_ms)
		tick_arm(next);
}

static int loop_init(void)
{
	static struct source tick_source = { .fn = tick };

	epfd = epoll_create1(EPOLL_CLOEXEC);
	tickfd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (epfd < 0 || tickfd < 0)
		return -errno;
	return source_add(&tick_source, tickfd, EPOLLIN);
}

static void loop_run(void)
{
	struct epoll_event events[64];

	for (;;) {
		int n = epoll_wait(epfd, events, 64, -1);

		for (int i = 0; i < n; i++) {
			struct source *source = events[i].data.ptr;

			if (source->fn)
				source->fn(source, events[i].events);
			mem_flush();
		}
		graveyard_clear();
	}
}

/* Domain 0 with its XenStore ring: the first page, the first port, nobody on its side. */
static int dom0_create(void)
{
	struct domain *dom0;
	int err = domain_create(0, DOM0_PAGES, "Domain-0", &dom0);
	uint32_t frame;

	if (!err)
		err = mem_alloc(dom0, 1, &frame);
	if (!err)
		err = port_alloc(dom0, NULL, port_pack(PORT_UNBOUND, 0, 0));
	return err < 0 ? err : 0;
}

static void raise_nofile(void)
{
	struct rlimit lim;

	if (!getrlimit(RLIMIT_NOFILE, &lim)) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
}

static int broker_run(const char *dir, int ready)
{
	int err;

	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_NAME, "xensimd");
	raise_nofile();
	err = loop_init();
	if (!err)
		err = host_init(dir);
	if (!err)
		err = dom0_create();
	if (!err)
		err = client_listen(dir);
	if (err < 0) {
		fprintf(stderr, "xensimd: %s: %s\n", dir, strerror(-err));
		return 1;
	}
	if (write(ready, "", 1) != 1)
		return 1;
	close(ready);
	loop_run();
	return 0;
}

static int crashed(const char *dir, int status)
{
	char tag[64];

	fprintf(stderr,
	        "xensimd: %s: the broker died (status 0x%x): the host has crashed\n", dir,
	        (unsigned int)status);
	if (!procs_read_tag(dir, tag, sizeof(tag)))
		procs_kill_tag(tag, SIGKILL, PROCS_NOT_SELF);
	return 1;
}

static int watch(const char *dir, pid_t broker)
{
	int status;

	prctl(PR_SET_NAME, "xensimd-watch");
	while (waitpid(broker, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : crashed(dir, status);
}

int main(int argc, char **argv)
{
	pid_t broker;

	if (argc != 2 || argv[1][0] != '/') {
		fprintf(stderr,
		        "usage: xensimd DIR\n"
		        "Started by `xensim up`; says so on stdout when it is ready.\n");
		return 2;
	}
	broker = fork();
	if (broker < 0) {
		perror("xensimd: fork");
		return 1;
	}
	if (!broker)
		return broker_run(argv[1], STDOUT_FILENO);
	close(STDOUT_FILENO);
	return watch(argv[1], broker);
}
