/* SPDX-License-Identifier: MIT */
/* pvblk read, pvblk write. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "blkfront_io.h"
#include "log.h"
#include "pvblk.h"

/* Wait for standard input or output, or a signal. */
static int fd_wait(int fd, short events)
{
	struct pollfd p[] = { { .fd = fd, .events = events },
		              { .fd = wake_fd, .events = POLLIN } };

	while (poll(p, ARRAY_SIZE(p), -1) < 0)
		if (errno != EINTR)
			return log_errno(NULL, "poll");
	return p[1].revents ? -EINTR : 0;
}

/* Read until @len bytes or the end of file. */
static int input_read(char *buf, size_t *len)
{
	size_t at = 0;

	while (at < *len) {
		int rc = fd_wait(STDIN_FILENO, POLLIN);
		ssize_t n;

		if (rc)
			return rc;
		n = read(STDIN_FILENO, buf + at, *len - at);
		if (n < 0 && errno != EINTR)
			return log_errno(NULL, "reading standard input");
		if (n == 0)
			break;
		if (n > 0)
			at += (size_t)n;
	}
	*len = at;
	return 0;
}

/**
 * struct output - Where `read` writes to
 * @left:	Bytes asked for that are not written yet: the last sector may be cut
 */
struct output {
	uint64_t left;
};

static int output_write(void *arg, uint64_t offset, void *buf, size_t *len)
{
	struct output *out = arg;
	size_t want = *len < out->left ? *len : (size_t)out->left;
	size_t at = 0;

	(void)offset;
	while (at < want) {
		int rc = fd_wait(STDOUT_FILENO, POLLOUT);
		ssize_t n;

		if (rc)
			return rc;
		n = write(STDOUT_FILENO, (char *)buf + at, want - at);
		if (n < 0 && errno != EINTR)
			return log_errno(NULL, "writing standard output");
		if (n > 0)
			at += (size_t)n;
	}
	out->left -= want;
	return 0;
}

int cmd_read(const struct opts *o, struct blkfront *bf)
{
	const struct blkfront_info *info = blkfront_info(bf);
	struct output out = { 0 };
	struct stream s = {
		.bf = bf,
		.op = BLKIF_OP_READ,
		.offset = o->offset,
		.move = output_write,
		.arg = &out,
		.timeout_ms = o->conf.timeout_ms,
	};
	uint64_t end;
	int rc = region_set(bf, o->offset, o->length, 1, &end);

	if (!rc)
		rc = region_set(bf, o->offset, 0, info->sector_size, &s.end);
	if (rc)
		return rc;
	out.left = end - o->offset;
	/* The capacity is whole sectors: this does not pass the end. */
	s.end = end + (info->sector_size - end % info->sector_size) % info->sector_size;
	return stream_run(&s);
}

/**
 * struct input - Where `write` reads from
 * @tail:	Bytes at the end that do not fill a sector
 * @offset:	Where they go
 */
struct input {
	uint32_t sector_size;
	char tail[XEN_PAGE];
	size_t tail_len;
	uint64_t offset;
};

static int input_fill(void *arg, uint64_t offset, void *buf, size_t *len)
{
	struct input *in = arg;
	int rc;

	if (in->tail_len) {
		*len = 0;
		return 0;
	}
	rc = input_read(buf, len);
	if (rc)
		return rc;
	in->tail_len = *len % in->sector_size;
	*len -= in->tail_len;
	in->offset = offset + *len;
	memcpy(in->tail, (char *)buf + *len, in->tail_len);
	return 0;
}

/* The rest of the last sector keeps what it had. */
static int tail_write(const struct opts *o, struct blkfront *bf, const struct input *in)
{
	char sector[XEN_PAGE];
	int rc = blkio_sync(bf, BLKIF_OP_READ, in->offset, sector, in->sector_size,
	                    o->conf.timeout_ms);

	if (!rc) {
		memcpy(sector, in->tail, in->tail_len);
		rc = blkio_sync(bf, BLKIF_OP_WRITE, in->offset, sector, in->sector_size,
		                o->conf.timeout_ms);
	}
	return io_report(bf, "write", in->offset, rc);
}

/* The disk is full: that is only well if the input ends here, too. */
static int input_ended(struct blkfront *bf)
{
	char more;
	size_t len = 1;
	int rc = input_read(&more, &len);

	if (rc || !len)
		return rc;
	return io_report(bf, "write", blkfront_info(bf)->bytes, -ENOSPC);
}

int cmd_write(const struct opts *o, struct blkfront *bf)
{
	struct input in = { .sector_size = blkfront_info(bf)->sector_size };
	struct stream s = {
		.bf = bf,
		.op = BLKIF_OP_WRITE,
		.offset = o->offset,
		.move = input_fill,
		.arg = &in,
		.timeout_ms = o->conf.timeout_ms,
	};
	int rc = 0;

	if (blkfront_info(bf)->readonly)
		rc = io_report(bf, "write", o->offset, -EROFS);
	if (!rc)
		rc = region_set(bf, o->offset, UINT64_MAX, in.sector_size, &s.end);
	if (!rc)
		rc = stream_run(&s);
	if (!rc && in.tail_len)
		rc = tail_write(o, bf, &in);
	if (!rc && s.offset == s.end)
		rc = input_ended(bf);
	return rc ? rc : flush_disk(bf, o->conf.timeout_ms);
}
