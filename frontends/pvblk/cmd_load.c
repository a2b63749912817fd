/* SPDX-License-Identifier: MIT */
/* pvblk load: blocks are built and checked in the shared pages, nothing is copied. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "load.h"
#include "log.h"
#include "pattern.h"
#include "pvblk.h"

#define LINE_NS    UINT64_C(1000000000)
/* Tries to find a block that is not on its way before something must have come back. */
#define PICK_TRIES 16

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t rng_next(struct load *l)
{
	uint64_t v = l->rng += UINT64_C(0x9e3779b97f4a7c15);

	v = (v ^ v >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	v = (v ^ v >> 27) * UINT64_C(0x94d049bb133111eb);
	return v ^ v >> 31;
}

static uint64_t pattern_sequence(const struct load *l, uint32_t sequence)
{
	return l->run << 32 | sequence;
}

static uint64_t block_offset(const struct load *l, uint64_t index)
{
	return l->o->offset + index * l->o->bs;
}

/* ---- Which block next ------------------------------------------------------------ */

/* The last pass reads what was written, once. */
static bool pick_written(struct load *l, uint64_t *index)
{
	while (l->next < l->blocks && !l->block[l->next].sequence)
		l->next++;
	if (l->next == l->blocks) {
		l->stopping = true;
		return false;
	}
	*index = l->next++;
	return true;
}

static bool pick_block(struct load *l, uint64_t *index)
{
	if (l->last_pass)
		return pick_written(l, index);
	for (unsigned int i = 0; i < PICK_TRIES; i++) {
		uint64_t at = l->o->mode->random ? rng_next(l) % l->blocks
		                                 : l->next++ % l->blocks;

		if (l->block && l->block[at].busy)
			continue;
		*index = at;
		return true;
	}
	return false;
}

static uint8_t pick_op(struct load *l)
{
	uint32_t reads = l->o->mode->reads < 0 ? l->o->mix : (uint32_t)l->o->mode->reads;

	if (l->last_pass || rng_next(l) % 100 < reads)
		return BLKIF_OP_READ;
	return BLKIF_OP_WRITE;
}

/* ---- One block ------------------------------------------------------------------- */

static struct load_io *io_start(struct load *l)
{
	struct load_io *io = l->io;
	uint64_t index;

	if (l->stopping || l->active == l->o->depth || l->started == l->limit)
		return NULL;
	if (!pick_block(l, &index))
		return NULL;
	while (io->active)
		io++;
	*io = (struct load_io){
		.active = true, .op = pick_op(l), .index = index, .start_ns = now_ns()
	};
	if (l->block) {
		struct load_block *b = &l->block[index];

		b->busy = 1;
		io->sequence = b->sequence;
		if (io->op == BLKIF_OP_WRITE) {
			io->sequence = (b->sequence + 1) & INT32_MAX;
			/* Unknown until it is answered. */
			b->sequence = 0;
		}
	}
	l->started++;
	l->active++;
	return io;
}

/* Give the ring the next part of a block. Return: 0, -EAGAIN for no room, or -errno. */
static int io_issue(struct load *l, struct load_io *io)
{
	uint64_t offset = block_offset(l, io->index) + io->issued;
	uint32_t len = blkfront_req_max(offset);
	struct blkfront_req *req;
	int rc;

	if (len > l->o->bs - io->issued)
		len = l->o->bs - io->issued;
	rc = blkfront_get(l->bf, io->op, offset, len, &req);
	if (rc)
		return rc;
	req->cookie = io;
	if (l->block && io->op == BLKIF_OP_WRITE)
		pattern_fill(req->buf, len, l->o->seed, offset,
		             pattern_sequence(l, io->sequence));
	blkfront_queue(l->bf, req);
	io->issued += len;
	return 0;
}

static void load_fail(struct load *l, int error)
{
	if (!l->error)
		l->error = error;
	l->stopping = true;
}

static void part_check(struct load *l, const struct load_io *io,
                       const struct blkfront_req *req)
{
	char why[256];

	if (pattern_check(req->buf, req->len, l->o->seed, req->offset,
	                  pattern_sequence(l, io->sequence), why, sizeof(why))) {
		l->stats.verified += req->len;
		return;
	}
	load_line_clear(l);
	log_err(blkfront_tag(l->bf), "wrong data at %s", why);
	load_fail(l, -EBADMSG);
}

static void io_done(struct load *l, struct load_io *io, uint64_t now)
{
	if (l->block) {
		struct load_block *b = &l->block[io->index];

		b->busy = 0;
		if (io->op == BLKIF_OP_WRITE && !io->result)
			b->sequence = io->sequence & INT32_MAX;
	}
	hist_add(&l->recent, now - io->start_ns);
	if (!l->last_pass)
		hist_add(&l->stats.lat[io->op == BLKIF_OP_WRITE], now - io->start_ns);
	io->active = false;
	l->active--;
}

static void part_done(struct load *l, struct blkfront_req *req, uint64_t now)
{
	struct load_io *io = req->cookie;

	if (req->result) {
		load_line_clear(l);
		io_report(l->bf, req->op == BLKIF_OP_READ ? "read" : "write", req->offset,
		          req->result);
		io->result = req->result;
		load_fail(l, req->result);
	} else if (l->block && io->sequence && req->op == BLKIF_OP_READ) {
		part_check(l, io, req);
	}
	io->done += req->len;
	blkfront_put(l->bf, req);
	if (io->done == l->o->bs)
		io_done(l, io, now);
}

/* ---- The loop -------------------------------------------------------------------- */

static int load_fill(struct load *l)
{
	int rc = 0;

	for (;;) {
		if (!l->current)
			l->current = io_start(l);
		if (!l->current)
			break;
		rc = io_issue(l, l->current);
		if (rc)
			break;
		if (l->current->issued == l->o->bs)
			l->current = NULL;
	}
	blkfront_kick(l->bf);
	return rc == -EAGAIN ? 0 : rc;
}

/* Return: something came back. */
static bool load_reap(struct load *l)
{
	struct blkfront_req *req;
	uint64_t now = 0;

	while (blkfront_reap(l->bf, &req) == 1) {
		if (!now)
			now = now_ns();
		part_done(l, req, now);
	}
	if (now)
		l->progress_ns = now;
	return now != 0;
}

/* Sleep until something may have come back, or it is time for something. */
static int load_sleep(struct load *l)
{
	uint64_t now = now_ns();
	uint64_t wake = l->line_ns + LINE_NS;
	int rc;

	if (!l->stopping && l->end_ns < wake)
		wake = l->end_ns;
	rc = blkfront_wait(l->bf, wake > now ? (int)((wake - now) / 1000000) + 1 : 0);
	if (rc == 1)
		return -EINTR;
	now = now_ns();
	if (now - l->progress_ns < (uint64_t)l->o->conf.timeout_ms * 1000000)
		return 0;
	load_line_clear(l);
	return io_report(l->bf, "I/O", l->o->offset, -ETIMEDOUT);
}

static void load_clock(struct load *l)
{
	uint64_t now = now_ns();

	if (now >= l->end_ns)
		l->stopping = true;
	if (now - l->line_ns < LINE_NS)
		return;
	if (l->tty)
		load_line(l, now);
	l->line_ns = now;
	l->recent = (struct hist){ 0 };
}

static bool load_finished(const struct load *l)
{
	return l->active == 0 && (l->stopping || l->started == l->limit);
}

static int load_pass(struct load *l)
{
	l->begin_ns = l->progress_ns = l->line_ns = now_ns();
	for (;;) {
		int rc = load_fill(l);

		if (rc)
			return l->error ? l->error : rc;
		if (!load_reap(l)) {
			if (load_finished(l))
				return l->error;
			rc = load_sleep(l);
		}
		if (rc)
			return l->error ? l->error : rc;
		load_clock(l);
	}
}

static int load_run(struct load *l)
{
	int rc;

	l->end_ns = l->o->time_ms ? now_ns() + (uint64_t)l->o->time_ms * 1000000
	                          : UINT64_MAX;
	rc = load_pass(l);
	l->stats.ns = now_ns() - l->begin_ns;
	l->stats.ring = blkfront_stats(l->bf);
	load_line_clear(l);
	if (rc || !l->block)
		return rc;
	l->last_pass = true;
	l->stopping = false;
	l->limit = l->end_ns = UINT64_MAX;
	l->next = 0;
	return load_pass(l);
}

static int load_init(struct load *l, const struct opts *o, struct blkfront *bf)
{
	const struct blkfront_info *info = blkfront_info(bf);
	uint32_t unit = o->verify ? PATTERN_BLOCK : info->sector_size;
	uint64_t end;
	int rc;

	if (o->bs % unit) {
		log_err(blkfront_tag(bf), "--bs=%u must be a multiple of %u bytes here",
		        o->bs, unit);
		return ERR_USAGE;
	}
	if (info->readonly && o->mode->reads != 100) {
		log_err(blkfront_tag(bf),
		        "the disk is read-only: only --rw=read or randread");
		return ERR_USAGE;
	}
	rc = region_set(bf, o->offset, o->length, unit, &end);
	if (rc)
		return rc;
	l->blocks = (end - o->offset) / o->bs;
	if (!l->blocks) {
		log_err(blkfront_tag(bf), "there is no room for a block of %u bytes",
		        o->bs);
		return ERR_USAGE;
	}
	l->limit = o->size == UINT64_MAX ? UINT64_MAX : (o->size + o->bs - 1) / o->bs;
	l->rng = o->seed;
	l->run = (uint64_t)time(NULL) & UINT32_MAX;
	l->tty = isatty(STDERR_FILENO);
	l->o = o;
	l->bf = bf;
	if (!o->verify)
		return 0;
	l->block = calloc(l->blocks, sizeof(*l->block));
	return l->block ? 0 : log_errno(blkfront_tag(bf), "--verify");
}

int cmd_load(const struct opts *o, struct blkfront *bf)
{
	autofree struct load *l = calloc(1, sizeof(*l));
	int rc;

	if (!l)
		return log_errno(NULL, "load");
	rc = load_init(l, o, bf);
	if (rc)
		return rc;
	rc = load_run(l);
	load_report(l, rc);
	free(l->block);
	return rc;
}
