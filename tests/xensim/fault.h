/* SPDX-License-Identifier: MIT */
/*
 * Faults that can be injected, and how they are written:
 *
 *   KIND[:N[+]]=WHAT      the Nth call of that kind, with + also all later ones
 *   kill@POINT[:N[+]]     SIGKILL at the Nth passage of a named point
 *
 * Calls are counted from the moment the fault is set. KIND and WHAT are in the table of
 * fault.c, which also makes the text of `xensim fault --list`.
 */
#ifndef XENSIM_FAULT_H
#define XENSIM_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum fault_kind {
	FAULT_OPEN,   /* opening any Xen device */
	FAULT_ALLOC,  /* xenevtchn_bind_unbound_port() */
	FAULT_BIND,   /* xenevtchn_bind_interdomain(), _bind_virq() */
	FAULT_NOTIFY, /* xenevtchn_notify() */
	FAULT_SHARE,  /* xengntshr_share_*() */
	FAULT_MAP,    /* xengnttab_map_*() */
	FAULT_COPY,   /* xengnttab_grant_copy(), by calls */
	FAULT_SEG,    /* the same, by segments */
	FAULT_KILL,   /* a named point */
	FAULT_KINDS
};

enum fault_action {
	FAULT_NONE,
	FAULT_ERRNO,
	FAULT_GNTST,
	FAULT_DROP,
	FAULT_DELAY,
	FAULT_DIE
};

#define FAULT_POINT 32u

/**
 * struct fault - A fault and how far it has counted
 * @nth:	Calls until it strikes; 0: it has, and strikes no more
 * @on:		It strikes at all later calls too
 * @value:	errno, GNTST_* or milliseconds
 */
struct fault {
	enum fault_kind kind;
	enum fault_action action;
	int value;
	unsigned int nth;
	bool on;
	char point[FAULT_POINT];
};

/** fault_parse() - Return: 0, or -EINVAL if @text is no fault */
int fault_parse(const char *text, struct fault *fault);

/** fault_strike() - Count one call; Return: true if the fault strikes now */
bool fault_strike(struct fault *fault, enum fault_kind kind, const char *point);

/** fault_print() - The text that fault_parse() takes, with what is left to count */
void fault_print(FILE *out, const struct fault *fault);

/** fault_list() - Kinds and named points, for people */
void fault_list(FILE *out);

#endif
