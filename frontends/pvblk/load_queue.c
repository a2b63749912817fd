/* SPDX-License-Identifier: MIT */
/* The load on one queue: blocks are built and checked in the shared pages, nothing is
 * copied. */
#include <errno.h>

#include "clock.h"
#include "load.h"
#include "log.h"
#include "pattern.h"
#include "pvblk.h"
#include "rng.h"

#define LINE_NS    UINT64_C(1000000000)
/* Tries to find a block that is not on its way before something must have come back. */
#define PICK_TRIES 16

static const uint8_t op_of[] = {
	[LOAD_READ] = BLKIF_OP_READ,
	[LOAD_WRITE] = BLKIF_OP_WRITE,
	[LOAD_BARRIER] = BLKIF_OP_WRITE_BARRIER,
	[LOAD_FLUSH] = BLKIF_OP_FLUSH_DISKCACHE,
	[LOAD_TRIM] = BLKIF_OP_DISCARD,
};

_Static_assert(ARRAY_SIZE(op_of) == LOAD_KINDS, "an operation is missing");

static uint64_t pattern_sequence(const struct load *l, uint32_t sequence)
{
	return l->all->run << 32 | sequence;
}

static uint64_t block_offset(const struct load *l, uint64_t index)
{
	return l->o->offset + (index * l->all->queues + l->queue) * l->o->bs;
}

static bool is_write(enum load_kind kind)
{
	return kind == LOAD_WRITE || kind == LOAD_BARRIER;
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
		uint64_t at = l->o->mode.random ? rng_next(&l->rng) % l->blocks
		                                : l->next++ % l->blocks;

		if (l->block && l->block[at].busy)
			continue;
		*index = at;
		return true;
	}
	return false;
}

static enum load_kind pick_kind(struct load *l)
{
	uint32_t at, sum = 0;
	unsigned int kind = 0;

	for (unsigned int i = 0; i < LOAD_KINDS; i++)
		sum += l->o->mode.weight[i];
	if (l->last_pass || l->o->mode.weight[LOAD_READ] == sum)
		return LOAD_READ;
	at = (uint32_t)(rng_next(&l->rng) % sum);
	while (at >= l->o->mode.weight[kind])
		at -= l->o->mode.weight[kind++];
	return (enum load_kind)kind;
}

/* ---- How often, with --rate ------------------------------------------------------- */

/* What a thread that slept too long has missed is made up for, up to this. */
#define RATE_LATE_NS UINT64_C(10000000)

static bool rate_allows(const struct load *l)
{
	return !l->o->rate || l->last_pass || clock_ns() >= l->due_ns;
}

static void rate_count(struct load *l, uint64_t now)
{
	if (!l->o->rate)
		return;
	if (l->due_ns + RATE_LATE_NS < now)
		l->due_ns = now - RATE_LATE_NS;
	l->due_ns += UINT64_C(1000000000) / l->o->rate;
}

/* ---- One block ------------------------------------------------------------------- */

static struct load_io *io_start(struct load *l)
{
	enum load_kind kind;
	struct load_io *io;
	uint64_t index = 0;

	if (l->stopping || !l->nidle || l->started == l->limit || !rate_allows(l))
		return NULL;
	kind = pick_kind(l);
	if (kind != LOAD_FLUSH && !pick_block(l, &index))
		return NULL;
	io = &l->io[l->idle[--l->nidle]];
	*io = (struct load_io){ .kind = kind,
		                .index = index,
		                .len = kind == LOAD_FLUSH ? 0 : l->o->bs,
		                .start_ns = clock_ns() };
	if (l->block && io->len) {
		struct load_block *b = &l->block[index];

		b->busy = 1;
		io->sequence = b->sequence;
		if (is_write(kind))
			io->sequence = (b->sequence + 1) & INT32_MAX;
		/* Unknown until it is answered; and after a trim. */
		if (kind != LOAD_READ)
			b->sequence = 0;
	}
	rate_count(l, io->start_ns);
	/* What is waited for is an answer to this. */
	if (!l->active)
		l->progress_ns = io->start_ns;
	l->started++;
	l->active++;
	return io;
}

/* Give the ring the next part of a block. Return: 0, -EAGAIN for no room, or -errno. */
static int io_issue(struct load *l, struct load_io *io)
{
	uint64_t offset = block_offset(l, io->index) + io->issued;
	uint64_t len = blkfront_req_max(blkfront_info(l->bf), op_of[io->kind], offset);
	struct blkfront_req *req;
	int rc;

	if (len > io->len - io->issued)
		len = io->len - io->issued;
	rc = blkfront_get(l->bf, l->queue, op_of[io->kind], offset, len, &req);
	if (rc)
		return rc;
	req->cookie = io;
	if (l->block && is_write(io->kind))
		pattern_fill(req->buf, len, l->o->seed, offset,
		             pattern_sequence(l, io->sequence));
	blkfront_queue(l->bf, req);
	io->issued += (uint32_t)len;
	io->parts++;
	return 0;
}

