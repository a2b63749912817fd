/* SPDX-License-Identifier: MIT */
/* Memory that the worker shares with a program of the kernel: a map's, whole pages. */
#ifndef PVB_NET_MEMORY_H
#define PVB_NET_MEMORY_H

#include <stddef.h>

#include "compiler.h"

/**
 * net_memory_open() - Map it, to be read and written
 * @map:	Descriptor; stays the caller's
 *
 * Return: the address, or NULL with errno.
 */
void *must_check net_memory_open(int map, size_t size);

/** net_memory_close() - NULL is accepted */
void net_memory_close(void *memory, size_t size);

#endif
