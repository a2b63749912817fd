/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "blkfront_io.h"
#include "pvblk.h"

#define CHUNK  ((size_t)256 << 10)
#define CHUNKS 16U

struct chunk {
	struct blkio io;
	bool done;
};

/**
 * struct pump - A running stream
 * @chunk:	Chunks @head to @tail (modulo CHUNKS) are on their way, in order
 * @full:	There is nothing more to submit
 */
struct pump {
	struct stream *s;
	struct blkio_queue q;
	struct chunk chunk[CHUNKS];
	char *memory;
	uint64_t next;
	unsigned int head;
	unsigned int tail;
	bool full;
};

static int pump_submit(struct pump *p)
{
	struct stream *s = p->s;

	while (!p->full && p->tail - p->head < CHUNKS) {
		struct chunk *c = &p->chunk[p->tail % CHUNKS];
		char *buf = p->memory + p->tail % CHUNKS * CHUNK;
		size_t len = s->end - p->next < CHUNK ? (size_t)(s->end - p->next)
		                                      : CHUNK;
		int rc = 0;

		if (len && s->op == BLKIF_OP_WRITE)
			rc = s->move(s->arg, p->next, buf, &len);
		if (rc)
			return rc;
		p->full = len == 0;
		if (p->full)
			break;
		*c = (struct chunk){
			.io = { .op = s->op, .offset = p->next, .len = len, .buf = buf }
		};
		blkio_submit(&p->q, &c->io);
		p->next += len;
		p->tail++;
	}
	return 0;
}

/* Chunks that are done, in order. */
static int pump_retire(struct pump *p)
{
	struct stream *s = p->s;

	for (; p->head != p->tail && p->chunk[p->head % CHUNKS].done; p->head++) {
		struct blkio *io = &p->chunk[p->head % CHUNKS].io;
		size_t len = io->len;
		int rc = io->result;

		if (rc)
			return io_report(s->bf, s->op == BLKIF_OP_READ ? "read" : "write",
			                 io->offset, rc);
		if (s->op == BLKIF_OP_READ)
			rc = s->move(s->arg, io->offset, io->buf, &len);
		if (rc)
			return rc;
		s->offset = io->offset + io->len;
	}
	return 0;
}

static int pump_run(struct pump *p)
{
	for (;;) {
		struct blkio *io;
		int rc = pump_submit(p);

		if (rc)
			return rc;
		blkio_run(&p->q);
		while ((io = blkio_next(&p->q)))
			container_of(io, struct chunk, io)->done = true;
		rc = pump_retire(p);
		if (rc)
			return rc;
		if (p->head == p->tail && p->full)
			return 0;
		/* Room was made: more can be submitted before sleeping. */
		if (!p->full && p->tail - p->head < CHUNKS)
			continue;
		rc = blkfront_wait(p->s->bf, BLKFRONT_ANY, p->s->timeout_ms);
		if (rc)
			return rc > 0 ? -EINTR
			              : io_report(p->s->bf, "I/O", p->s->offset, rc);
	}
}

int stream_run(struct stream *s)
{
	autofree struct pump *p = calloc(1, sizeof(*p));
	autofree char *memory = malloc(CHUNK * CHUNKS);

	if (!p || !memory)
		return io_report(s->bf, "I/O", s->offset, -ENOMEM);
	p->s = s;
	p->memory = memory;
	p->next = s->offset;
	blkio_init(&p->q, s->bf, BLKFRONT_ANY);
	return pump_run(p);
}

int flush_disk(struct blkfront *bf, int timeout_ms)
{
	if (!blkfront_info(bf)->flush)
		return 0;
	return io_report(
		bf, "flush", 0,
		blkio_sync(bf, BLKIF_OP_FLUSH_DISKCACHE, 0, NULL, 0, timeout_ms));
}
