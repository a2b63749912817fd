/* SPDX-License-Identifier: MIT */
/*
 * The worker's devices: what the supervisor asks for, what it is told.
 */
#ifndef PVB_WDEVS_H
#define PVB_WDEVS_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"
#include "gnt.h"
#include "loop.h"

struct wdevs;

/**
 * wdevs_new() - Begin to listen to the supervisor
 * @sock:	Socket to it
 * @listen:	Socket for another one that comes later, or -1
 * @done:	Called once, in the loop, when the supervisor is gone and there is no
 * device
 *
 * Return: 0 or -errno.
 */
int must_check wdevs_new(struct loop *l, uint32_t domid, int sock, int listen,
                         struct gnt *g, void (*done)(void *arg), void *arg,
                         struct wdevs **out);

/** wdevs_free() - After @done; NULL is accepted */
void wdevs_free(struct wdevs *w);

#endif
