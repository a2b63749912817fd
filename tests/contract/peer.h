/* SPDX-License-Identifier: MIT */
/* A contract-agent process, here or in a guest, driven over XenStore. */
#ifndef PEER_H
#define PEER_H

#include <stddef.h>
#include <stdint.h>

enum {
	PEER_VALUES = 256,
	PEER_NAME = 32,
	PEER_TEXT = 4096
};

/**
 * struct peer - One agent
 * @domid:	Domain it runs in
 * @pid:	Its process if it is our own child, else 0
 * @nvalue:	Numbers in the last answer
 * @value:	These numbers
 * @text:	The last answer as it came, after its result
 */
struct peer {
	uint32_t domid;
	int pid;
	char name[PEER_NAME];
	size_t nvalue;
	uint64_t value[PEER_VALUES];
	char text[PEER_TEXT];
	uint32_t seq;
	struct xs_handle *xs;
};

/**
 * peer_spawn() - Start an agent
 * @domid:	0 for a child of this process; else a domain with an agent called "main",
 *		which starts the new one
 * @name:	Its name, unique in the domain
 * @fd:		Descriptor that a child inherits as the same number, -1 for none
 *
 * Return: the agent once it answers, NULL with errno if it cannot be started
 */
struct peer *peer_spawn(uint32_t domid, const char *name, int fd);

/* peer_attach() - The agent @name of @domid, which runs already and is not ours. */
struct peer *peer_attach(uint32_t domid, const char *name);

/* peer_detach() - Forget an agent, without a word to it; it may be gone. */
void peer_detach(struct peer *p);

/* peer_kill() - End it with SIGKILL, wait until it is gone, and free @p (may be NULL). */
void peer_kill(struct peer *p);

/**
 * peer_call() - Let the agent do one thing
 * @fmt:	Verb and arguments, separated by single spaces
 *
 * Return: what the verb says, 0 or more, or -errno; -ETIMEDOUT if no answer comes
 */
long peer_call(struct peer *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* peer_start(), peer_finish() - The halves of peer_call(), to do something in between. */
void peer_start(struct peer *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
long peer_finish(struct peer *p);

#endif
