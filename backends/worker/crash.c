/* SPDX-License-Identifier: MIT */
#include "crash.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>

#include "compiler.h"
#include "msg.h"

/* The kernel's, of what a program does, and abort(). */
static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGABRT };

static struct sigaction before[ARRAY_SIZE(signals)];
static atomic_int sock = -1;

/* In a thread that cannot be trusted any more: system calls, and memory of its own. */
static void crashed(int sig, siginfo_t *info, void *context)
{
	struct msg_crashed m = { .signal = sig };
	int to = atomic_load(&sock), rc = 0;

	(void)context;
	prctl(PR_GET_NAME, m.thread);
	if (to >= 0)
		rc = msg_send(to, MSG_WORKER, MSG_CRASHED, 0, &m, NULL, 0, NULL, 0);
	(void)rc; /* who else could be told? */
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &before[i], NULL);
	/* What the program did is done again; what was sent is not by itself. */
	if (info->si_code <= 0)
		raise(sig);
}

void crash_init(void)
{
	struct sigaction a = { .sa_sigaction = crashed,
		               .sa_flags = SA_SIGINFO | SA_ONSTACK };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &a, &before[i]);
}

void crash_tell(int to)
{
	atomic_store(&sock, to);
}
