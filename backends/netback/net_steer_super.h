/* SPDX-License-Identifier: MIT */
/*
 * The kernel's half of net_steer.h: a map and a program for a TAP.
 */
#ifndef PVB_NET_STEER_SUPER_H
#define PVB_NET_STEER_SUPER_H

#include <stdbool.h>
#include <stddef.h>

#include "compiler.h"
#include "net_steer.h"

/**
 * net_steer_make() - A map and a program that reads it
 * @fd:		Their descriptors, by NET_STEER_*; all -1 on error
 *
 * Return: 0; -errno: the kernel refuses it, as an old one does (before 5.5), one that is
 * locked down, or one that was told to.
 */
int must_check net_steer_make(int fd[NET_STEER_FDS]);

/** net_steer_free() - Close them; what is attached to a TAP stays until it is taken off
 */
void net_steer_free(int fd[NET_STEER_FDS]);

/** net_steer_can() - The kernel lets us. If not the reason is logged once. */
bool net_steer_can(void);

/** net_steer_off() - The kernel chooses the queues of @tap again */
void net_steer_off(int tap);

#endif
