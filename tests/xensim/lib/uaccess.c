/* SPDX-License-Identifier: MIT */
/*
 * A guard around copies to and from addresses given by the caller.
 *
 * A handler for SIGSEGV and SIGBUS is installed once, at the first guarded copy, so that
 * the guard costs no system call. A fault outside a guarded copy goes to whoever was
 * there before (a sanitizer, the default). A program that installs its own handler later
 * takes the guard away: a bad pointer in its grant copies then kills it.
 */
#include "uaccess.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>

static __thread sigjmp_buf *volatile guard __attribute__((tls_model("initial-exec")));
static struct sigaction old_segv, old_bus;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void pass_on(int sig, siginfo_t *info, void *context)
{
	const struct sigaction *old = sig == SIGSEGV ? &old_segv : &old_bus;

	if (old->sa_flags & SA_SIGINFO)
		old->sa_sigaction(sig, info, context);
	else if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN)
		old->sa_handler(sig);
	else
		sigaction(sig, old,
		          NULL); /* the instruction faults again, and takes effect */
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	sigset_t set;

	if (!guard) {
		pass_on(sig, info, context);
		return;
	}
	sigemptyset(&set);
	sigaddset(&set, sig);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	siglongjmp(*guard, 1);
}

static void install(void)
{
	struct sigaction sa = { .sa_sigaction = on_fault,
		                .sa_flags = SA_SIGINFO | SA_ONSTACK };

	sigemptyset(&sa.sa_mask);
	sigaction(SIGSEGV, &sa, &old_segv);
	sigaction(SIGBUS, &sa, &old_bus);
}

int uaccess_run(int (*fn)(void *arg), void *arg)
{
	sigjmp_buf env;
	int ret = -EFAULT;

	pthread_once(&once, install);
	if (!sigsetjmp(env, 0)) {
		guard = &env;
		ret = fn(arg);
	}
	guard = NULL;
	return ret;
}
