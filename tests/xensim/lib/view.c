/* SPDX-License-Identifier: MIT */
/*
 * Mappings of whole domains, for what must not cost a system call: grant copy and events.
 *
 * A process maps a domain once. Handles hold references, and each handle looks in its own
 * table under its own lock, so threads with their own handles never meet here. A view is
 * unmapped when the last handle has noticed that its domain is dead.
 */
#include "sim.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static struct view *table[SIM_MAX_DOMID];

void views_lock(void)
{
	pthread_mutex_lock(&table_lock);
}

void views_unlock(void)
{
	pthread_mutex_unlock(&table_lock);
}

static bool view_alive(const struct view *view)
{
	return atomic_load(&view->info->alive);
}

static void view_unmap(struct view *view)
{
	if (view->info)
		munmap(view->info, sizeof(*view->info));
	if (view->ram)
		munmap(view->ram, view->pages * SIM_PAGE_SIZE);
	free(view);
}

static void view_put(struct view *view)
{
	pthread_mutex_lock(&table_lock);
	if (--view->refs == 0) {
		if (table[view->domid] == view)
			table[view->domid] = NULL;
		view_unmap(view);
	}
	pthread_mutex_unlock(&table_lock);
}

static void *map_shared(int fd, size_t len, uint64_t off)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd,
	               (off_t)off);

	if (p == MAP_FAILED)
		return NULL;
	madvise(p, len, MADV_DONTDUMP);
	return p;
}

static struct view *view_map(uint32_t domid)
{
	int fd = -1;
	struct rpc rpc = { .req = { .op = OP_DOMAIN_FD, .domid = domid },
		           .fds = &fd,
		           .fds_max = 1 };
	struct view *view;
	int err = sim_call(&rpc);

	if (err < 0) {
		errno = -err;
		return NULL;
	}
	view = calloc(1, sizeof(*view));
	if (view) {
		view->domid = domid;
		view->pages = rpc.rep.value2;
		view->info = map_shared(fd, sizeof(*view->info), SHM_INFO_OFF);
		view->ram = map_shared(fd, view->pages * SIM_PAGE_SIZE, 0);
	}
	close(fd);
	if (view && (!view->info || !view->ram)) {
		view_unmap(view);
		view = NULL;
		errno = ENOMEM;
	}
	return view;
}

/* The table has no reference of its own: a view in it has at least one handle's. */
static struct view *view_get(uint32_t domid)
{
	struct view *view;

	pthread_mutex_lock(&table_lock);
	view = table[domid];
	if (!view || !view_alive(view)) {
		view = view_map(domid);
		if (view)
			table[domid] = view;
	}
	if (view)
		view->refs++;
	pthread_mutex_unlock(&table_lock);
	return view;
}

static int views_grow(struct views *views, uint32_t domid)
{
	uint32_t size = views->size ? views->size : 16;
	struct view **bigger;
	const size_t ptr = sizeof(struct view *);

	while (size <= domid)
		size *= 2;
	if (size == views->size)
		return 0;
	bigger = realloc(views->by_domid, size * ptr);
	if (!bigger)
		return -ENOMEM;
	memset(bigger + views->size, 0, (size - views->size) * ptr);
	views->by_domid = bigger;
	views->size = size;
	return 0;
}

struct view *views_slow(struct views *views, uint32_t domid)
{
	struct view *view;

	if (domid >= SIM_MAX_DOMID) {
		errno = ESRCH;
		return NULL;
	}
	if (views_grow(views, domid) < 0) {
		errno = ENOMEM;
		return NULL;
	}
	if (views->by_domid[domid])
		view_put(views->by_domid[domid]);
	view = view_get(domid);
	views->by_domid[domid] = view;
	return view;
}

void views_free(struct views *views)
{
	for (uint32_t i = 0; i < views->size; i++) {
		if (views->by_domid[i])
			view_put(views->by_domid[i]);
	}
	free(views->by_domid);
	*views = (struct views){ 0 };
}
