/* SPDX-License-Identifier: MIT */
/*
 * Ending all processes of a dead domain, its grandchildren and daemons too.
 *
 * Those that are connected have been killed at once; this finds the others by their tag,
 * and looks again until there are none, as they may fork meanwhile.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker.h"
#include "procs.h"

struct dead {
	struct list list;
	char tag[48];
};

static struct list deads = LIST_INIT(deads);

void reap_domain(uint32_t domid, uint32_t gen)
{
	struct dead *dead = malloc(sizeof(*dead));

	if (!dead)
		abort();
	snprintf(dead->tag, sizeof(dead->tag), "%s.%u.%u", host.tag, domid, gen);
	list_init(&dead->list);
	list_add_tail(&deads, &dead->list);
	loop_soon();
}

static bool is_dead(const char *tag)
{
	list_for_each (&deads, pos, tmp) {
		if (!strcmp(list_entry(pos, struct dead, list)->tag, tag))
			return true;
	}
	return false;
}

bool reap_tick(void)
{
	if (list_empty(&deads) || procs_kill_if(is_dead))
		return !list_empty(&deads);
	list_for_each (&deads, pos, tmp) {
		list_del(pos);
		free(list_entry(pos, struct dead, list));
	}
	return false;
}
