/* SPDX-License-Identifier: MIT */
/* pvbackctl's commands. */
#ifndef PVB_CMDS_H
#define PVB_CMDS_H

#include <stdbool.h>
#include <stdint.h>

#include "conn.h"

#define LIMITS_TEXT 160

/**
 * struct opts - What was asked for
 * @what:	Argument, or NULL
 * @every_ms:	Time between samples
 * @watch:	Go on, @count times, or for ever if that is 0
 * @count:	Also frames to capture
 * @file:	To be written; "-" is standard output
 * @limits:	To be set, "tx-bytes=1000000 rx-packets=0", or ""
 * @snaplen:	Bytes to be kept of each frame
 */
struct opts {
	const char *run_dir;
	const char *what;
	bool json, watch;
	uint32_t every_ms;
	uint32_t count;
	const char *file;
	uint32_t snaplen;
	char limits[LIMITS_TEXT];
};

/* Return: exit status, having said what is wrong. */
int cmd_list(struct conn *c, const struct opts *o);
int cmd_show(struct conn *c, const struct opts *o);
int cmd_stats(struct conn *c, const struct opts *o);
int cmd_log(struct conn *c, const struct opts *o);
int cmd_resume(struct conn *c, const struct opts *o);
int cmd_limit(struct conn *c, const struct opts *o);
int cmd_capture(struct conn *c, const struct opts *o);
int cmd_upgrade(struct conn *c, const struct opts *o);
int cmd_version(struct conn *c, const struct opts *o);

/** wait_ms() - Let time pass */
void wait_ms(uint32_t ms);

#endif
