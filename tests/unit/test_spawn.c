/* SPDX-License-Identifier: MIT */
/* What a process finds that is started: descriptors, signals; and one that cannot be. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "spawn.h"

/* All that @script says, whose log is a pipe. */
static void says(const char *script, char *out, size_t size)
{
	char sh[] = "sh", c[] = "-c", text[512];
	char *argv[] = { sh, c, text, NULL };
	int status, fd[2], null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	snprintf(text, sizeof(text), "%s", script);
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	assert_int_equal(
		spawn("/bin/sh", argv,
	              &(struct spawn_fds){ .sock = null, .log = fd[1], .listen = null },
	              &pid),
		0);
	close(fd[1]);
	/* Its end is the last one of the other side's. */
	while ((n = read(fd[0], out + len, size - 1 - len)) > 0)
		len += (size_t)n;
	out[len] = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(fd[0]);
	close(null);
}

static void descriptors(void **state)
{
	/* Not close-on-exec, before and behind what is copied. */
	int low = open("/dev/null", O_RDONLY), high = fcntl(low, F_DUPFD, 900);
	char out[256];

	(void)state;
	assert_true(low >= 64);
	says("for f in /proc/$$/fd/*; do echo ${f##*/}; done", out, sizeof(out));
	/* The last one is the shell's own, of the directory, if it has one still. */
	assert_memory_equal(out, "0\n1\n2\n3\n4\n", 10);
	assert_null(strstr(out, "900"));
	assert_in_range(strlen(out), 10, 13);
	/* We have ours. */
	assert_true(fcntl(low, F_GETFD) == 0 && fcntl(high, F_GETFD) == 0);
	close(low);
	close(high);
}

static void signals(void **state)
{
	unsigned long long blocked, ignored;
	char out[256];
	sigset_t s;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	sigprocmask(SIG_BLOCK, &s, NULL);
	says("grep -E '^Sig(Blk|Ign)' /proc/self/status", out, sizeof(out));
	assert_int_equal(sscanf(out, "SigBlk: %llx SigIgn: %llx", &blocked, &ignored), 2);
	assert_int_equal(blocked, 0);
	/* Two above are the C library's own. */
	assert_int_equal(ignored & 0x7fffffff, 0);
	/* Ours are what they were. */
	sigprocmask(SIG_SETMASK, NULL, &s);
	assert_true(sigismember(&s, SIGUSR1));
	assert_ptr_equal(signal(SIGPIPE, SIG_DFL), SIG_IGN);
}

static void none(void **state)
{
	char no[] = "no";
	char *argv[] = { no, NULL };
	pid_t pid;

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(
			spawn("/no/such/program", argv,
		              &(struct spawn_fds){ .sock = 0, .log = 0, .listen = 0 },
		              &pid),
			-ENOENT);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors),
		cmocka_unit_test(signals),
		cmocka_unit_test(none),
	};

	if (spawn_prepare())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
