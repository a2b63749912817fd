/* SPDX-License-Identifier: MIT */
/* Inside the xensim command. */
#ifndef XENSIM_CLI_H
#define XENSIM_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "env.h"
#include "rpc.h"

/** struct cli - What all subcommands know */
struct cli {
	char dir[104];      /* the host's directory, absolute */
	char helpers[4096]; /* where xensimd and xensim-guest are */
	char lib[4096];     /* where the libraries are */
	char tag[64];       /* the host's tag, "" if none is up */
};

extern struct cli cli;

/** die() - Say what failed and end with EXIT_XENSIM */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *fmt, ...);

/** cli_host() - Find the host at cli.dir, or die saying that none is up */
void cli_host(void);

/** cli_connect() - cli_host(), and a connection to its broker */
int cli_connect(void);

/** cli_hello() - Introduce this process on @sock */
int cli_hello(int sock);

int cmd_up(char **argv);
int cmd_down(char **argv);
int cmd_run(char **argv);
int cmd_guest(char **argv);
int cmd_status(char **argv);
int cmd_destroy(char **argv);
int cmd_fault(char **argv);

/* ---- store.c ---- */

/** store_start() - Start "c" or "ocaml"; Return: true when it answers, false if it does
 * not */
bool store_start(const char *kind);

#endif
