/* SPDX-License-Identifier: MIT */
/*
 * killer KILLS GUESTS SEED MAX_MS - kill workers of guests 1 to GUESTS, at random moments
 * up to MAX_MS after they have appeared, each by SIGKILL and none twice; each must have
 * had a successor before the next of its guest is killed, and at the end.
 *
 * Workers are found by their command line, and XENSIM_DIR in the environment, which is
 * that of the simulated host. Ends with 1 if one has no successor within 20 s.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "compiler.h"
#include "num.h"
#include "rng.h"

#define GUESTS_MAX 8U
#define PATIENCE   UINT64_C(20000000000)

static uint64_t rng;

static uint32_t below(uint32_t n)
{
	return (uint32_t)(rng_next(&rng) % n);
}

static ssize_t read_proc(const char *pid, const char *name, char *buf, size_t size)
{
	char path[64];
	autoclose int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%.16s/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, buf, size - 1);
	buf[n > 0 ? n : 0] = '\0';
	return n;
}

static bool has_variable(const char *pid, const char *want)
{
	static char env[65536];
	ssize_t n = read_proc(pid, "environ", env, sizeof(env));

	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(env + at) + 1)
		if (strcmp(env + at, want) == 0)
			return true;
	return false;
}

/* Return: the guest that the process serves, or 0. */
static uint32_t guest_of(const char *pid)
{
	static const char name[] = "pvbackd-worker\0--domid";
	char line[128];
	uint32_t guest;
	ssize_t n = read_proc(pid, "cmdline", line, sizeof(line));

	if (n <= (ssize_t)sizeof(name) || memcmp(line, name, sizeof(name)) != 0 ||
	    num_u32(line + sizeof(name), GUESTS_MAX, &guest))
		return 0;
	return guest;
}

/* Return: the worker of @guest that is not @last, or 0. */
static pid_t look(uint32_t guest, pid_t last, const char *host)
{
	DIR *proc = opendir("/proc");
	const struct dirent *e;
	pid_t found = 0;

	while (proc && !found && (e = readdir(proc))) {
		uint32_t pid;

		if (num_u32(e->d_name, INT32_MAX, &pid) == 0 && (pid_t)pid != last &&
		    guest_of(e->d_name) == guest && has_variable(e->d_name, host))
			found = (pid_t)pid;
	}
	if (proc)
		closedir(proc);
	return found;
}

static void pause_ns(uint64_t ns)
{
	nanosleep(&(struct timespec){ .tv_sec = (time_t)(ns / 1000000000),
	                              .tv_nsec = (long)(ns % 1000000000) },
	          NULL);
}

static pid_t next_worker(uint32_t guest, pid_t last, const char *host)
{
	uint64_t since = clock_ns();
	pid_t pid;

	while (!(pid = look(guest, last, host)) && clock_ns() - since < PATIENCE)
		pause_ns(1000000);
	if (!pid)
		fprintf(stderr, "killer: no worker of guest %u follows process %d\n",
		        guest, (int)last);
	return pid;
}

int main(int argc, char **argv)
{
	pid_t last[GUESTS_MAX + 1] = { 0 };
	uint32_t kills, guests, max_ms;
	char host[4096];

	if (argc != 5 || num_u32(argv[1], UINT32_MAX, &kills) ||
	    num_u32(argv[2], GUESTS_MAX, &guests) || !guests ||
	    num_u64(argv[3], UINT64_MAX, &rng) || num_u32(argv[4], 60000, &max_ms)) {
		fprintf(stderr, "usage: killer KILLS GUESTS SEED MAX_MS\n");
		return 2;
	}
	snprintf(host, sizeof(host), "XENSIM_DIR=%s", getenv("XENSIM_DIR"));
	for (uint32_t k = 0; k < kills; k++) {
		uint32_t guest = 1 + below(guests);
		pid_t pid = next_worker(guest, last[guest], host);

		if (!pid)
			return 1;
		pause_ns(below(max_ms * 1000 + 1) * UINT64_C(1000));
		/* It is the process that was found: nobody else kills them. */
		if (kill(pid, SIGKILL) < 0)
			fprintf(stderr, "killer: process %d: %s\n", (int)pid,
			        strerror(errno));
		last[guest] = pid;
	}
	for (uint32_t g = 1; g <= guests; g++) {
		pid_t pid = last[g] ? next_worker(g, last[g], host) : 0;

		if (last[g] && !pid)
			return 1;
		if (pid)
			printf("%u %d\n", g, (int)pid);
	}
	return 0;
}
