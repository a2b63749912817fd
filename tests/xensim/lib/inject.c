/* SPDX-License-Identifier: MIT */
/*
 * Faults that strike in this process: those of $XENSIM_FAULT, counted here, and those set
 * with `xensim fault`, which the broker counts. On the hot path both cost one load.
 */
#include "inject.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim.h"

#define MAX_OWN 32u

static struct {
	pthread_mutex_t lock;
	unsigned int count;
	uint32_t kinds; /* a bit for each kind there is one of */
	struct fault faults[MAX_OWN];
} own = { .lock = PTHREAD_MUTEX_INITIALIZER };

__attribute__((constructor)) static void own_init(void)
{
	const char *env = getenv("XENSIM_FAULT");
	char *copy = env ? strdup(env) : NULL, *save, *text;

	for (text = copy ? strtok_r(copy, ", ", &save) : NULL; text;
	     text = strtok_r(NULL, ", ", &save)) {
		struct fault *fault = &own.faults[own.count];

		if (own.count == MAX_OWN || fault_parse(text, fault) < 0) {
			fprintf(stderr,
			        "xensim: XENSIM_FAULT: %s: not a fault, or one too many; "
			        "see "
			        "`xensim fault --list`\n",
			        text);
			_exit(125);
		}
		own.kinds |= 1u << fault->kind;
		own.count++;
	}
	free(copy);
}

static bool strike_own(enum fault_kind kind, const char *point, struct fault *hit)
{
	bool struck = false;

	pthread_mutex_lock(&own.lock);
	for (unsigned int i = 0; i < own.count; i++) {
		if (!fault_strike(&own.faults[i], kind, point))
			continue;
		*hit = own.faults[i];
		struck = true;
	}
	pthread_mutex_unlock(&own.lock);
	return struck;
}

static bool strike_host(enum fault_kind kind, uint32_t domid, const char *point,
                        struct fault *hit)
{
	struct rpc rpc = { .req = { .op = OP_FAULT_HIT, .domid = domid } };

	rpc.req.fault.kind = kind;
	if (point)
		snprintf(rpc.req.text, sizeof(rpc.req.text), "%s", point);
	if (sim_call(&rpc) < 0 || rpc.rep.value == FAULT_NONE)
		return false;
	hit->action = rpc.rep.value;
	hit->value = (int)rpc.rep.value2;
	return true;
}

bool inject_armed(enum fault_kind kind)
{
	const struct shm_host *host = sim_host();

	return own.kinds >> kind & 1 ||
	       (host &&
	        atomic_load_explicit(&host->faults, memory_order_relaxed) >> kind & 1);
}

bool inject_strike(enum fault_kind kind, uint32_t domid, struct fault *hit)
{
	return strike_own(kind, NULL, hit) || strike_host(kind, domid, NULL, hit);
}

int inject_errno(enum fault_kind kind, uint32_t domid)
{
	struct fault hit;

	return inject_armed(kind) && inject_strike(kind, domid, &hit) ? -hit.value : 0;
}

bool inject_notify(uint32_t domid)
{
	struct fault hit;
	struct timespec delay;

	if (!inject_armed(FAULT_NOTIFY) || !inject_strike(FAULT_NOTIFY, domid, &hit))
		return false;
	if (hit.action == FAULT_DROP)
		return true;
	delay = (struct timespec){ .tv_sec = hit.value / 1000,
		                   .tv_nsec = hit.value % 1000 * 1000000l };
	nanosleep(&delay, NULL);
	return false;
}

void xensim_point(const char *name)
{
	struct fault hit;

	if (!inject_armed(FAULT_KILL))
		return;
	if (strike_own(FAULT_KILL, name, &hit) ||
	    strike_host(FAULT_KILL, sim_env_domid(), name, &hit))
		kill(getpid(), SIGKILL);
}
