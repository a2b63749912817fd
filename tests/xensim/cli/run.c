/* SPDX-License-Identifier: MIT */
/* xensim run, guest, destroy and status. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli.h"
#include "shm.h"

#define DESTROY_PATIENCE_MS 5000

/* Return: false if there is no such domain */
static bool domain_info(int sock, uint32_t domid, struct wire_domain *info)
{
	struct rpc rpc = { .req = { .op = OP_INFO, .domid = domid, .count = 1 },
		           .in = (uint32_t *)info,
		           .in_max = sizeof(*info) / sizeof(uint32_t) };
	int err = rpc_call(sock, &rpc);

	if (err < 0)
		die("the broker does not answer: %s", strerror(-err));
	return rpc.rep.value && info->domid == domid;
}

int cmd_run(char **argv)
{
	struct wire_domain info;
	uint32_t domid = 0;
	int sock;

	if (argv[1] && !strcmp(argv[1], "--domid") && argv[2]) {
		domid = env_number(argv[2], "DOMID", 0, SIM_MAX_DOMID - 1);
		argv += 2;
	}
	if (argv[1] && !strcmp(argv[1], "--"))
		argv++;
	if (!argv[1] || argv[1][0] == '-') {
		fprintf(stderr, "usage: xensim run [--domid N] -- PROG ARGS...\n");
		return EXIT_USAGE;
	}
	sock = cli_connect();
	if (domid) {
		if (!domain_info(sock, domid, &info) || info.flags & DOM_DYING)
			die("domain %u does not run", domid);
		env_guest(domid, info.gen);
	}
	close(sock);
	env_exec(argv + 1);
}

int cmd_guest(char **argv)
{
	char prog[PATH_MAX];

	cli_host();
	snprintf(prog, sizeof(prog), "%.4000s/xensim-guest", cli.helpers);
	argv[0] = prog;
	env_exec(argv);
}

int cmd_destroy(char **argv)
{
	struct rpc rpc = { .req = { .op = OP_DESTROY } };
	struct wire_domain info;
	struct pollfd keeper;
	int sock, err;

	if (!argv[1] || argv[2]) {
		fprintf(stderr, "usage: xensim destroy DOMID\n");
		return EXIT_USAGE;
	}
	rpc.req.domid = env_number(argv[1], "DOMID", 1, SIM_MAX_DOMID - 1);
	sock = cli_connect();
	if (!domain_info(sock, rpc.req.domid, &info))
		die("there is no domain %u", rpc.req.domid);
	/* The guest's keeper clears XenStore; wait for it. */
	keeper.fd = info.keeper ? (int)syscall(SYS_pidfd_open, info.keeper, 0) : -1;
	keeper.events = POLLIN;
	err = rpc_call(sock, &rpc);
	if (err < 0)
		die("cannot destroy domain %u: %s", rpc.req.domid, strerror(-err));
	if (keeper.fd >= 0 && poll(&keeper, 1, DESTROY_PATIENCE_MS) == 0)
		die("domain %u is destroyed, but its keeper (pid %d) does not end",
		    rpc.req.domid, info.keeper);
	return 0;
}

static void copy_out(int fd)
{
	char buf[65536];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		if (fwrite(buf, 1, (size_t)n, stdout) != (size_t)n)
			die("stdout: %s", strerror(errno));
	}
}

int cmd_status(char **argv)
{
	int fd = -1, sock, err;
	struct rpc rpc = { .req = { .op = OP_STATUS, .count = STATUS_TABLE },
		           .fds = &fd,
		           .fds_max = 1 };

	if (argv[1] && !strcmp(argv[1], "--json"))
		rpc.req.count = STATUS_JSON;
	else if (argv[1] && !strcmp(argv[1], "--leaks"))
		rpc.req.count = STATUS_LEAKS;
	else if (argv[1]) {
		fprintf(stderr, "usage: xensim status [--json|--leaks]\n");
		return EXIT_USAGE;
	}
	sock = cli_connect();
	err = rpc_call(sock, &rpc);
	if (err < 0)
		die("the broker does not answer: %s", strerror(-err));
	copy_out(fd);
	return rpc.req.count == STATUS_LEAKS && rpc.rep.value ? 1 : 0;
}
