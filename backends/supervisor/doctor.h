/* SPDX-License-Identifier: MIT */
/* Whether a host can run pvbackd, and if not, what to do about it. */
#ifndef PVB_DOCTOR_H
#define PVB_DOCTOR_H

#include <stdio.h>

#include "compiler.h"

/**
 * struct doctor - An examination
 * @root:	Put before each path that is looked at; "" on a host
 * @out:	Where a line for each finding goes: "ok", "note" or "UNFIT", and text
 * @unfit:	Findings that keep guests from being served
 */
struct doctor {
	const char *root;
	FILE *out;
	unsigned int unfit;
};

/** doctor_host() - Xen, its device nodes, the kernel's settings */
void doctor_host(struct doctor *d);

/** doctor_kind() - Whether a driver of the kernel wants the devices of @kind, too */
void doctor_kind(struct doctor *d, const char *kind);

/** doctor_worker() - Whether the program that serves a guest can be started */
void doctor_worker(struct doctor *d, const char *path);

/** doctor_xenstore() - Whether XenStore answers */
void doctor_xenstore(struct doctor *d);

#endif
