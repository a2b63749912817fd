/* SPDX-License-Identifier: MIT */
/* The kernel's half of net_bound.h: a map, and a program on a TAP. */
#ifndef PVB_NET_BOUND_SUPER_H
#define PVB_NET_BOUND_SUPER_H

#include <stdint.h>

#include "compiler.h"

/**
 * net_bound_make() - Memory, and a program that lets @bytes into each queue of a TAP
 * @prog:	Set to its descriptor
 *
 * Return: the descriptor of the memory; -errno as code_map().
 */
int must_check net_bound_make(uint32_t bytes, int *prog);

/**
 * net_bound_put() - Have it on @tap from now on, in the place of one that is there
 *
 * Return: the descriptor of the memory; -errno, and the first time the reason is logged.
 */
int must_check net_bound_put(int tap, uint32_t bytes);

/** net_bound_off() - @tap has none */
void net_bound_off(int tap);

#endif
