/* SPDX-License-Identifier: MIT */
/* The environment in which programs of a domain run. */
#include "env.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "procs.h"
#include "rpc.h"

const char *env_xen_bin(void)
{
	static char dir[PATH_MAX];
	glob_t found;

	if (*dir)
		return dir;
	if (glob("/usr/lib/xen*/bin/xenstored", 0, NULL, &found) == 0) {
		snprintf(dir, sizeof(dir), "%s", found.gl_pathv[found.gl_pathc - 1]);
		*strrchr(dir, '/') = '\0';
		globfree(&found);
	}
	return *dir ? dir : NULL;
}

/* Debian has wrappers in $PATH that refuse to work without a hypervisor. */
static void path_prepend(const char *dir)
{
	const char *old = getenv("PATH");
	char buf[16384];

	if (!dir || (old && !strncmp(old, dir, strlen(dir))))
		return;
	snprintf(buf, sizeof(buf), "%s:%s", dir, old ? old : "/usr/bin:/bin");
	setenv("PATH", buf, 1);
}

void env_host(const char *dir, const char *lib, const char *tag)
{
	const char *old = getenv("LD_LIBRARY_PATH");
	char buf[8192];

	setenv("XENSIM_DIR", dir, 1);
	setenv("XENSIM_DOMID", "0", 1);
	snprintf(buf, sizeof(buf), "%s.0.1", tag);
	setenv(PROCS_TAG_ENV, buf, 1);
	snprintf(buf, sizeof(buf), "%s/xenstored", dir);
	setenv("XENSTORED_RUNDIR", buf, 1);
	unsetenv("XENSTORED_PATH");
	path_prepend(env_xen_bin());
	if (old && !strncmp(old, lib, strlen(lib)))
		return;
	snprintf(buf, sizeof(buf), "%s%s%s", lib, old && *old ? ":" : "", old ? old : "");
	setenv("LD_LIBRARY_PATH", buf, 1);
}

void env_guest_socket(char *buf, size_t size, uint32_t domid)
{
	snprintf(buf, size, "%s/d%u.xenbus", rpc_dir(), domid);
}

void env_guest(uint32_t domid, uint32_t gen)
{
	const char *tag = getenv(PROCS_TAG_ENV);
	char buf[256];

	snprintf(buf, sizeof(buf), "%.*s.%u.%u", (int)strcspn(tag, "."), tag, domid, gen);
	setenv(PROCS_TAG_ENV, buf, 1);
	snprintf(buf, sizeof(buf), "%u", domid);
	setenv("XENSIM_DOMID", buf, 1);
	env_guest_socket(buf, sizeof(buf), domid);
	setenv("XENSTORED_PATH", buf, 1);
	unsetenv("XENSTORED_RUNDIR");
}

void env_exec(char **argv)
{
	execvp(argv[0], argv);
	fprintf(stderr, "xensim: cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? EXIT_NOPROG : EXIT_NOEXEC);
}

uint32_t env_number(const char *arg, const char *what, uint32_t min, uint32_t max)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(arg, &end, 10);
	if (errno || *end || arg[0] < '0' || arg[0] > '9' || value < min || value > max) {
		fprintf(stderr, "xensim: %s: %s must be a number from %u to %u\n", arg,
		        what, min, max);
		exit(EXIT_USAGE);
	}
	return (uint32_t)value;
}
