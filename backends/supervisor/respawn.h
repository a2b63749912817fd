/* SPDX-License-Identifier: MIT */
/*
 * When a worker that died is succeeded: at once, unless workers of this guest keep dying
 * young. Pure: the caller has the clock.
 */
#ifndef PVB_RESPAWN_H
#define PVB_RESPAWN_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Young is who has not lived so long. A crash repeats itself: the request that brought it
 * about is served again.
 */
#define RESPAWN_YOUNG_MS       50U
#define RESPAWN_YOUNG_CRASH_MS 10000U
/* Deaths in a row, all young, that are answered at once; then pauses that double. */
#define RESPAWN_FREE           3U
#define RESPAWN_PAUSE_MIN_MS   20U
#define RESPAWN_PAUSE_MAX_MS   2000U
/* A device during whose service the worker crashed so often in a row rests, ever longer.
 */
#define RESPAWN_CRASHES        6U
#define RESPAWN_REST_MIN_MS    2000U
#define RESPAWN_REST_MAX_MS    60000U
/*
 * From so many on it is a suspect: suspects are taken up one after the other, each on
 * trial for so long, and a crash meanwhile is held against that one alone.
 */
#define RESPAWN_SUSPECT        3U
#define RESPAWN_TRIAL_MS       1000U

/** struct respawn - Of one guest; zero-initialised is ready. @young: deaths in a row */
struct respawn {
	uint32_t young;
};

/**
 * respawn_pause() - A worker died
 * @lived_ms:	So long after its start
 * @crashed:	By its own doing, as far as can be told
 *
 * Return: how long to wait before the next is started, ms.
 */
uint32_t respawn_pause(struct respawn *r, uint64_t lived_ms, bool crashed);

/** respawn_rest() - After so many @crashes in a row with a device. Return: ms, or 0 */
uint32_t respawn_rest(unsigned int crashes);

#endif
