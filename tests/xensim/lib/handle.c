/* SPDX-License-Identifier: MIT */
/* Handles: opening, closing, restricting, and the mappings made through them. */
#include "sim.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "inject.h"

/* Event channels restrict in the broker; the others lose their device, as in the real
 * libraries. */
static int restrict_cb(struct tc_handle *tc, domid_t domid)
{
	struct handle *h = (struct handle *)tc; /* tc is its first member */
	struct rpc rpc = { .req = {
				   .op = OP_RESTRICT, .handle = h->id, .domid = domid } };
	int err;

	if (h->kind == HANDLE_EVTCHN) {
		err = sim_call(&rpc);
		return err < 0 ? sim_fail(err) : 0;
	}
	atomic_store(&h->dead, true);
	return xentoolcore__restrict_by_dup2_null(h->fd);
}

static void handle_set(struct handle *h, enum handle_kind kind, int fd,
                       const struct rpc *rpc)
{
	h->kind = kind;
	h->fd = fd;
	h->mark = fd_mark(fd);
	h->id = rpc->rep.value;
	pthread_mutex_init(&h->lock, NULL);
	h->tc.restrict_callback = restrict_cb;
	xentoolcore__register_active_handle(&h->tc);
}

int handle_init(struct handle *h, enum handle_kind kind, bool cloexec)
{
	int fd = -1;
	struct rpc rpc = { .req = { .op = OP_OPEN, .domid = sim_env_domid() },
		           .fds = &fd,
		           .fds_max = 1 };
	int err = inject_errno(FAULT_OPEN, rpc.req.domid);

	if (err < 0)
		return err;
	rpc.req.open.kind = kind;
	err = sim_call(&rpc);
	if (err < 0)
		return err;
	xensim_point("open");
	if (!cloexec)
		fcntl(fd, F_SETFD, 0);
	h->domid = rpc.req.domid;
	h->slot = (uint32_t)rpc.rep.value2;
	handle_set(h, kind, fd, &rpc);
	return 0;
}

int handle_adopt(struct handle *h, enum handle_kind kind, int fd)
{
	struct rpc rpc = { .req = { .op = OP_ADOPT } };
	int err;

	rpc.req.open.kind = kind;
	rpc.req.open.ino = fd_mark(fd).ino;
	err = sim_call(&rpc);
	if (err < 0)
		return err;
	h->domid = (uint32_t)rpc.rep.value2;
	handle_set(h, kind, fd, &rpc);
	return 0;
}

void handle_fini(struct handle *h)
{
	struct rpc rpc = { .req = { .op = OP_CLOSE, .handle = h->id } };

	xentoolcore__deregister_active_handle(&h->tc);
	if (atomic_load(&h->dead) || fd_is(h->fd, h->mark))
		close(h->fd);
	xensim_point("close");
	sim_call(&rpc); /* no answer needed: the broker sees the pipe close in any case */
	hmap_for_each (&h->tracks, slot) {
		free(slot->value);
	}
	hmap_free(&h->tracks);
	views_free(&h->views);
	pthread_mutex_destroy(&h->lock);
}

static int track_release(struct handle *h, uint32_t id, enum wire_op op)
{
	struct rpc rpc = { .req = { .op = op, .handle = h->id } };

	rpc.req.track = id;
	return sim_call(&rpc);
}

int handle_call(struct handle *h, struct rpc *rpc)
{
	int err;

	if (atomic_load(&h->dead))
		return -ENOTTY;
	rpc->req.handle = h->id;
	err = sim_call(rpc);
	/* The call was made, but this process has no descriptor left for its pages. */
	if (err == -EMFILE && !rpc->rep.err && rpc->req.op == OP_MAP)
		track_release(h, rpc->rep.value, OP_UNMAP);
	else if (err == -EMFILE && !rpc->rep.err && rpc->req.op == OP_SHARE)
		track_release(h, rpc->rep.value, OP_UNSHARE);
	return err;
}

/* Contiguous frames of one domain are one mapping. */
static uint32_t run_length(uint32_t count, const uint32_t *frames, const uint32_t *index)
{
	uint32_t n = 1;

	while (n < count && frames[n] == frames[0] + n &&
	       (!index || index[n] == index[0]))
		n++;
	return n;
}

static int map_runs(uint8_t *addr, uint32_t count, const uint32_t *frames,
                    const uint32_t *index, const int *fds, int prot)
{
	for (uint32_t i = 0, n; i < count; i += n) {
		int fd = fds[index ? index[i] : 0];

		n = run_length(count - i, frames + i, index ? index + i : NULL);
		if (mmap(addr + (size_t)i * SIM_PAGE_SIZE, (size_t)n * SIM_PAGE_SIZE,
		         prot, MAP_SHARED | MAP_FIXED, fd,
		         (off_t)frames[i] << SIM_PAGE_SHIFT) == MAP_FAILED)
			return -errno;
	}
	return 0;
}

static int track_add(struct handle *h, const void *addr, uint32_t id, uint32_t count)
{
	struct track *track = malloc(sizeof(*track));
	int err;

	if (!track)
		return -ENOMEM;
	*track = (struct track){ .id = id, .count = count };
	pthread_mutex_lock(&h->lock);
	err = hmap_put(&h->tracks, (uintptr_t)addr, track);
	pthread_mutex_unlock(&h->lock);
	if (err < 0)
		free(track);
	return err;
}

void *handle_map(struct handle *h, uint32_t id, uint32_t count, const uint32_t *frames,
                 const uint32_t *index, const int *fds, int prot)
{
	size_t len = (size_t)count * SIM_PAGE_SIZE;
	int err;
	void *addr = mmap(NULL, len, PROT_NONE,
	                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (addr == MAP_FAILED) {
		err = -errno;
		goto release;
	}
	err = map_runs(addr, count, frames, index, fds, prot);
	if (!err)
		err = track_add(h, addr, id, count);
	if (!err) {
		xensim_point(h->kind == HANDLE_GNTSHR ? "share-mapped" : "map-mapped");
		madvise(addr, len, MADV_DONTDUMP);
		return addr;
	}
	munmap(addr, len);
release:
	track_release(h, id, h->kind == HANDLE_GNTSHR ? OP_UNSHARE : OP_UNMAP);
	errno = -err;
	return NULL;
}

int handle_unmap(struct handle *h, void *addr, uint32_t count, enum wire_op op)
{
	struct track *track;
	uint32_t id;

	pthread_mutex_lock(&h->lock);
	track = hmap_get(&h->tracks, (uintptr_t)addr);
	if (track && track->count == count)
		hmap_del(&h->tracks, (uintptr_t)addr);
	else
		track = NULL;
	pthread_mutex_unlock(&h->lock);
	if (!track)
		return -EINVAL;
	id = track->id;
	free(track);
	if (munmap(addr, (size_t)count * SIM_PAGE_SIZE) < 0)
		return -errno;
	xensim_point(op == OP_UNSHARE ? "unshare" : "unmap");
	return track_release(h, id, op);
}
