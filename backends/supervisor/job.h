/* SPDX-License-Identifier: MIT */
/*
 * Jobs of backends: what may wait for storage is done in a thread of its own, and no
 * other device waits for it. backend.h has what backends call.
 */
#ifndef PVB_JOB_H
#define PVB_JOB_H

#include "compiler.h"

struct jobs;
struct loop;
struct super;

int must_check jobs_open(struct super *s, struct jobs **out);

/** jobs_tick() - A second has passed: devices whose jobs are not over get a turn */
void jobs_tick(struct jobs *j);

/** jobs_close() - Devices are gone; threads that wait for storage end with the process */
void jobs_close(struct jobs *j);

#endif
