/* SPDX-License-Identifier: MIT */
/*
 * The last words of a worker that crashes: which of its threads it is. So the supervisor
 * knows which device to leave alone if it happens again and again.
 */
#ifndef PVB_CRASH_H
#define PVB_CRASH_H

/** crash_init() - From now on; nothing else of what a signal does changes */
void crash_init(void);

/** crash_tell() - Who is told; -1: nobody, before the socket is closed */
void crash_tell(int sock);

#endif
