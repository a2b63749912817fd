/* SPDX-License-Identifier: MIT */
/*
 * The control ring of a network card: one request at a time, and its answer. The rest of
 * what netfront.h says of hashes is in netfront.c.
 */
#ifndef PVB_NETFRONT_CTRL_H
#define PVB_NETFRONT_CTRL_H

#include <stdint.h>

#include "compiler.h"
#include "front_chan.h"
#include "netfront.h"
#include "xenabi.h"

/**
 * struct netfront_ctrl - Zero-initialised is not there
 * @pushed:	Value of req_prod that the backend was given
 * @ref:	Of the ring's page
 * @data:	A page that requests name, of @data_ref
 * @id:		Of the last request
 */
struct netfront_ctrl {
	const char *tag;
	struct front_chan chan;
	xen_netif_ctrl_front_ring_t front;
	RING_IDX pushed;
	void *page, *data;
	uint32_t ref, data_ref;
	uint16_t id;
};

/** netfront_ctrl_open() - Return: 0 or -errno, logged; netfront_ctrl_close() is due
 * either way */
int must_check netfront_ctrl_open(struct netfront_ctrl *c, uint32_t backend,
                                  const char *tag);
void netfront_ctrl_close(struct netfront_ctrl *c);

/**
 * netfront_ctrl_hash() - Have frames hashed as @h says, or, with NULL, not at all
 *
 * Return: 0 or -errno, logged: -EPROTO if the backend refuses it.
 */
int must_check netfront_ctrl_hash(struct netfront_ctrl *c, const struct netfront_hash *h,
                                  int timeout_ms);

#endif
