/* SPDX-License-Identifier: MIT */
#include "respawn.h"

uint32_t respawn_pause(struct respawn *r, uint64_t lived_ms, bool crashed)
{
	uint32_t pause = RESPAWN_PAUSE_MIN_MS;

	if (lived_ms >= (crashed ? RESPAWN_YOUNG_CRASH_MS : RESPAWN_YOUNG_MS)) {
		r->young = 0;
		return 0;
	}
	if (r->young < UINT32_MAX)
		r->young++;
	if (r->young <= RESPAWN_FREE)
		return 0;
	for (uint32_t i = RESPAWN_FREE + 1; i < r->young && pause < RESPAWN_PAUSE_MAX_MS;
	     i++)
		pause *= 2;
	return pause < RESPAWN_PAUSE_MAX_MS ? pause : RESPAWN_PAUSE_MAX_MS;
}

uint32_t respawn_rest(unsigned int crashes)
{
	uint32_t rest = RESPAWN_REST_MIN_MS;

	if (crashes < RESPAWN_CRASHES)
		return 0;
	for (unsigned int i = RESPAWN_CRASHES; i < crashes && rest < RESPAWN_REST_MAX_MS;
	     i++)
		rest *= 2;
	return rest < RESPAWN_REST_MAX_MS ? rest : RESPAWN_REST_MAX_MS;
}
