/* SPDX-License-Identifier: MIT */
/*
 * xensim-guest: creates a domain, is its kernel, and runs one program in it.
 *
 * The domain lives as long as this process holds its lifeline. It dies with the program,
 * unless it is to be kept; and when somebody else destroys it, the broker closes the
 * lifeline.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "env.h"
#include "guest.h"
#include "procs.h"
#include "rpc.h"
#include "shm.h"
#include "store.h"

#include <xen/hvm/params.h>

static struct {
	struct guest guest;
	bool detach, keep, use_console;
	char **argv;
	int sock, life, sigfd, ready;
	struct ring ring;
	struct console console;
	struct mux *mux;
	pid_t child;
	int status;
	char socket[128];
} k = { .life = -1, .ready = -1 };

void guest_die(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "xensim: guest %u: ", k.guest.domid);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	if (k.socket[0])
		unlink(k.socket);
	exit(EXIT_XENSIM);
}

/* ---- The domain ---- */

static int ask(struct rpc *rpc)
{
	return rpc_call(k.sock, rpc);
}

static void host_connect(void)
{
	int fd = -1, err;
	struct rpc rpc = { .req = { .op = OP_HELLO,
		                    .hello = { .version = WIRE_VERSION } },
		           .fds = &fd,
		           .fds_max = 1 };

	k.sock = rpc_connect(rpc_dir());
	if (k.sock < 0)
		guest_die("%s: no host is up there (%s)", rpc_dir(), strerror(-k.sock));
	procs_my_tag(&rpc.req.domid, &rpc.req.hello.gen);
	strcpy(rpc.req.text, "xensim-guest");
	err = ask(&rpc);
	if (err < 0)
		guest_die("the broker refuses: %s", strerror(-err));
	close(fd);
}

static void domain_info(struct wire_domain *info)
{
	struct rpc rpc = { .req = { .op = OP_INFO, .domid = k.guest.domid, .count = 1 },
		           .in = (uint32_t *)info,
		           .in_max = sizeof(*info) / sizeof(uint32_t) };

	if (ask(&rpc) < 0 || !rpc.rep.value)
		memset(info, 0, sizeof(*info));
}

static void domain_create(void)
{
	struct rpc rpc = { .req = { .op = OP_CREATE,
		                    .domid = k.guest.domid,
		                    .count = k.guest.pages },
		           .fds = &k.life,
		           .fds_max = 1 };
	struct wire_domain info;
	int err;

	snprintf(rpc.req.text, WIRE_NAME, "%s", k.guest.name);
	err = ask(&rpc);
	if (err == -EEXIST)
		guest_die("a domain of that number exists already");
	if (err < 0)
		guest_die("cannot create the domain: %s", strerror(-err));
	k.guest.gen = (uint32_t)rpc.rep.value2;
	domain_info(&info);
	memcpy(k.guest.uuid, info.uuid, sizeof(k.guest.uuid));
}

static void param_set(uint32_t index, uint64_t value)
{
	struct rpc rpc = { .req = { .op = OP_PARAM, .domid = k.guest.domid } };

	rpc.req.param.index = index;
	rpc.req.param.value = value;
	rpc.req.param.set = 1;
	ask(&rpc);
}

static void *map_frame(uint32_t frame)
{
	int fd = -1;
	struct rpc rpc = { .req = { .op = OP_DOMAIN_FD, .domid = k.guest.domid },
		           .fds = &fd,
		           .fds_max = 1 };
	void *page;
	int err = ask(&rpc);

	if (err < 0)
		guest_die("no memory: %s", strerror(-err));
	page = mmap(NULL, SIM_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	            (off_t)frame << SIM_PAGE_SHIFT);
	close(fd);
	if (page == MAP_FAILED)
		guest_die("cannot map a page: %s", strerror(errno));
	return page;
}

/* The handle is the guest's, though this process stays one of domain 0. */
static xenevtchn_handle *guest_evtchn(void)
{
	char domid[16];
	xenevtchn_handle *xce;

	snprintf(domid, sizeof(domid), "%u", k.guest.domid);
	setenv("XENSIM_DOMID", domid, 1);
	xce = xenevtchn_open(NULL, 0);
	setenv("XENSIM_DOMID", "0", 1);
	if (!xce)
		guest_die("cannot open event channels: %s", strerror(errno));
	return xce;
}

