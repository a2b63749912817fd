/* SPDX-License-Identifier: MIT */
/* xensim: run Xen programs on a machine with no hypervisor. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "procs.h"

struct cli cli;

static const struct {
	const char *name;
	int (*fn)(char **argv);
	const char *args;
	const char *what;
} commands[] = {
	{ "up", cmd_up, "[--store c|ocaml|none]",
	  "start a simulated host and its XenStore" },
	{ "down", cmd_down, "", "end it, all that runs on it, and remove its directory" },
	{ "run", cmd_run, "[--domid N] -- PROG ARGS...",
	  "run a program in domain N, 0 if not given" },
	{ "guest", cmd_guest,
	  "DOMID [--name NAME] [--mem MiB] [--detach] [--keep] [--console]\n"
	  "                -- PROG ARGS...",
	  "create a guest that runs PROG and lives as long" },
	{ "destroy", cmd_destroy, "DOMID", "destroy a guest" },
	{ "fault", cmd_fault, "[--domid N] [--prog NAME] FAULT... | --list | --clear",
	  "make calls fail and programs die" },
	{ "status", cmd_status, "[--json|--leaks]",
	  "show domains, ports, grants and handles" },
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

void die(const char *fmt, ...)
{
	va_list ap;

	fputs("xensim: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(EXIT_XENSIM);
}

static void usage(FILE *out)
{
	fputs("usage: xensim [--dir DIR] COMMAND ...\n\n", out);
	for (size_t i = 0; i < NCOMMANDS; i++)
		fprintf(out, "  xensim %s %s\n      %s\n", commands[i].name,
		        commands[i].args, commands[i].what);
	fputs("\nThe host is the one in DIR, else in $XENSIM_DIR, else the user's own.\n"
	      "Exit status: that of PROG; 125 if xensim itself failed, 126 and 127 if "
	      "PROG cannot\n"
	      "be run or found, 2 if the command was not understood. See xensim(1).\n",
	      out);
}

/* In the build directory all is in one place; installed, helpers are under lib/xensim. */
static void find_helpers(void)
{
	char exe[PATH_MAX], path[PATH_MAX + 32];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n < 0)
		die("/proc/self/exe: %s", strerror(errno));
	exe[n] = '\0';
	*strrchr(exe, '/') = '\0';
	snprintf(path, sizeof(path), "%s/xensimd", exe);
	if (access(path, X_OK) == 0) {
		snprintf(cli.helpers, sizeof(cli.helpers), "%s", exe);
		snprintf(cli.lib, sizeof(cli.lib), "%.4000s/lib", exe);
		return;
	}
	snprintf(path, sizeof(path), "%s/../lib/xensim", exe);
	if (!realpath(path, exe))
		die("cannot find xensimd next to xensim or in %s", path);
	snprintf(cli.helpers, sizeof(cli.helpers), "%s", exe);
	snprintf(cli.lib, sizeof(cli.lib), "%s", exe);
}

static void set_dir(const char *dir)
{
	char cwd[PATH_MAX] = "";

	if (dir[0] != '/' && !getcwd(cwd, sizeof(cwd)))
		die("getcwd: %s", strerror(errno));
	if ((size_t)snprintf(cli.dir, sizeof(cli.dir) - 24, "%s%s%s", cwd,
	                     *cwd ? "/" : "", dir) >= sizeof(cli.dir) - 24)
		die("%s: a longer path than a socket in it may have", dir);
	setenv("XENSIM_DIR", cli.dir, 1);
}

void cli_host(void)
{
	int sock;

	if (procs_read_tag(cli.dir, cli.tag, sizeof(cli.tag)) < 0)
		die("%s: no host is up there; start one with `xensim up`", cli.dir);
	sock = rpc_connect(cli.dir);
	if (sock < 0)
		die("%s: the host has crashed: its broker is gone; clear it with `xensim "
		    "down`",
		    cli.dir);
	close(sock);
	env_host(cli.dir, cli.lib, cli.tag);
}

int cli_hello(int sock)
{
	int fd = -1, err;
	struct rpc rpc = { .req = { .op = OP_HELLO,
		                    .hello = { .version = WIRE_VERSION } },
		           .fds = &fd,
		           .fds_max = 1 };

	procs_my_tag(&rpc.req.domid, &rpc.req.hello.gen);
	strcpy(rpc.req.text, "xensim");
	err = rpc_call(sock, &rpc);
	if (!err)
		close(fd);
	return err;
}

int cli_connect(void)
{
	int sock, err;

	cli_host();
	sock = rpc_connect(cli.dir);
	err = sock < 0 ? sock : cli_hello(sock);
	if (err < 0)
		die("%s: the broker does not answer: %s", cli.dir, strerror(-err));
	return sock;
}

int main(int argc, char **argv)
{
	char **arg = argv + 1;

	(void)argc;
	find_helpers();
	set_dir(rpc_dir());
	if (*arg && !strcmp(*arg, "--dir")) {
		if (!arg[1]) {
			usage(stderr);
			return EXIT_USAGE;
		}
		set_dir(arg[1]);
		arg += 2;
	}
	if (*arg && (!strcmp(*arg, "--help") || !strcmp(*arg, "-h"))) {
		usage(stdout);
		return 0;
	}
	for (size_t i = 0; *arg && i < NCOMMANDS; i++) {
		if (!strcmp(*arg, commands[i].name)) {
			if (arg[1] && !strcmp(arg[1], "--help")) {
				usage(stdout);
				return 0;
			}
			return commands[i].fn(arg);
		}
	}
	if (*arg)
		fprintf(stderr, "xensim: %s: no such command; see `xensim --help`\n",
		        *arg);
	else
		usage(stderr);
	return EXIT_USAGE;
}
