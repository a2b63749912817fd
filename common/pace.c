/* SPDX-License-Identifier: MIT */
#include "pace.h"

void pace_waited(struct pace *p, uint64_t ns)
{
	if (ns >= PACE_SPIN_MAX_NS)
		p->spin_ns = 0;
	else if (p->spin_ns < PACE_SPIN_MIN_NS)
		p->spin_ns = PACE_SPIN_MIN_NS;
	else if (p->spin_ns < PACE_SPIN_MAX_NS / 2)
		p->spin_ns *= 2;
	else
		p->spin_ns = PACE_SPIN_MAX_NS;
}

void pace_stored(struct pace *p, uint64_t ns)
{
	if (ns >= PACE_STORED_NS)
		p->spin_ns = 0;
}

bool pace_try(struct pace_try *t)
{
	if (!t->rest)
		return true;
	t->rest--;
	return false;
}

void pace_tried(struct pace_try *t, bool worth)
{
	if (worth) {
		t->next /= 2;
		return;
	}
	t->rest = t->next;
	t->next = t->next < PACE_TRY_REST ? 2 * t->next + 1 : PACE_TRY_REST;
}

uint64_t pace_event(struct pace *p, bool useful)
{
	uint64_t ns = PACE_DELAY_MIN_NS;

	if (useful) {
		p->empty = 0;
		return 0;
	}
	if (p->empty < UINT32_MAX)
		p->empty++;
	if (p->empty <= PACE_EMPTY_FREE)
		return 0;
	for (uint32_t i = PACE_EMPTY_FREE + 1; i < p->empty && ns < PACE_DELAY_MAX_NS;
	     i++)
		ns *= 2;
	return ns;
}
