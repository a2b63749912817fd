/* SPDX-License-Identifier: MIT */
/*
 * The control socket, RUN_DIR/control.sock: who may connect, and how much of us he gets.
 *
 * Root, and the user we run as, may connect. There are a bounded number of clients, each
 * with one request at a time; its answer is made a few devices at a time, as fast as it
 * is read, between everything else that we do. One that does not read is dropped.
 */
#ifndef PVB_CONTROL_H
#define PVB_CONTROL_H

#include "compiler.h"

struct control;
struct super;

/**
 * control_open() - Listen
 *
 * We are the only pvbackd of this directory: a socket that is there is what a crash left.
 *
 * Return: 0, or -errno (logged).
 */
int must_check control_open(struct super *s, const char *run_dir, struct control **out);

/** control_close() - Drop all clients, remove the socket; NULL is accepted */
void control_close(struct control *c);

#endif
