/* SPDX-License-Identifier: MIT */
/*
 * Threads that do I/O by plain system calls for one store. They are started when there
 * is work for them and stay until the end.
 */
#ifndef PVB_STORE_POOL_H
#define PVB_STORE_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "store_io.h"

struct store_pool;

/**
 * store_pool_new() - With one thread, and up to @max
 * @fd:		The image; the caller's
 *
 * Return: 0 or -errno.
 */
int must_check store_pool_new(int fd, unsigned int max, struct store_pool **out);

/** store_pool_free() - Nothing is in flight; NULL is accepted */
void store_pool_free(struct store_pool *p);

/**
 * store_pool_put() - Have a list done, the list is empty then
 *
 * Discards are done one after the other, by one thread: all others are for what a guest
 * waits for.
 */
void store_pool_put(struct store_pool *p, struct store_list *l);

/**
 * store_pool_get() - Append what is over to @l
 * @calls:	System calls made by the threads since the last time are added
 * @arm:	If there is nothing, make store_pool_fd() readable when there is
 *
 * Return: whether there was something.
 */
bool store_pool_get(struct store_pool *p, struct store_list *l, uint64_t *calls,
                    bool arm);

/** store_pool_fd() - Readable once after each arming, until the next store_pool_get() */
int store_pool_fd(const struct store_pool *p);

#endif
