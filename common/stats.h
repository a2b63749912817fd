/* SPDX-License-Identifier: MIT */
/*
 * Statistics of a device: counters and histograms in a memfd that supervisor and worker
 * share. A ring's thread writes its numbers with plain stores; whoever reads them costs
 * it nothing.
 *
 *   offset 0     struct stats_head: sizes and places of what follows
 *          64    names: first the counters', then the histograms', STATS_NAME bytes each
 *   queues_at    a block for each queue, on pages of its own:
 *                0         counters, uint64_t each
 *                hists_at  histograms, hist_size apart
 *
 * The supervisor makes it with its size sealed and keeps it, so that the numbers outlive
 * a worker. A worker that a guest has taken over can write anything into it: a reader
 * copies first, judges the copy, and looks at the copy alone. It reads with pread(),
 * never through a mapping.
 */
#ifndef PVB_STATS_H
#define PVB_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "compiler.h"
#include "hist.h"

#define STATS_MAGIC        0x54534250U /* "PBST" */
#define STATS_VERSION      1U
#define STATS_NAME         24U
#define STATS_COUNTERS_MAX 64U
#define STATS_HISTS_MAX    16U
#define STATS_QUEUES_MAX   64U

/**
 * struct stats_table - What a kind of device counts, for each queue
 * @counter:	Names: lower case, digits and _, shorter than STATS_NAME, no two the same
 * @hist:	Names of histograms, as those; of nanoseconds
 * @queues:	Most queues that a device has
 */
struct stats_table {
	const char *const *counter;
	const char *const *hist;
	uint32_t ncounters;
	uint32_t nhists;
	uint32_t queues;
};

/**
 * struct stats_head - First bytes of the memfd
 * @size:	Of all, bytes
 * @buckets:	HIST_BUCKETS, and
 * @sub_bits:	HIST_SUB_BITS, which it was written with
 * @names_end:	Behind the last name, from the start
 * @queues_at:	First queue's block, from the start
 * @queue_size:	Distance of the blocks
 * @hists_at:	First histogram, from the block's start
 * @hist_size:	Distance of the histograms
 */
struct stats_head {
	uint32_t magic;
	uint32_t version;
	uint32_t size;
	uint32_t ncounters;
	uint32_t nhists;
	uint32_t nqueues;
	uint32_t buckets;
	uint32_t sub_bits;
	uint32_t queues_at;
	uint32_t queue_size;
	uint32_t hists_at;
	uint32_t hist_size;
	uint32_t names_end;
	uint32_t zero[3];
};

_Static_assert(sizeof(struct stats_head) == 64, "fixed for all versions");

/* ---- Supervisor ------------------------------------------------------------------- */

/** stats_create() - Make the memfd for devices of @t, all zero. Return: fd or -errno. */
int must_check stats_create(const struct stats_table *t);

/**
 * struct stats_snap - A private copy, judged
 * @name:	Of the counters, then of the histograms
 * @nqueues:	Queues copied
 */
struct stats_snap {
	struct stats_head head;
	const char (*name)[STATS_NAME];
	uint32_t nqueues;
	uint8_t *copy;
};

/**
 * stats_read() - Copy the first @nqueues queues, or as many as there are
 *
 * The numbers are whatever the worker has written; histograms agree in themselves.
 *
 * Return: 0 and @snap, to be freed with stats_snap_free(); -EPROTO when this is not what
 * stats_create() made; or other -errno.
 */
int must_check stats_read(int fd, uint32_t nqueues, struct stats_snap *snap);
void stats_snap_free(struct stats_snap *snap);

const uint64_t *stats_snap_counters(const struct stats_snap *snap, uint32_t queue);
const struct hist *stats_snap_hist(const struct stats_snap *snap, uint32_t queue,
                                   uint32_t i);

/**
 * stats_judge() - Is this the beginning of what stats_create() makes?
 * @copy:	Private copy of the head and the names, @len bytes
 * @size:	Of the memfd
 *
 * Return: 0, or -EPROTO. Pure.
 */
int must_check stats_judge(const void *copy, size_t len, uint64_t size);

/** stats_names_end() - Bytes of head and names, of a head that may say anything */
size_t stats_names_end(const struct stats_head *h);

/* ---- Worker ----------------------------------------------------------------------- */

struct stats;

/** stats_map() - Map a memfd that must be one for @t. Return: 0 or -errno. */
int must_check stats_map(int fd, const struct stats_table *t, struct stats **out);

/** stats_unmap() - NULL is accepted */
void stats_unmap(struct stats *s);

/** stats_counters() - Numbers of a queue, in the table's order; for one thread to write
 */
uint64_t *stats_counters(struct stats *s, uint32_t queue);
struct hist *stats_hist(struct stats *s, uint32_t queue, uint32_t i);

/** stats_add() - Count; one writer, so others find the number whole without a lock */
static inline void stats_add(uint64_t *c, uint64_t n)
{
	__atomic_store_n(c, *c + n, __ATOMIC_RELAXED);
}

#endif
