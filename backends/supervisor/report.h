/* SPDX-License-Identifier: MIT */
/*
 * The control socket's language: a request is a line of JSON, its answer is lines of
 * JSON, one for each device and one at the end. Nothing here blocks or keeps anything.
 *
 *   {"cmd":"stats","domid":3}    ->  {"device":"3/xvda",...}
 *                                    {"device":"3/xvdb",...}
 *                                    {"done":true}
 *   {"cmd":"lst"}                ->  {"done":false,"error":"there is no command \"lst\""}
 *
 * Whatever a guest, or a worker that it has taken over, may have a hand in is made
 * printable text or a number here.
 */
#ifndef PVB_REPORT_H
#define PVB_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler.h"
#include "log.h"

struct device;
struct super;

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
 * report_parse() - Understand a line
 * @why:	What is wrong with it
 *
 * Return: 0 or -EINVAL.
 */
int must_check report_parse(const char *line, size_t len, struct ctl_request *rq,
                            char *why, size_t why_size);

/** report_wants() - Is @d among the devices that are asked for? */
bool report_wants(const struct ctl_request *rq, const struct device *d);

/*
 * Lines, with their end; malloc'ed, NULL without memory.
 */
char *report_device(struct device *d, enum ctl_cmd cmd);
char *report_version(const struct super *s);
char *report_done(void);
char *report_error(const char *why);

#endif
