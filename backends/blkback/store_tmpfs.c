/* SPDX-License-Identifier: MIT */
#include "store_tmpfs.h"

#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "store_io.h"
#include "store_sync.h"

/**
 * struct tmpfs
 * @ops:	With the engine's name in it
 * @calls:	Made here; the engine has its own count
 * @waiting:	Bytes of @fresh
 * @batch:	Bytes to be done in one wait(), a quarter of the most that waited since
 *		nothing did
 * @fresh:	Small, and not done yet
 * @done:	Over, and not reaped yet
 */
struct tmpfs {
	struct store store;
	struct store_ops ops;
	struct store *engine;
	int fd;
	uint64_t calls;
	uint32_t waiting, batch;
	struct store_list fresh, done;
};

static struct tmpfs *tmpfs_of(struct store *s)
{
	return container_of(s, struct tmpfs, store);
}

static void tmpfs_start(struct store *s)
{
	struct tmpfs *t = tmpfs_of(s);

	t->engine->ops->start(t->engine);
}

static bool is_small(struct store_io *io)
{
	store_io_begin(io);
	return io->op <= STORE_WRITE && io->left <= STORE_TMPFS_MAX;
}

static void hot_loop tmpfs_submit(struct store *s, struct store_io *io)
{
	struct tmpfs *t = tmpfs_of(s);
	struct store_list large;
	struct store_io *next;

	store_list_init(&large);
	if (!t->waiting)
		t->batch = 0;
	for (; io; io = next) {
		bool small = is_small(io);

		next = io->next;
		store_list_put(small ? &t->fresh : &large, io);
		t->waiting += small ? io->left : 0;
	}
	if (t->batch < t->waiting / 4)
		t->batch = t->waiting / 4 < STORE_TMPFS_BATCH ? t->waiting / 4
		                                              : STORE_TMPFS_BATCH;
	if (large.head)
		t->engine->ops->submit(t->engine, large.head);
}

static struct store_io *tmpfs_reap(struct store *s)
{
	struct tmpfs *t = tmpfs_of(s);
	struct store_io *over = t->engine->ops->reap(t->engine);

	if (over)
		store_list_put_all(&t->done, over);
	return store_list_take(&t->done);
}

static void tmpfs_watch(struct store *s, unsigned int slot, int fd)
{
	struct tmpfs *t = tmpfs_of(s);

	t->engine->ops->watch(t->engine, slot, fd);
}

static void tmpfs_memory(struct store *s, unsigned int n, void *addr, size_t len)
{
	store_memory(tmpfs_of(s)->engine, n, addr, len);
}

static void tmpfs_do(struct tmpfs *t)
{
	uint32_t moved = 0;

	while (t->fresh.head && (!moved || moved < t->batch)) {
		struct store_io *io = store_list_pop(&t->fresh);

		moved += io->left;
		t->calls += store_sync(t->fd, false, io);
		store_list_put(&t->done, io);
	}
	t->waiting -= moved;
}

static unsigned int tmpfs_wait(struct store *s, int64_t ns)
{
	struct tmpfs *t = tmpfs_of(s);
	unsigned int ready;

	tmpfs_do(t);
	ready = t->engine->ops->wait(t->engine, t->done.head || t->fresh.head ? 0 : ns);
	t->store.calls = t->calls + t->engine->calls;
	return ready;
}

static void tmpfs_close(struct store *s)
{
	struct tmpfs *t = tmpfs_of(s);

	t->engine->ops->close(t->engine);
	free(t);
}

/* Outlives the store. */
static const char *name_with(const struct store *engine)
{
	return strcmp(engine->ops->name, "threads") == 0 ? "threads+tmpfs"
	                                                 : "io_uring+tmpfs";
}

bool store_is_tmpfs(int fd)
{
	struct statfs fs;
	struct stat st;

	/* A device's node is on a tmpfs, too: /dev. */
	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && fstatfs(fd, &fs) == 0 &&
	       fs.f_type == TMPFS_MAGIC;
}

struct store *store_tmpfs(int fd, struct store *engine)
{
	struct tmpfs *t = calloc(1, sizeof(*t));

	if (!t)
		return engine;
	t->ops = (struct store_ops){
		.name = name_with(engine),
		.memory = tmpfs_memory,
		.start = tmpfs_start,
		.submit = tmpfs_submit,
		.reap = tmpfs_reap,
		.watch = tmpfs_watch,
		.wait = tmpfs_wait,
		.close = tmpfs_close,
	};
	t->store.ops = &t->ops;
	t->engine = engine;
	t->fd = fd;
	store_list_init(&t->fresh);
	store_list_init(&t->done);
	return &t->store;
}
