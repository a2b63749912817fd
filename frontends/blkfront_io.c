/* SPDX-License-Identifier: MIT */
#include "blkfront_io.h"

#include <errno.h>
#include <string.h>

static void list_init(struct blkio_list *l)
{
	l->head = NULL;
	l->tail = &l->head;
}

static void list_add(struct blkio_list *l, struct blkio *io)
{
	io->next = NULL;
	*l->tail = io;
	l->tail = &io->next;
}

static struct blkio *list_take(struct blkio_list *l)
{
	struct blkio *io = l->head;

	if (!io)
		return NULL;
	l->head = io->next;
	if (!l->head)
		l->tail = &l->head;
	return io;
}

void blkio_init(struct blkio_queue *q, struct blkfront *bf, unsigned int queue)
{
	q->bf = bf;
	q->queue = queue;
	list_init(&q->todo);
	list_init(&q->done);
}

void blkio_submit(struct blkio_queue *q, struct blkio *io)
{
	bool nothing = io->len == 0 && !blkfront_may_be_empty(io->op);

	io->result = blkfront_check(blkfront_info(q->bf), io->op, io->offset, io->len);
	io->queued = !io->result && !nothing;
	io->issued = 0;
	io->parts = 0;
	list_add(io->queued ? &q->todo : &q->done, io);
}

static void part_done(struct blkio_queue *q, struct blkfront_req *req)
{
	struct blkio *io = req->cookie;

	if (!io->result)
		io->result = req->result;
	if (req->op == BLKIF_OP_READ && !req->result)
		memcpy((char *)io->buf + (req->offset - io->offset), req->buf, req->len);
	blkfront_put(q->bf, req);
	if (--io->parts == 0 && !io->queued)
		list_add(&q->done, io);
}

/* Give the ring the next part of an I/O. Return: 0, -EAGAIN for no room, other -errno. */
static int part_issue(struct blkio_queue *q, struct blkio *io)
{
	uint64_t offset = io->offset + io->issued;
	uint64_t len = blkfront_req_max(blkfront_info(q->bf), io->op, offset);
	struct blkfront_req *req;
	int rc;

	if (len > io->len - io->issued)
		len = io->len - io->issued;
	rc = blkfront_get(q->bf, q->queue, io->op, offset, len, &req);
	if (rc)
		return rc;
	req->cookie = io;
	req->flag = io->flag;
	if (req->buf && io->op != BLKIF_OP_READ)
		memcpy(req->buf, (const char *)io->buf + io->issued, len);
	blkfront_queue(q->bf, req);
	io->issued += len;
	io->parts++;
	return 0;
}

void blkio_run(struct blkio_queue *q)
{
	struct blkfront_req *req;
	struct blkio *io;

	while (blkfront_reap(q->bf, q->queue, &req) == 1)
		part_done(q, req);
	while ((io = q->todo.head)) {
		/* A part has failed: there is no point in the rest. */
		int rc = io->result ? io->result : part_issue(q, io);

		if (rc == -EAGAIN)
			break;
		io->result = rc;
		if (!rc && io->issued < io->len)
			continue;
		list_take(&q->todo);
		io->queued = false;
		if (!io->parts)
			list_add(&q->done, io);
	}
	blkfront_kick(q->bf, q->queue);
}

struct blkio *blkio_next(struct blkio_queue *q)
{
	return list_take(&q->done);
}

int blkio_sync(struct blkfront *bf, uint8_t op, uint64_t offset, void *buf, size_t len,
               int timeout_ms)
{
	struct blkio io = { .op = op, .offset = offset, .buf = buf, .len = len };
	struct blkio_queue q;

	blkio_init(&q, bf, BLKFRONT_ANY);
	blkio_submit(&q, &io);
	for (;;) {
		int rc;

		blkio_run(&q);
		if (blkio_next(&q))
			return io.result;
		rc = blkfront_wait(bf, BLKFRONT_ANY, timeout_ms);
		if (rc)
			return rc > 0 ? -EINTR : rc;
	}
}
