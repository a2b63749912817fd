/* SPDX-License-Identifier: MIT */
/* Walking /proc for processes by a tag in their environment. */
#include "procs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENV_MAX (256u * 1024)
#define TAG_MAX 64u
#define DEPTH   64 /* ancestors */

void procs_my_tag(uint32_t *domid, uint32_t *gen)
{
	const char *env = getenv(PROCS_TAG_ENV), *dot = env ? strchr(env, '.') : NULL;

	if (!dot || sscanf(dot, ".%u.%u", domid, gen) != 2) {
		*domid = 0;
		*gen = 1;
	}
}

int procs_read_tag(const char *dir, char *tag, size_t size)
{
	char path[4096];
	FILE *f;
	int err = 0;

	snprintf(path, sizeof(path), "%s/" PROCS_TAG_FILE, dir);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	if (!fgets(tag, (int)size, f))
		err = -EIO;
	else
		tag[strcspn(tag, "\n")] = '\0';
	fclose(f);
	return err;
}

static size_t read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return 0;
	while (len < size - 1 && (n = read(fd, buf + len, size - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	buf[len] = '\0';
	return len;
}

/* The tag of process @pid, "" if it has none or is not ours to look at */
static void tag_of(const char *pid, char *tag)
{
	static const char name[] = PROCS_TAG_ENV "=";
	static char env[ENV_MAX];
	char path[64];
	size_t len;

	tag[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%.16s/environ", pid);
	len = read_file(path, env, sizeof(env));
	for (char *p = env; p < env + len; p += strlen(p) + 1) {
		if (!strncmp(p, name, sizeof(name) - 1)) {
			snprintf(tag, TAG_MAX, "%s", p + sizeof(name) - 1);
			return;
		}
	}
}

static pid_t parent_of(pid_t pid)
{
	char path[64], stat[512];
	const char *p;
	int ppid = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	read_file(path, stat, sizeof(stat));
	p = strrchr(stat, ')');
	if (!p || sscanf(p + 1, " %*c %d", &ppid) != 1)
		return 0;
	return ppid;
}

static bool is_zombie(const char *pid)
{
	char path[64], stat[512];
	const char *p;

	snprintf(path, sizeof(path), "/proc/%.16s/stat", pid);
	read_file(path, stat, sizeof(stat));
	p = strrchr(stat, ')');
	return !p || p[1] == '\0' || p[2] == 'Z' || p[2] == 'X';
}

static bool is_ancestor(pid_t pid)
{
	pid_t p = getpid();

	for (int i = 0; p > 0 && i < DEPTH; i++, p = parent_of(p)) {
		if (p == pid)
			return true;
	}
	return false;
}

/* The process is looked at again once it is pinned, as its number may be another's by
 * now. */
static bool kill_tagged(const char *pid, const char *tag, int sig)
{
	int fd = (int)syscall(SYS_pidfd_open, atoi(pid), 0);
	char again[TAG_MAX];
	bool hit;

	if (fd < 0)
		return false;
	tag_of(pid, again);
	hit = !strcmp(tag, again) && !is_zombie(pid);
	if (hit && sig)
		syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0);
	close(fd);
	return hit;
}

static unsigned int for_each_tagged(bool (*want)(const char *pid, const char *tag,
                                                 void *arg),
                                    void *arg, int sig)
{
	DIR *dir = opendir("/proc");
	const struct dirent *ent;
	unsigned int n = 0;
	char tag[TAG_MAX];

	if (!dir)
		return 0;
	while ((ent = readdir(dir))) {
		if (!isdigit((unsigned char)ent->d_name[0]))
			continue;
		tag_of(ent->d_name, tag);
		if (tag[0] && want(ent->d_name, tag, arg))
			n += kill_tagged(ent->d_name, tag, sig);
	}
	closedir(dir);
	return n;
}

struct prefix {
	const char *tag;
	unsigned int flags;
};

static bool want_prefix(const char *pid, const char *tag, void *arg)
{
	const struct prefix *prefix = arg;
	size_t len = strlen(prefix->tag);

	if (strncmp(tag, prefix->tag, len) != 0 || (tag[len] && tag[len] != '.'))
		return false;
	if (prefix->flags & PROCS_NOT_XEN && strstr(tag, ".xen"))
		return false;
	return !(prefix->flags & PROCS_NOT_SELF) || !is_ancestor(atoi(pid));
}

unsigned int procs_kill_tag(const char *tag, int sig, unsigned int flags)
{
	struct prefix prefix = { tag, flags };

	return for_each_tagged(want_prefix, &prefix, sig);
}

static bool want_match(const char *pid, const char *tag, void *arg)
{
	bool (*match)(const char *tag);

	(void)pid;
	memcpy(&match, arg, sizeof(match));
	return match(tag);
}

unsigned int procs_kill_if(bool (*match)(const char *tag))
{
	return for_each_tagged(want_match, &match, SIGKILL);
}
