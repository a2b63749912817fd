/* SPDX-License-Identifier: MIT */
/*
 * A guard around copies to and from addresses given by the caller.
 *
 * It is a handler for SIGSEGV and SIGBUS that outlives the call. Test frameworks and
 * sanitizers put their own in its place, so each guarded copy looks whether it is still
 * there: one system call for a batch, none for a segment. A fault outside a guarded copy
 * goes to whoever was there before.
 */
#include "uaccess.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

static __thread sigjmp_buf *volatile guard __attribute__((tls_model("initial-exec")));
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction old_segv, old_bus;

static void pass_on(int sig, siginfo_t *info, void *context)
{
	const struct sigaction *old = sig == SIGSEGV ? &old_segv : &old_bus;

	if (old->sa_flags & SA_SIGINFO)
		old->sa_sigaction(sig, info, context);
	else if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN)
		old->sa_handler(sig);
	else
		sigaction(sig, old, NULL); /* the instruction faults again: the end */
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

static bool is_ours(const struct sigaction *sa)
{
	return sa->sa_flags & SA_SIGINFO && sa->sa_sigaction == on_fault;
}

static void install(int sig, struct sigaction *old)
{
	struct sigaction sa = { .sa_sigaction = on_fault,
		                .sa_flags = SA_SIGINFO | SA_ONSTACK };

	struct sigaction now;

	sigemptyset(&sa.sa_mask);
	if (sigaction(sig, NULL, &now) < 0 || is_ours(&now))
		return;
	*old = now;
	sigaction(sig, &sa, NULL);
}

static void check_handlers(void)
{
	struct sigaction now;

	if (sigaction(SIGSEGV, NULL, &now) == 0 && is_ours(&now))
		return;
	pthread_mutex_lock(&lock);
	install(SIGSEGV, &old_segv);
	install(SIGBUS, &old_bus);
	pthread_mutex_unlock(&lock);
}

int uaccess_run(int (*fn)(void *arg), void *arg)
{
	sigjmp_buf env;
	int ret = -EFAULT;

	check_handlers();
	if (!sigsetjmp(env, 0)) {
		guard = &env;
		ret = fn(arg);
	}
	guard = NULL;
	return ret;
}
