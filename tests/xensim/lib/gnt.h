/* SPDX-License-Identifier: MIT */
/* What the two halves of libxengnttab share: the public header gives both one handle
 * type. */
#ifndef XENSIM_GNT_H
#define XENSIM_GNT_H

#include "sim.h"

struct xengntdev_handle {
	struct handle h;
};

struct xengntdev_handle *gnt_open(enum handle_kind kind);
int gnt_close(struct xengntdev_handle *xgt);

#endif
