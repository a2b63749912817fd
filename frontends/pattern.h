/* SPDX-License-Identifier: MIT */
/*
 * Blocks that say what they are: each 4 KiB begin with seed, byte offset and sequence
 * number, and the rest follows from these. So a block that is wrong tells whose it is:
 * misplaced, out of date, of another run, or torn.
 */
#ifndef PVB_PATTERN_H
#define PVB_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler.h"

#define PATTERN_BLOCK 4096U

/** pattern_fill() - Fill @len bytes, whole blocks, that go to byte @offset of a disk */
void pattern_fill(void *buf, size_t len, uint64_t seed, uint64_t offset,
                  uint64_t sequence);

/**
 * pattern_check() - Compare @len bytes that were read at @offset
 * @why:	What the first wrong block holds instead
 *
 * Return: true if all are as pattern_fill() makes them.
 */
bool must_check pattern_check(const void *buf, size_t len, uint64_t seed, uint64_t offset,
                              uint64_t sequence, char *why, size_t why_size);

#endif
