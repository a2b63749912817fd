/* SPDX-License-Identifier: MIT */
/* xensim fault: make calls fail, be lost or late, and programs die. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "fault.h"
#include "shm.h"

#include <xen/xen.h>

static int usage(void)
{
	fprintf(stderr, "usage: xensim fault [--domid N] [--prog NAME] FAULT...\n"
	                "       xensim fault --list | --clear\n");
	return EXIT_USAGE;
}

static void set(int sock, uint32_t domid, const char *fault, const char *prog)
{
	struct rpc rpc = { .req = { .op = OP_FAULT, .domid = domid } };
	int err;

	snprintf(rpc.req.text, sizeof(rpc.req.text), "%s%s%s", fault, *prog ? "\n" : "",
	         prog);
	err = rpc_call(sock, &rpc);
	if (err < 0)
		die("cannot set the fault %s: %s", fault, strerror(-err));
}

/* All are looked at before the first is set. */
static int check(char **argv)
{
	struct fault fault;

	if (!*argv)
		return usage();
	for (; *argv; argv++) {
		if (fault_parse(*argv, &fault) < 0) {
			fprintf(stderr,
			        "xensim: %s: not a fault; see `xensim fault --list`\n",
			        *argv);
			return EXIT_USAGE;
		}
	}
	return 0;
}

int cmd_fault(char **argv)
{
	uint32_t domid = DOMID_INVALID;
	const char *prog = "";
	int sock, err;

	argv++;
	if (*argv && !strcmp(*argv, "--list")) {
		fault_list(stdout);
		return 0;
	}
	if (*argv && !strcmp(*argv, "--clear")) {
		set(cli_connect(), domid, "", "");
		return 0;
	}
	while (*argv && argv[1] && !strncmp(*argv, "--", 2)) {
		if (!strcmp(*argv, "--domid"))
			domid = env_number(argv[1], "DOMID", 0, SIM_MAX_DOMID - 1);
		else if (!strcmp(*argv, "--prog"))
			prog = argv[1];
		else
			return usage();
		argv += 2;
	}
	err = check(argv);
	if (err)
		return err;
	sock = cli_connect();
	for (; *argv; argv++)
		set(sock, domid, *argv, prog);
	return 0;
}
