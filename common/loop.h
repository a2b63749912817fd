/* SPDX-License-Identifier: MIT */
/*
 * Event loop: readable and writable descriptors, one-shot timers, signals. The only user
 * of libevent; for control work, never for the data path. One thread: the one in
 * loop_run().
 *
 * A callback may remove any source, its own included, and may stop the loop.
 */
#ifndef PVB_LOOP_H
#define PVB_LOOP_H

#include <stdint.h>

#include "compiler.h"

struct loop;
struct loop_src;

typedef void (*loop_fn)(void *arg);

int must_check loop_new(struct loop **out);

/** loop_free() - Its sources must have been removed. NULL is accepted. */
void loop_free(struct loop *l);

/** loop_run() - Dispatch until loop_stop(). Return: 0 or -errno. */
int must_check loop_run(struct loop *l);

/** loop_stop() - End loop_run() after the callback that is running */
void loop_stop(struct loop *l);

/**
 * loop_add_fd() - Call @fn whenever @fd is readable, at end of file or in error
 *
 * Level-triggered. @fd stays the caller's; remove the source before closing it.
 */
int must_check loop_add_fd(struct loop *l, int fd, loop_fn fn, void *arg,
                           struct loop_src **out);

/** loop_add_writable() - As loop_add_fd(), whenever @fd can be written to */
int must_check loop_add_writable(struct loop *l, int fd, loop_fn fn, void *arg,
                                 struct loop_src **out);

/** loop_add_timer() - A timer that is not running; loop_timer_set() starts it */
int must_check loop_add_timer(struct loop *l, loop_fn fn, void *arg,
                              struct loop_src **out);

/**
 * loop_timer_set() - Fire once, @ms from now; a running timer starts anew
 *
 * 0 is "in the next turn", after descriptors that are ready have had theirs.
 */
void loop_timer_set(struct loop_src *timer, uint32_t ms);

/** loop_timer_stop() - Do not fire; a timer that is not running is accepted */
void loop_timer_stop(struct loop_src *timer);

/** loop_add_signal() - Call @fn, in the loop, after signal @signo */
int must_check loop_add_signal(struct loop *l, int signo, loop_fn fn, void *arg,
                               struct loop_src **out);

/** loop_del() - Remove a source and clear the pointer; NULL inside is accepted */
void loop_del(struct loop_src **src);

#endif
