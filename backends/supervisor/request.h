/* SPDX-License-Identifier: MIT */
/*
 * What is asked on the control socket: a request is a line of JSON, its answer is lines
 * of JSON, one for each device and one at the end (report.h).
 *
 *   {"cmd":"stats","domid":3}    ->  {"device":"3/xvda",...}
 *                                    {"device":"3/xvdb",...}
 *                                    {"done":true}
 *   {"cmd":"lst"}                ->  {"done":false,"error":"there is no command \"lst\""}
 */
#ifndef PVB_REQUEST_H
#define PVB_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler.h"
#include "log.h"

struct device;

enum ctl_cmd {
	CTL_VERSION, /* of pvbackd, and how it does */
	CTL_LOG,     /* set the log level */
	CTL_RESUME,  /* what one device waits for is there again */
	CTL_TUNE,    /* change something of one device */
	CTL_CAPTURE, /* what passes one device goes to a descriptor of the client's */
	CTL_RENEW,   /* another worker for one guest */
	CTL_UPGRADE, /* another pvbackd: the program that is installed now */
	CTL_LIST,    /* devices: what and where they are */
	CTL_STATS,   /* and what was counted */
	CTL_SHOW,    /* and everything that is known */
	CTL_NCMDS
};

/**
 * struct ctl_request - What is asked for
 * @some:	Of guest @domid only
 * @one:	And of its device @kind, @devid only
 * @what:	To change, in the backend's words
 * @snaplen:	Bytes of each frame to capture
 */
struct ctl_request {
	enum ctl_cmd cmd;
	bool some, one;
	uint32_t domid, devid;
	char kind[16];
	enum log_level level;
	uint32_t snaplen;
	char what[192];
};

/**
 * request_parse() - Understand a line
 * @why:	What is wrong with it
 *
 * Return: 0 or -EINVAL.
 */
int must_check request_parse(const char *line, size_t len, struct ctl_request *rq,
                             char *why, size_t why_size);

/** request_wants() - Is @d among the devices that are asked for? */
bool request_wants(const struct ctl_request *rq, const struct device *d);

#endif
