/* SPDX-License-Identifier: MIT */
/* What the parts of contract-agent share: its verbs and their arguments. */
#ifndef AGENT_H
#define AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	AGENT_ARGS = 256,
	AGENT_REPLY = 3500
};

/**
 * struct call - A request and the values of its answer
 * @argv:	Arguments after the verb
 * @fd:		Descriptor inherited from the parent, or -1
 */
struct call {
	int argc;
	char *argv[AGENT_ARGS];
	int fd;
	size_t len;
	char text[AGENT_REPLY];
};

/* call_num() - Argument @i as a number. call_add() - One more value in the answer. */
unsigned long call_num(const struct call *c, int i);
void call_add(struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/**
 * struct verb - Something an agent can do
 * @args:	Arguments it needs; more are allowed
 * @run:	0 or more, or -errno
 */
struct verb {
	const char *name;
	int args;
	long (*run)(struct call *c);
};

/* region_addr() - Where the shared or mapped pages number @i are, NULL if there are none.
 */
void *region_addr(unsigned long i);

/* Tables that end with a NULL name. */
extern const struct verb verbs_event[], verbs_grant[], verbs_store[], verbs_process[];

#endif
