/* SPDX-License-Identifier: MIT */
/* What pvnet's commands share. */
#ifndef PVB_PVNET_H
#define PVB_PVNET_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"
#include "flow.h"
#include "netfront.h"
#include "tool.h"

/**
 * struct opts - What the command line says
 * @devid:	Number of the card
 * @name:	Of the interface that `tap` makes
 * @to:		Whom `send` sends to
 * @count:	Frames of each flow
 * @flows:	Of `send`
 * @min, @max:	Length of a frame
 * @segment:	Bytes of payload in a segment; 0: frames are not to be segmented
 * @first:	Bytes in the first slot; 0: as many as fit
 * @cross:	The first frame goes over the end of its page
 * @hold:	Connected, wait for standard input before frames are sent
 * @v6:		IPv6, else IPv4
 * @udp:	UDP, else TCP
 * @full:	Full checksums, else blank ones
 * @groups:	Addresses of the groups to listen to, or NULL for all
 * @hash:	To be hashed, if @conf says so
 * @changes:	`load` has headroom, and none, in turn, so often, and goes on until then
 * @idle_ms:	`check` ends when nothing has come for so long, or ten times as long
 *		without a first frame; `load` as well
 * @seconds:	How long `load` sends
 * @window:	Frames of a flow that it has under way
 */
struct opts {
	struct netfront_conf conf;
	uint32_t devid;
	const char *name;
	uint8_t to[6];
	bool have_to;
	uint32_t count;
	uint32_t flows;
	uint32_t min, max;
	uint32_t segment;
	uint32_t first;
	bool cross;
	bool hold;
	bool v6;
	bool udp;
	bool full;
	const char *groups;
	struct netfront_hash hash;
	uint32_t changes;
	uint32_t idle_ms;
	uint32_t seconds;
	uint32_t window;
	uint64_t seed;
};

/** opts_parse() - Return: 0, -EINVAL with the complaint printed, or 1: --help */
int must_check opts_parse(struct opts *o, int argc, char **argv);

/* Return: 0, -EINTR, or -errno, the reason is printed. */
int cmd_info(const struct opts *o, struct netfront *nf);
int cmd_tap(const struct opts *o, struct netfront *nf);
int cmd_send(const struct opts *o, struct netfront *nf);
int cmd_check(const struct opts *o, struct netfront *nf);
int cmd_load(const struct opts *o, struct netfront *nf);
int cmd_flood(const struct opts *o, struct netfront *nf);
int cmd_drain(const struct opts *o, struct netfront *nf);
int cmd_dump(const struct opts *o, struct netfront *nf);

/**
 * check_some() - Check all frames that have come on any queue, publish what was put
 *
 * Return: frames of a flow, -EILSEQ for a wrong one, which is logged, or other -errno.
 */
int must_check check_some(struct netfront *nf, struct flow_check *c);

/** struct command - A subcommand */
struct command {
	const char *name;
	const char *summary;
	int (*run)(const struct opts *o, struct netfront *nf);
};

#endif
