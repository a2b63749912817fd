/* SPDX-License-Identifier: MIT */
/* pvblk: use a paravirtual disk of this domain from the command line. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "front.h"
#include "log.h"
#include "pvblk.h"

const struct command commands[CMD_COUNT] = {
	[CMD_INFO] = { "info", "List the disks, or say what one of them is", false,
	               cmd_info },
	[CMD_READ] = { "read", "Copy the disk, or a part of it, to standard output", true,
	               cmd_read },
	[CMD_WRITE] = { "write", "Copy standard input to the disk", true, cmd_write },
	[CMD_VERIFY] = { "verify",
	                 "Check, or write and check, a pattern; print its SHA-256", true,
	                 cmd_verify },
	[CMD_LOAD] = { "load", "Put load on the disk and measure", true, cmd_load },
	[CMD_CYCLE] = { "cycle", "Connect and close again and again", true, cmd_cycle },
};

int io_report(const struct blkfront *bf, const char *what, uint64_t offset, int rc)
{
	if (rc == -ETIMEDOUT)
		log_err(blkfront_tag(bf), "%s at offset %" PRIu64 ": no answer in time",
		        what, offset);
	else if (rc && rc != -EINTR && rc != blkfront_error(bf))
		log_err(blkfront_tag(bf), "%s at offset %" PRIu64 " failed: %s", what,
		        offset, strerror(-rc));
	return rc;
}

int region_set(const struct blkfront *bf, uint64_t offset, uint64_t length, uint32_t unit,
               uint64_t *end)
{
	const struct blkfront_info *info = blkfront_info(bf);
	uint64_t left;

	if (offset > info->bytes) {
		log_err(blkfront_tag(bf),
		        "offset %" PRIu64 " is beyond the end of the disk, %" PRIu64
		        " bytes",
		        offset, info->bytes);
		return ERR_USAGE;
	}
	left = info->bytes - offset;
	if (length == UINT64_MAX)
		length = left - left % unit;
	if (length > left) {
		log_err(blkfront_tag(bf),
		        "%" PRIu64 " bytes from offset %" PRIu64
		        " on end beyond the end of the disk, %" PRIu64 " bytes",
		        length, offset, info->bytes);
		return ERR_USAGE;
	}
	if (offset % unit || length % unit) {
		log_err(blkfront_tag(bf),
		        "%s %" PRIu64 " must be a multiple of %u bytes here",
		        offset % unit ? "offset" : "length",
		        offset % unit ? offset : length, unit);
		return ERR_USAGE;
	}
	*end = offset + length;
	return 0;
}

static int device_run(const struct command *cmd, const struct opts *o)
{
	struct blkfront_conf conf = o->conf;
	struct blkfront *bf;
	uint32_t devid;
	int closed, rc = blkfront_find(o->dev, &devid);

	if (rc)
		return rc == -EINVAL ? ERR_USAGE : -ENODEV;
	conf.wake_fd = wake_fd;
	rc = blkfront_open(&bf, devid, &conf);
	if (rc)
		return rc == -EPROTO || rc == -EINTR ? rc : -ENODEV;
	rc = cmd->run(o, bf);
	closed = blkfront_close(bf);
	return rc ? rc : closed;
}

int main(int argc, char **argv)
{
	const struct command *cmd;
	struct opts o;
	bool done;
	int rc;

	log_init("pvblk", LOG_STDERR);
	log_set_level(LOG_LVL_WARN);
	if (opts_parse(&o, argc, argv, &cmd, &done))
		return EXIT_USAGE;
	if (done)
		return 0;
	/* A reader that has gone is a failed write: the device is closed then, too. */
	signal(SIGPIPE, SIG_IGN);
	rc = tool_signals();
	if (!rc)
		rc = cmd->connect || o.dev ? device_run(cmd, &o) : cmd->run(&o, NULL);
	return tool_status(rc);
}
