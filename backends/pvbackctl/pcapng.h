/* SPDX-License-Identifier: MIT */
/*
 * Captured frames as a pcapng file: section header, one interface, a packet with a
 * comment for each frame, and statistics at the end. Pure: blocks are made in memory.
 *
 * Source: draft-ietf-opsawg-pcapng. Numbers are in this host's byte order, as it allows.
 */
#ifndef PVB_PCAPNG_H
#define PVB_PCAPNG_H

#include <stddef.h>
#include <stdint.h>

#include "capture.h"
#include "compiler.h"

/* Bytes that any block may have: the largest frame, and its comment. */
#define PCAPNG_BLOCK_MAX (CAPTURE_SNAPLEN + 512U)

/** pcapng_begin() - Section and interface. Return: bytes, PCAPNG_BLOCK_MAX at most. */
size_t pcapng_begin(uint8_t *out, const char *interface, const char *about,
                    uint32_t snaplen);

/** pcapng_frame() - A frame with its @r->data bytes. Return: as pcapng_begin(). */
size_t pcapng_frame(uint8_t *out, const struct capture_rec *r, const uint8_t *data);

/**
 * pcapng_end() - What was captured
 * @start, @end: CLOCK_REALTIME, ns
 * @written:	Frames that are in the file
 */
size_t pcapng_end(uint8_t *out, const struct capture_count *count, uint64_t written,
                  uint64_t start, uint64_t end);

/** pcapng_comment() - What is said of a frame, in words; @out has 256 bytes */
void pcapng_comment(char out[256], const struct capture_rec *r);

#endif