static evtchn_port_t guest_port(xenevtchn_handle *xce)
{
	int port = xenevtchn_bind_unbound_port(xce, 0);

	if (port < 0)
		guest_die("cannot get a port: %s", strerror(errno));
	return (evtchn_port_t)port;
}

static void rings_init(void)
{
	xenevtchn_handle *xce = guest_evtchn();

	k.ring.xce = k.console.xce = xce;
	k.ring.port = k.guest.store_port = guest_port(xce);
	k.console.port = k.guest.console_port = guest_port(xce);
	param_set(HVM_PARAM_STORE_EVTCHN, k.guest.store_port);
	param_set(HVM_PARAM_CONSOLE_EVTCHN, k.guest.console_port);
	k.ring.page = map_frame(GUEST_STORE_FRAME);
	if (k.use_console) {
		k.console.page = map_frame(GUEST_CONSOLE_FRAME);
		console_init(&k.console);
	}
}

/*
 * Destroy it, and wait a little: before, for a console daemon to read the last words, and
 * after, for others to let go of its pages, so that the number is free.
 */
static void domain_end(void)
{
	struct rpc rpc = { .req = { .op = OP_SHUTDOWN, .domid = k.guest.domid } };
	const struct timespec pause = { .tv_nsec = 2000000 };
	struct wire_domain info;

	for (int i = 0; i < 500 && console_move(&k.console); i++)
		nanosleep(&pause, NULL);
	ask(&rpc);
	rpc = (struct rpc){ .req = { .op = OP_DESTROY, .domid = k.guest.domid } };
	ask(&rpc);
	for (int i = 0; i < 500; i++) {
		domain_info(&info);
		if (info.gen != k.guest.gen)
			break;
		nanosleep(&pause, NULL);
	}
	toolstack_forget(&k.guest);
}

/* ---- The program ---- */

static void signals_init(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	k.sigfd = signalfd(-1, &set, SFD_CLOEXEC);
	if (k.sigfd < 0)
		guest_die("signalfd: %s", strerror(errno));
}

static void program_start(void)
{
	pid_t parent = getpid();
	sigset_t none;

	k.child = fork();
	if (k.child < 0)
		guest_die("fork: %s", strerror(errno));
	if (k.child) {
		if (k.use_console)
			console_started(&k.console);
		return;
	}
	if (k.use_console)
		console_program(&k.console);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_XENSIM);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	env_guest(k.guest.domid, k.guest.gen);
	env_exec(k.argv);
}

/* Return: true if the program has ended */
static bool on_signal(void)
{
	struct signalfd_siginfo info;
	pid_t pid;
	int status;

	if (read(k.sigfd, &info, sizeof(info)) != sizeof(info))
		return false;
	if (info.ssi_signo != SIGCHLD) {
		k.keep = false;
		if (k.child)
			kill(k.child, (int)info.ssi_signo);
		return !k.child;
	}
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == k.child) {
			k.status = WIFEXITED(status) ? WEXITSTATUS(status)
			                             : 128 + WTERMSIG(status);
			k.child = 0;
		}
	}
	return !k.child;
}

/* ---- The kernel ---- */

enum {
	FD_LIFE,
	FD_SIGNAL,
	FD_EVENT,
	FD_CONSOLE,
	FD_MUX
};

static void on_event(void)
{
	int port = xenevtchn_pending(k.ring.xce);

	if (port < 0)
		guest_die("the host is gone");
	xenevtchn_unmask(k.ring.xce, (evtchn_port_t)port);
}

