/* SPDX-License-Identifier: MIT */
/* Whether a domain lives: the only user of libxenctrl. */
#ifndef PVB_DOMAIN_H
#define PVB_DOMAIN_H

#include <stdint.h>

#include "compiler.h"

struct domains;

enum domain_life {
	DOMAIN_ALIVE,   /* shut down and suspended domains included */
	DOMAIN_DEAD,    /* no such domain, or one that only waits for its pages */
	DOMAIN_UNKNOWN, /* we may not ask, as in a driver domain */
};

/** domains_open() - Return: 0 or -errno; then all lives are unknown */
int must_check domains_open(struct domains **out);
void domains_close(struct domains *d);

/** domain_life() - @d may be NULL */
enum domain_life domain_life(struct domains *d, uint32_t domid);

#endif
