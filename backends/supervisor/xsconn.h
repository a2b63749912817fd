/* SPDX-License-Identifier: MIT */
/*
 * The connection to XenStore: one, with one watch per kind, one for the coming and going
 * of domains, and those of devices on their frontends' states. Watch events become marks
 * on devices. A connection that is lost is made anew, with pauses that grow.
 */
#ifndef PVB_XSCONN_H
#define PVB_XSCONN_H

#include "compiler.h"

struct super;

/** conn_open() - Connect, watch, mark what is there. Return: 0 or -errno (logged). */
int must_check conn_open(struct super *s);
void conn_close(struct super *s);

/** conn_drain() - Take the watch events that wait; sets @s->broken if that fails */
void conn_drain(struct super *s);

/** conn_lost() - Give the connection up, and try for a new one */
void conn_lost(struct super *s);

#endif
