/* SPDX-License-Identifier: MIT */
/* Starting the host's own xenstored, unmodified. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <xenstore.h>

#include "cli.h"

#define START_TIMEOUT_MS 10000

static struct xs_handle *store_open(void)
{
	struct xs_handle *xs = xs_open(0);
	unsigned int len;
	char *root;

	if (!xs)
		return NULL;
	root = xs_read(xs, XBT_NULL, "/tool", &len);
	if (root) {
		free(root);
		return xs;
	}
	xs_close(xs);
	return NULL;
}

/* What xen-init-dom0 writes */
static void init_dom0(struct xs_handle *xs)
{
	if (!xs_write(xs, XBT_NULL, "/local/domain/0/domid", "0", 1) ||
	    !xs_write(xs, XBT_NULL, "/local/domain/0/name", "Domain-0", 8))
		die("cannot write domain 0's nodes: %s", strerror(errno));
}

static pid_t spawn(char **argv)
{
	char log[PATH_MAX];
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid;
	setsid();
	snprintf(log, sizeof(log), "%s/xenstored.log", cli.dir);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	env_exec(argv);
}

static void show_log(void)
{
	char path[PATH_MAX], line[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/xenstored.log", cli.dir);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		fprintf(stderr, "xensim: xenstored: %s", line);
	if (f)
		fclose(f);
}

static bool wait_for(pid_t pid, const char *what)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	struct xs_handle *xs;
	int status;

	for (int ms = 0; ms < START_TIMEOUT_MS; ms += 5) {
		xs = store_open();
		if (xs) {
			init_dom0(xs);
			xs_close(xs);
			return true;
		}
		if (waitpid(pid, &status, WNOHANG) == pid) {
			show_log();
			fprintf(stderr, "xensim: %s did not start\n", what);
			return false;
		}
		nanosleep(&pause, NULL);
	}
	show_log();
	fprintf(stderr, "xensim: %s does not answer\n", what);
	return false;
}

static bool start_c(void)
{
	char prog[PATH_MAX], pidfile[PATH_MAX];
	char no_fork[] = "--no-fork", pid_opt[] = "--pid-file";
	char *argv[] = { prog, no_fork, pid_opt, pidfile, NULL };

	snprintf(prog, sizeof(prog), "%.4000s/xenstored", env_xen_bin());
	snprintf(pidfile, sizeof(pidfile), "%s/xenstored.pid", cli.dir);
	return wait_for(spawn(argv), prog);
}

/* Its defaults but for files: none outside the host's directory. */
static void write_config(const char *path)
{
	FILE *f = fopen(path, "we");

	if (!f ||
	    fprintf(f,
	            "pid-file = %s/xenstored.pid\n"
	            "xenstored-log-file = %s/xenstored.log\n"
	            "access-log-file = /dev/null\n"
	            "persistent = false\n"
	            "xenstored-kva = /proc/xen/xsd_kva\n"
	            "xenstored-port = /proc/xen/xsd_port\n",
	            cli.dir, cli.dir) < 0 ||
	    fclose(f) != 0)
		die("%s: %s", path, strerror(errno));
}

static bool start_ocaml(void)
{
	char prog[PATH_MAX], config[PATH_MAX];
	char no_fork[] = "--no-fork", config_opt[] = "--config-file";
	char *argv[] = { prog, no_fork, config_opt, config, NULL };
	pid_t pid;

	snprintf(prog, sizeof(prog), "%.4000s/oxenstored", env_xen_bin());
	snprintf(config, sizeof(config), "%s/oxenstored.conf", cli.dir);
	write_config(config);
	setenv("XENSIM_STORE_MOVED", getenv("XENSTORED_RUNDIR"), 1);
	pid = spawn(argv);
	unsetenv("XENSIM_STORE_MOVED");
	return wait_for(pid, prog);
}

bool store_start(const char *kind)
{
	char path[PATH_MAX];

	if (!strcmp(kind, "none"))
		return true;
	if (!env_xen_bin()) {
		fprintf(stderr,
		        "xensim: xenstored is not installed: no /usr/lib/xen*/bin\n");
		return false;
	}
	snprintf(path, sizeof(path), "%s/xenstored", cli.dir);
	if (mkdir(path, 0700) < 0)
		die("%s: %s", path, strerror(errno));
	return !strcmp(kind, "ocaml") ? start_ocaml() : start_c();
}