/* Return: true if the domain was destroyed by somebody else */
static bool serve(void)
{
	for (;;) {
		size_t n = FD_MUX + mux_nfds(k.mux);
		struct pollfd *fds = calloc(n, sizeof(*fds));

		if (!fds)
			guest_die("out of memory");
		fds[FD_LIFE] = (struct pollfd){ .fd = k.life, .events = POLLIN };
		fds[FD_SIGNAL] = (struct pollfd){ .fd = k.sigfd, .events = POLLIN };
		fds[FD_EVENT] = (struct pollfd){ .fd = xenevtchn_fd(k.ring.xce),
			                         .events = POLLIN };
		console_fd(&k.console, &fds[FD_CONSOLE]);
		mux_fds(k.mux, fds + FD_MUX);
		if (poll(fds, n, -1) < 0 && errno != EINTR)
			guest_die("poll: %s", strerror(errno));
		if (fds[FD_LIFE].revents) {
			free(fds);
			return true;
		}
		if (fds[FD_SIGNAL].revents && on_signal() && !k.keep) {
			free(fds);
			return false;
		}
		if (fds[FD_EVENT].revents)
			on_event();
		mux_ready(k.mux, fds + FD_MUX, n - FD_MUX);
		ring_move(&k.ring);
		mux_answers(k.mux);
		ring_move(&k.ring);
		console_move(&k.console);
		free(fds);
	}
}

static int guest_run(void)
{
	bool destroyed;

	host_connect();
	signals_init();
	domain_create();
	rings_init();
	env_guest_socket(k.socket, sizeof(k.socket), k.guest.domid);
	k.mux = mux_new(&k.ring, k.socket);
	toolstack_introduce(&k.guest);
	program_start();
	if (k.ready >= 0 && write(k.ready, "", 1) == 1)
		close(k.ready);
	destroyed = serve();
	unlink(k.socket);
	domain_end();
	if (destroyed && !k.status) {
		fprintf(stderr, "xensim: guest %u: destroyed\n", k.guest.domid);
		return 128 + SIGKILL;
	}
	return k.status;
}

/* The caller gets its answer when the guest is introduced; the guest stays behind. */
static int detach(void)
{
	int fds[2], status;
	pid_t pid;
	char c;

	if (pipe2(fds, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		guest_die("fork: %s", strerror(errno));
	if (!pid) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		setsid();
		dup2(null, STDIN_FILENO);
		close(fds[0]);
		k.ready = fds[1];
		return guest_run();
	}
	close(fds[1]);
	if (read(fds[0], &c, 1) == 1)
		return 0;
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_XENSIM;
}

static void usage(void)
{
	fprintf(stderr, "usage: xensim guest DOMID [--name NAME] [--mem MiB] [--detach] "
	                "[--keep] [--console] "
	                "-- PROG ARGS...\n");
	exit(EXIT_USAGE);
}

static const char *option_value(char ***argp)
{
	if (!(*argp)[1])
		usage();
	return *++*argp;
}

static void parse(char **arg)
{
	static char name[WIRE_NAME];
	uint32_t mem = 64, domid = 0;

	while (*++arg && strcmp(*arg, "--") != 0) {
		if (!strcmp(*arg, "--name"))
			k.guest.name = option_value(&arg);
		else if (!strcmp(*arg, "--mem"))
			mem = env_number(option_value(&arg), "MiB", 1, 1u << 20);
		else if (!strcmp(*arg, "--detach"))
			k.detach = true;
		else if (!strcmp(*arg, "--console"))
			k.use_console = true;
		else if (!strcmp(*arg, "--keep"))
			k.keep = true;
		else if (**arg != '-' && !domid)
			domid = env_number(*arg, "DOMID", 1, SIM_MAX_DOMID - 1);
		else
			usage();
	}
	if (!*arg || !arg[1] || !domid)
		usage();
	k.argv = arg + 1;
	k.guest.domid = domid;
	k.guest.pages = mem << (20 - SIM_PAGE_SHIFT);
	if (!k.guest.name) {
		snprintf(name, sizeof(name), "guest-%u", domid);
		k.guest.name = name;
	}
	if (strlen(k.guest.name) >= WIRE_NAME)
		guest_die("the name is longer than %u bytes", WIRE_NAME - 1);
}

int main(int argc, char **argv)
{
	(void)argc;
	parse(argv);
	return k.detach ? detach() : guest_run();
}
