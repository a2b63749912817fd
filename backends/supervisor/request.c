/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "capture.h"
#include "device.h"
#include "num.h"

static const char *const cmd_name[] = {
	[CTL_VERSION] = "version", [CTL_LOG] = "log",         [CTL_RESUME] = "resume",
	[CTL_LIST] = "list",       [CTL_STATS] = "stats",     [CTL_SHOW] = "show",
	[CTL_TUNE] = "tune",       [CTL_CAPTURE] = "capture", [CTL_RENEW] = "renew",
	[CTL_UPGRADE] = "upgrade",
};
_Static_assert(ARRAY_SIZE(cmd_name) == CTL_NCMDS, "a command has no name");

static int printf_like(3, 4) wrong(char *why, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* A member that is missing is none; one that is no such number is an error. */
static int get_number(const json_t *o, const char *key, uint32_t max, bool *there,
                      uint32_t *out)
{
	const json_t *j = json_object_get(o, key);
	json_int_t n = json_integer_value(j);

	*there = j;
	if (j && (!json_is_integer(j) || n < 0 || n > max))
		return -EINVAL;
	*out = (uint32_t)n;
	return 0;
}

static int get_words(const json_t *o, const char *key, char *out, size_t size)
{
	const char *s = json_string_value(json_object_get(o, key));

	if (!s || strlen(s) >= size)
		return -EINVAL;
	memcpy(out, s, strlen(s) + 1);
	return 0;
}

static int parse_device(const json_t *o, struct ctl_request *rq, char *why, size_t size)
{
	const char *kind = json_string_value(json_object_get(o, "kind"));

	if (get_number(o, "domid", NUM_DOMID_MAX, &rq->some, &rq->domid))
		return wrong(why, size, "domid is no domain's number");
	if (get_number(o, "devid", INT32_MAX, &rq->one, &rq->devid))
		return wrong(why, size, "devid is no device's number");
	if (!rq->one)
		return 0;
	if (!kind || !rq->some || strlen(kind) >= sizeof(rq->kind))
		return wrong(why, size, "devid needs domid and kind");
	memcpy(rq->kind, kind, strlen(kind) + 1);
	return 0;
}

static int parse_level(const json_t *o, struct ctl_request *rq, char *why, size_t size)
{
	const char *level = json_string_value(json_object_get(o, "level"));

	if (!level || log_level_parse(level, &rq->level))
		return wrong(why, size, "level must be err, warn, info or debug");
	return 0;
}

/* What is done to a device, not shown of it. */
static bool of_one(enum ctl_cmd cmd)
{
	return cmd == CTL_RESUME || cmd == CTL_CAPTURE || cmd == CTL_TUNE;
}

static int parse_request(const json_t *o, struct ctl_request *rq, char *why, size_t size)
{
	const char *cmd = json_string_value(json_object_get(o, "cmd"));
	bool there;

	if (!cmd)
		return wrong(why, size, "a request is an object with \"cmd\"");
	for (int i = 0; i < CTL_NCMDS; i++) {
		if (strcmp(cmd, cmd_name[i]) != 0)
			continue;
		rq->cmd = (enum ctl_cmd)i;
		if (i == CTL_LOG)
			return parse_level(o, rq, why, size);
		if (of_one(rq->cmd) && !json_object_get(o, "devid"))
			return wrong(why, size, "%s needs devid", cmd);
		if (i == CTL_RENEW && !json_object_get(o, "domid"))
			return wrong(why, size, "%s needs domid", cmd);
		if (get_number(o, "snaplen", CAPTURE_SNAPLEN, &there, &rq->snaplen) ||
		    (!there && i == CTL_CAPTURE))
			return wrong(why, size, "snaplen must be a number up to %u",
			             CAPTURE_SNAPLEN);
		if (i == CTL_TUNE && get_words(o, "what", rq->what, sizeof(rq->what)))
			return wrong(why, size, "tune needs what, a short text");
		return parse_device(o, rq, why, size);
	}
	return wrong(why, size, "there is no command \"%.20s\"", cmd);
}

int request_parse(const char *s, size_t len, struct ctl_request *rq, char *why,
                  size_t why_size)
{
	json_error_t err;
	json_t *o = json_loadb(s, len, JSON_REJECT_DUPLICATES, &err);
	int rc;

	*rq = (struct ctl_request){ 0 };
	if (!o)
		return wrong(why, why_size, "this is no JSON: %s", err.text);
	rc = parse_request(o, rq, why, why_size);
	json_decref(o);
	return rc;
}

bool request_wants(const struct ctl_request *rq, const struct device *d)
{
	return (!rq->some || d->bdev.domid == rq->domid) &&
	       (!rq->one ||
	        (d->bdev.devid == rq->devid && strcmp(d->ops->kind, rq->kind) == 0));
}
