/* SPDX-License-Identifier: MIT */
#include "store_hold.h"

#include <errno.h>

#include "clock.h"
#include "store_io.h"

#define SECOND 1000000000LL

/**
 * struct hold
 * @ops:	With the engine's name
 * @kept:	Have failed, and wait
 * @again:	Of those that have ever failed, how many are not over: in @kept, or tried
 * @done:	Over, and not reaped yet
 * @retry_at:	clock_ns()
 * @seen:	The value of *@conf.resume that has been heeded
 * @let_go:	Nothing is kept any more
 */
struct hold {
	struct store store;
	struct store_ops ops;
	struct store *engine;
	struct store_hold_conf conf;
	struct store_list kept, done;
	unsigned int again;
	uint64_t retry_at;
	uint32_t seen;
	bool let_go;
};

bool store_hold_wants(const struct store_hold_conf *c, enum store_op op, int err)
{
	if (op == STORE_FLUSH)
		return false;
	switch (-err) {
	case ENOSPC:
	case EDQUOT:
		return c->space;
	case EIO:
	case EREMOTEIO:
	case ENODATA:
	case EILSEQ:
	case ENXIO:
	case ENODEV:
	case ENOLINK:
	case ENOTCONN:
	case ESTALE:
	case ETIMEDOUT:
		return c->error;
	default:
		return false;
	}
}

static struct hold *hold_of(struct store *s)
{
	return container_of(s, struct hold, store);
}

static void hold_start(struct store *s)
{
	struct hold *h = hold_of(s);

	h->engine->ops->start(h->engine);
}

static void hold_submit(struct store *s, struct store_io *io)
{
	struct hold *h = hold_of(s);

	for (struct store_io *i = io; i; i = i->next)
		i->again = false;
	h->engine->ops->submit(h->engine, io);
}

static void hold_keep(struct hold *h, struct store_io *io)
{
	if (!h->kept.head)
		h->retry_at = clock_ns() + STORE_HOLD_RETRY_S * SECOND;
	if (!io->again && !h->again++)
		h->conf.say(h->conf.arg, io, io->err);
	io->again = true;
	store_list_put(&h->kept, io);
}

static void hold_over(struct hold *h, struct store_io *io)
{
	store_list_put(&h->done, io);
	if (io->again && !--h->again)
		h->conf.say(h->conf.arg, io, 0);
}

static void hold_collect(struct hold *h)
{
	struct store_io *io = h->engine->ops->reap(h->engine), *next;

	for (; io; io = next) {
		next = io->next;
		if (io->err && !h->let_go && store_hold_wants(&h->conf, io->op, io->err))
			hold_keep(h, io);
		else
			hold_over(h, io);
	}
	h->store.calls = h->engine->calls;
}

/* What is left of them: an I/O that has failed says where. */
static void hold_retry(struct hold *h)
{
	h->engine->ops->submit(h->engine, store_list_take(&h->kept));
}

static struct store_io *hold_reap(struct store *s)
{
	struct hold *h = hold_of(s);

	hold_collect(h);
	return store_list_take(&h->done);
}

static void hold_watch(struct store *s, unsigned int slot, int fd)
{
	struct hold *h = hold_of(s);

	h->engine->ops->watch(h->engine, slot, fd);
}

static void hold_memory(struct store *s, unsigned int n, void *addr, size_t len)
{
	store_memory(hold_of(s)->engine, n, addr, len);
}

static bool hold_due(struct hold *h)
{
	uint32_t resume = __atomic_load_n(h->conf.resume, __ATOMIC_RELAXED);
	bool due = h->kept.head && (resume != h->seen || clock_ns() >= h->retry_at);

	h->seen = resume;
	return due;
}

static unsigned int hold_wait(struct store *s, int64_t ns)
{
	struct hold *h = hold_of(s);
	unsigned int ready;

	if (hold_due(h))
		hold_retry(h);
	if (h->done.head)
		ns = 0;
	else if (h->kept.head && (ns == STORE_FOREVER || ns > STORE_HOLD_LOOK_S * SECOND))
		ns = STORE_HOLD_LOOK_S * SECOND;
	ready = h->engine->ops->wait(h->engine, ns);
	hold_collect(h);
	return ready;
}

static void hold_let_go(struct store *s)
{
	struct hold *h = hold_of(s);

	h->let_go = true;
	for (struct store_io *io; (io = store_list_pop(&h->kept));)
		hold_over(h, io);
}

static void hold_close(struct store *s)
{
	struct hold *h = hold_of(s);

	h->engine->ops->close(h->engine);
	free(h);
}

int store_hold_open(const struct store_hold_conf *c, struct store *engine,
                    struct store **out)
{
	struct hold *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->ops = (struct store_ops){
		.name = engine->ops->name,
		.start = hold_start,
		.submit = hold_submit,
		.reap = hold_reap,
		.watch = hold_watch,
		.memory = hold_memory,
		.wait = hold_wait,
		.let_go = hold_let_go,
		.close = hold_close,
	};
	h->store.ops = &h->ops;
	h->engine = engine;
	h->conf = *c;
	h->seen = *c->resume;
	store_list_init(&h->kept);
	store_list_init(&h->done);
	*out = &h->store;
	return 0;
}
