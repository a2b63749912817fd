/* SPDX-License-Identifier: MIT */
/* xensim up and xensim down: a host begins and ends, and leaves nothing. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "procs.h"

#define TERM_PATIENCE_MS 3000
#define KILL_PATIENCE_MS 5000

static bool dir_empty(void)
{
	DIR *dir = opendir(cli.dir);
	const struct dirent *ent;
	bool empty = true;

	while (dir && (ent = readdir(dir)))
		empty &= !strcmp(ent->d_name, ".") || !strcmp(ent->d_name, "..");
	if (dir)
		closedir(dir);
	return empty;
}

/* It is removed with all that is in it: it must be the host's alone. */
static void make_dir(void)
{
	char tag[64];
	struct stat st;

	if (mkdir(cli.dir, 0700) < 0 && errno != EEXIST)
		die("%s: %s", cli.dir, strerror(errno));
	if (stat(cli.dir, &st) < 0 || !S_ISDIR(st.st_mode))
		die("%s: not a directory", cli.dir);
	if (st.st_uid != getuid())
		die("%s: belongs to another user", cli.dir);
	if (procs_read_tag(cli.dir, tag, sizeof(tag)) < 0 && !dir_empty())
		die("%s: not empty, and no host's directory; name one that is free",
		    cli.dir);
}

/* Of two that start the same host at once, the second waits for the first. */
static void take_lock(void)
{
	int fd = open(cli.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		die("%s: %s", cli.dir, strerror(errno));
}

static void write_tag(void)
{
	char path[PATH_MAX];
	uint64_t random;
	FILE *f;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		die("getrandom: %s", strerror(errno));
	snprintf(cli.tag, sizeof(cli.tag), "%016llx", (unsigned long long)random);
	snprintf(path, sizeof(path), "%s/" PROCS_TAG_FILE, cli.dir);
	f = fopen(path, "we");
	if (!f || fprintf(f, "%s\n", cli.tag) < 0 || fclose(f) != 0)
		die("%s: %s", path, strerror(errno));
}

static void broker_exec(int out)
{
	char prog[PATH_MAX], log[PATH_MAX], tag[96];
	char *argv[] = { prog, cli.dir, NULL };

	snprintf(prog, sizeof(prog), "%.4000s/xensimd", cli.helpers);
	snprintf(log, sizeof(log), "%s/xensimd.log", cli.dir);
	snprintf(tag, sizeof(tag), "%s.xen", cli.tag);
	setenv(PROCS_TAG_ENV, tag, 1);
	setsid();
	dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), STDERR_FILENO);
	if (chdir("/") == 0)
		env_exec(argv);
	_exit(EXIT_XENSIM);
}

static void broker_start(void)
{
	int fds[2];
	char c;

	if (pipe2(fds, O_CLOEXEC) < 0)
		die("pipe: %s", strerror(errno));
	switch (fork()) {
	case -1:
		die("fork: %s", strerror(errno));
	case 0:
		broker_exec(fds[1]);
	}
	close(fds[1]);
	if (read(fds[0], &c, 1) != 1)
		die("the broker did not start; see %s/xensimd.log", cli.dir);
	close(fds[0]);
}

/* ---- The end ---- */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* By the clock: where there are many processes, looking for ours takes a while.
 * Return: true if none is left */
static bool wait_gone(unsigned int flags, int patience_ms)
{
	struct timespec pause = { .tv_nsec = 2000000 };
	const int64_t until = now_ms() + patience_ms;

	while (procs_kill_tag(cli.tag, 0, flags)) {
		if (now_ms() >= until)
			return false;
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < 50000000)
			pause.tv_nsec *= 2;
	}
	return true;
}

static void end_processes(void)
{
	const unsigned int programs = PROCS_NOT_SELF | PROCS_NOT_XEN;
	struct rpc rpc = { .req = { .op = OP_POWEROFF } };
	int sock;

	procs_kill_tag(cli.tag, SIGTERM, programs);
	if (!wait_gone(programs, TERM_PATIENCE_MS))
		procs_kill_tag(cli.tag, SIGKILL, programs);
	sock = rpc_connect(cli.dir);
	if (sock >= 0) {
		cli_hello(sock);
		rpc_call(sock, &rpc); /* ends without an answer */
		close(sock);
	}
	if (wait_gone(PROCS_NOT_SELF, TERM_PATIENCE_MS))
		return;
	procs_kill_tag(cli.tag, SIGKILL, PROCS_NOT_SELF);
	if (!wait_gone(PROCS_NOT_SELF, KILL_PATIENCE_MS))
		die("%s: some processes of the host do not end", cli.dir);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	if (remove(path) < 0 && errno != ENOENT)
		die("%s: %s", path, strerror(errno));
	return 0;
}

static void host_end(void)
{
	end_processes();
	if (nftw(cli.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0 && errno != ENOENT)
		die("%s: %s", cli.dir, strerror(errno));
}

/* ---- Commands ---- */

int cmd_up(char **argv)
{
	const char *store = "c";
	int sock;

	if (argv[1] && !strcmp(argv[1], "--store") && argv[2]) {
		store = argv[2];
		argv += 2;
	}
	if (argv[1] || (strcmp(store, "c") != 0 && strcmp(store, "ocaml") != 0 &&
	                strcmp(store, "none") != 0)) {
		fprintf(stderr, "usage: xensim up [--store c|ocaml|none]\n");
		return EXIT_USAGE;
	}
	make_dir();
	take_lock();
	sock = rpc_connect(cli.dir);
	if (sock >= 0)
		die("%s: a host is up there already", cli.dir);
	if (procs_read_tag(cli.dir, cli.tag, sizeof(cli.tag)) == 0)
		die("%s: a host has crashed there; clear it with `xensim down`", cli.dir);
	write_tag();
	broker_start();
	env_host(cli.dir, cli.lib, cli.tag);
	if (store_start(store))
		return 0;
	host_end();
	return EXIT_XENSIM;
}

int cmd_down(char **argv)
{
	if (argv[1]) {
		fprintf(stderr, "usage: xensim down\n");
		return EXIT_USAGE;
	}
	if (procs_read_tag(cli.dir, cli.tag, sizeof(cli.tag)) < 0)
		die("%s: no host is up there", cli.dir);
	host_end();
	return 0;
}
