/* SPDX-License-Identifier: MIT */
/*
 * Finding the processes of a simulated host by a tag in their environment.
 *
 * Every process that xensim starts has PROCS_TAG_ENV=HOST.DOMID.GEN, and so have its
 * children, theirs, and what they leave behind: a domain can be ended as a whole, and a
 * host can be cleared when its broker is dead. The broker and its watcher have HOST.xen.
 */
#ifndef XENSIM_PROCS_H
#define XENSIM_PROCS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROCS_TAG_ENV  "XENSIM_TAG"
#define PROCS_TAG_FILE "tag"

/** procs_my_tag() - Which domain this process was started in; domain 0 if it has no tag
 */
void procs_my_tag(uint32_t *domid, uint32_t *gen);

/** procs_read_tag() - The tag of the host at @dir; Return: 0 or -errno */
int procs_read_tag(const char *dir, char *tag, size_t size);

enum {
	PROCS_NOT_SELF = 1, /* spare the caller and its ancestors */
	PROCS_NOT_XEN = 2,  /* spare the broker and its watcher */
};

/**
 * procs_kill_tag() - Send @sig to all whose tag is @tag or starts with @tag and a dot
 * @sig:	0 to count them only
 *
 * Return: how many there are
 */
unsigned int procs_kill_tag(const char *tag, int sig, unsigned int flags);

/** procs_kill_if() - Send SIGKILL to all whose tag @match says so */
unsigned int procs_kill_if(bool (*match)(const char *tag));

#endif