static void load_fail(struct load *l, int error)
{
	if (!l->error)
		l->error = error;
	l->stopping = true;
	__atomic_store_n(&l->all->stop, true, __ATOMIC_RELAXED);
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
	load_line_clear(l->all);
	log_err(blkfront_tag(l->bf), "wrong data at %s", why);
	load_fail(l, -EBADMSG);
}

static void io_done(struct load *l, struct load_io *io, uint64_t now)
{
	if (l->block && io->len) {
		struct load_block *b = &l->block[io->index];

		b->busy = 0;
		if (is_write(io->kind) && !io->result)
			b->sequence = io->sequence & INT32_MAX;
	}
	hist_add(&l->recent, now - io->start_ns);
	if (l->all->tty)
		__atomic_add_fetch(&l->all->done, 1, __ATOMIC_RELAXED);
	if (!l->last_pass)
		hist_add(&l->stats.lat[io->kind], now - io->start_ns);
	l->idle[l->nidle++] = (unsigned int)(io - l->io);
	l->active--;
}

static void part_done(struct load *l, struct blkfront_req *req, uint64_t now)
{
	struct load_io *io = req->cookie;

	if (req->result) {
		load_line_clear(l->all);
		io_report(l->bf, load_kind_name[io->kind], req->offset, req->result);
		io->result = req->result;
		load_fail(l, req->result);
	} else if (l->block && io->sequence && io->kind == LOAD_READ) {
		part_check(l, io, req);
	}
	blkfront_put(l->bf, req);
	if (--io->parts == 0 && io->issued == io->len)
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
		if (l->current->issued == l->current->len)
			l->current = NULL;
	}
	blkfront_kick(l->bf, l->queue);
	return rc == -EAGAIN ? 0 : rc;
}

/* Return: something came back. */
static bool load_reap(struct load *l)
{
	struct blkfront_req *req;
	uint64_t now = 0;

	while (blkfront_reap(l->bf, l->queue, &req) == 1) {
		if (!now)
			now = clock_ns();
		part_done(l, req, now);
	}
	if (now)
		l->progress_ns = now;
	return now != 0;
}

/* Sleep until something may have come back, or it is time for something. */
static int load_sleep(struct load *l)
{
	uint64_t now = clock_ns();
	uint64_t wake = l->line_ns + LINE_NS;
	int rc;

	if (!l->stopping && l->end_ns < wake)
		wake = l->end_ns;
	if (!l->stopping && l->due_ns > now && l->due_ns < wake)
		wake = l->due_ns;
	rc = blkfront_wait(l->bf, l->queue,
	                   wake > now ? (int)((wake - now) / 1000000) + 1 : 0);
	if (rc == 1)
		return -EINTR;
	now = clock_ns();
	if (!l->active ||
	    now - l->progress_ns < (uint64_t)l->o->conf.timeout_ms * 1000000)
		return 0;
	load_line_clear(l->all);
	return io_report(l->bf, "I/O", l->o->offset, -ETIMEDOUT);
}

static void load_clock(struct load *l)
{
	uint64_t now = clock_ns();

	if (now >= l->end_ns || __atomic_load_n(&l->all->stop, __ATOMIC_RELAXED))
		l->stopping = true;
	if (now - l->line_ns < LINE_NS)
		return;
	if (l->all->tty && l->queue == 0)
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
	l->begin_ns = l->progress_ns = l->line_ns = clock_ns();
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

int load_run(struct load *l)
{
	int rc;

	l->end_ns = l->o->time_ms ? clock_ns() + (uint64_t)l->o->time_ms * 1000000
	                          : UINT64_MAX;
	rc = load_pass(l);
	l->stats.ns = clock_ns() - l->begin_ns;
	l->stats.ring = blkfront_stats(l->bf, l->queue);
	load_line_clear(l->all);
	if (rc || !l->block) {
		if (rc)
			__atomic_store_n(&l->all->stop, true, __ATOMIC_RELAXED);
		return rc;
	}
	l->last_pass = true;
	l->stopping = false;
	l->limit = l->end_ns = UINT64_MAX;
	l->next = 0;
	return load_pass(l);
}

int load_init(struct load *l, struct load_all *all, unsigned int queue, uint64_t blocks)
{
	const struct opts *o = all->o;
	uint64_t limit = (o->size + o->bs - 1) / o->bs;

	*l = (struct load){
		.all = all,
		.o = o,
		.bf = all->bf,
		.queue = queue,
		.blocks = (blocks + all->queues - 1 - queue) / all->queues,
		.limit = o->size == UINT64_MAX
		                 ? UINT64_MAX
		                 : (limit + all->queues - 1 - queue) / all->queues,
		.rng = o->seed + queue,
		.io = calloc(all->depth, sizeof(*l->io)),
		.idle = calloc(all->depth, sizeof(*l->idle)),
	};
	if (o->verify)
		l->block = calloc(l->blocks, sizeof(*l->block));
	if (!l->io || !l->idle || (o->verify && !l->block))
		return log_errno(blkfront_tag(l->bf), "load");
	for (l->nidle = 0; l->nidle < all->depth; l->nidle++)
		l->idle[l->nidle] = l->nidle;
	return 0;
}

void load_free(struct load *l)
{
	free(l->io);
	free(l->idle);
	free(l->block);
}
