/* SPDX-License-Identifier: MIT */
/*
 * How frontends differ in what they write and in which order they go through their
 * states: a table, each row from that driver's source.
 */
#ifndef PVB_NETFRONT_KEYS_H
#define PVB_NETFRONT_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"
#include "front.h"
#include "netfront.h"
#include "netfront_ctrl.h"
#include "netfront_queue.h"

/**
 * struct netfront_way - What is the habit of a driver, besides its keys
 * @says_one:	It says how many queues there are also if there is one
 * @hasty:	Connected with the first keys, without a look at the backend, of which it
 *		takes nothing
 * @cycles:	Closing and Closed before it connects, each of which has to be answered
 * @apart:	Connected is written after the keys and not with them
 * @late:	Receive slots are posted when the backend is Connected
 * @straight:	Closed without having been Closing
 * @keeps:	Its keys stay when it closes
 * @reopens:	After Closed it is Initialising, and waits for InitWait, before it ends
 * @controls:	It uses the control ring whenever there is one: at first to have nothing
 *		hashed
 * @first_id:	The least id of a transmit slot
 */
struct netfront_way {
	bool says_one;
	bool hasty;
	bool cycles;
	bool apart;
	bool late;
	bool straight;
	bool keeps;
	bool reopens;
	bool controls;
	uint16_t first_id;
};

extern const struct netfront_way netfront_ways[];

/* Keys that mean one connection, for front_stop(). */
extern const char *const netfront_keys_ours[];

/** struct netfront_keys_arg - What netfront_keys_write() is to publish */
struct netfront_keys_arg {
	const char *dir;
	const struct netfront_conf *conf;
	const struct netfront_info *info;
	const struct netfront_queue *queue;
	const struct netfront_ctrl *ctrl;
};

/** netfront_keys_write() - For front_publish(). @arg: struct netfront_keys_arg */
int netfront_keys_write(struct xst *xs, xst_t t, void *arg);

#endif
