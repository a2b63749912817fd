/* SPDX-License-Identifier: MIT */
/*
 * Grants of one guest: map, unmap, copy. The only user of libxengnttab on the backends'
 * side.
 *
 * No call names a domain: the handle carries it, so that the calls can be served by a
 * process that is trusted with one guest's grants only. A handle may be used by several
 * threads at once; a batch belongs to one.
 */
#ifndef PVB_GNT_H
#define PVB_GNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler.h"

struct gnt;
struct gnt_batch;

/** gnt_open() - Open /dev/xen/gntdev for the grants of guest @domid */
int must_check gnt_open(uint32_t domid, struct gnt **out);

/** gnt_close() - Everything must have been unmapped; NULL is accepted */
void gnt_close(struct gnt *g);

/**
 * gnt_map() - Map @n grants as consecutive pages
 *
 * All or nothing: one bad grant fails the call, and -EINVAL does not say which.
 */
int must_check gnt_map(struct gnt *g, const uint32_t *refs, uint32_t n, bool writable,
                       void **out);

/** gnt_unmap() - Undo one gnt_map(), with the address and number of that call */
void gnt_unmap(struct gnt *g, void *addr, uint32_t n);

enum gnt_dir {
	GNT_FROM_GUEST,
	GNT_TO_GUEST
};

/** gnt_batch_new() - Room for @max copies between this guest and us */
int must_check gnt_batch_new(struct gnt *g, uint32_t max, struct gnt_batch **out);
void gnt_batch_free(struct gnt_batch *b);

/**
 * gnt_batch_add() - Add a copy between a grant and our memory
 * @off:	First byte in the granted page; @off + @len stays within it
 *
 * Return: the copy's number in the batch, counted from 0.
 */
uint32_t gnt_batch_add(struct gnt_batch *b, enum gnt_dir dir, uint32_t ref, uint32_t off,
                       void *local, uint32_t len);
uint32_t gnt_batch_len(const struct gnt_batch *b);

/** gnt_batch_run() - Do the copies, in one call, and empty the batch for the next ones */
void gnt_batch_run(struct gnt_batch *b);

/** gnt_batch_ok() - After the run: did copies @first to @first + @n - 1 all succeed */
bool gnt_batch_ok(const struct gnt_batch *b, uint32_t first, uint32_t n);

#endif
