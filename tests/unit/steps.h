/* SPDX-License-Identifier: MIT */
/*
 * A process that is run one instruction at a time: what would each of them leave behind
 * if it were the last?
 */
#ifndef STEPS_H
#define STEPS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/**
 * struct steps - What is run
 * @life:	In a process of its own; its memory is its own but for the world
 * @quiet:	What dies with the process is not at work: a state that counts
 * @each:	Sees every state of the world that @life leaves on its way, in a copy
 * @size:	Of a world
 */
struct steps {
	void (*life)(void *world);
	bool (*quiet)(const void *world);
	void (*each)(const void *world, long n);
	size_t size;
};

/* Memory that processes share, zeroed. */
static inline void *steps_world(size_t size)
{
	void *w = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
	               0);

	assert_ptr_not_equal(w, MAP_FAILED);
	return w;
}

/* It stops before each instruction. */
static inline pid_t steps_start(const struct steps *s, void *w)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(77);
		raise(SIGSTOP);
		s->life(w);
		_exit(0);
	}
	return pid;
}

/*
 * Run it to its end. Return: how many states there were, or -1 when processes cannot be
 * traced here.
 */
static inline long steps_run(const struct steps *s, void *w)
{
	void *last = malloc(s->size);
	pid_t pid = steps_start(s, w);
	long states = 0;
	int st;

	assert_non_null(last);
	memcpy(last, w, s->size);
	while (waitpid(pid, &st, 0) == pid && WIFSTOPPED(st)) {
		if (s->quiet(w) && memcmp(last, w, s->size) != 0) {
			memcpy(last, w, s->size);
			s->each(last, states++);
		}
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
	}
	free(last);
	assert_true(WIFEXITED(st));
	if (WEXITSTATUS(st) == 77)
		return -1;
	assert_int_equal(WEXITSTATUS(st), 0);
	return states;
}

#endif
