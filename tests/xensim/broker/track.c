/* SPDX-License-Identifier: MIT */
/*
 * Tracks: what each call of a client has mapped, and for how long.
 *
 * The kernel's devices keep pages mapped until the last of close, munmap and exit. The
 * broker learns of munmap and exit from a lock on the description of the open file that
 * it sent to the client: the client closes the descriptor when it has mapped it, so the
 * lock lives as long as the mapping does. An orphan is a track whose handle is closed and
 * whose lock is still held; it is looked at again and again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker.h"

#define TRACK_LOCK_OFF (1ll << 50)

struct hmap tracks;
struct list orphans = LIST_INIT(orphans);
static uint32_t last_id;

static struct flock track_lock(const struct track *track)
{
	return (struct flock){ .l_type = F_RDLCK,
		               .l_whence = SEEK_SET,
		               .l_start = TRACK_LOCK_OFF + track->id,
		               .l_len = 1 };
}

static int notify_take(struct track *track, const struct wire_req *req)
{
	uint32_t port = req->grant.notify_port;
	int err = 0;

	track->notify_off = req->grant.notify_off;
	track->notify_port = UINT32_MAX;
	if (track->kind == TRACK_FOREIGN)
		return 0;
	/* The byte of a page that is mapped read-only cannot be cleared. */
	if (track->kind == TRACK_MAP && track->notify_off < SIM_PAGE_SIZE &&
	    !track->writable)
		return -EINVAL;
	if (port != UINT32_MAX)
		err = port_ref(track->domain, port);
	if (!err)
		track->notify_port = port;
	return err;
}

struct track *track_new(struct handle *handle, enum track_kind kind, uint32_t count,
                        const struct wire_req *req, int *err)
{
	struct track *track = calloc(1, sizeof(*track) + count * sizeof(track->pages[0]));

	if (!track) {
		*err = -ENOMEM;
		return NULL;
	}
	track->kind = kind;
	track->domain = handle->domain;
	track->writable = req->grant.writable;
	*err = notify_take(track, req);
	if (!*err) {
		while (!++last_id || hmap_get(&tracks, last_id))
			;
		track->id = last_id;
		*err = hmap_put(&tracks, track->id, track);
	}
	if (*err) {
		if (track->notify_port != UINT32_MAX)
			port_unref(track->domain, track->notify_port);
		free(track);
		return NULL;
	}
	track->handle = handle;
	domain_get(track->domain);
	list_add_tail(&handle->tracks, &track->list);
	list_init(&track->in_foreign);
	return track;
}

struct track *track_find(uint32_t id)
{
	return hmap_get(&tracks, id);
}

int track_file(struct track *track, struct domain *domain)
{
	bool rw = track->writable || track->kind == TRACK_SHARE;
	struct flock lock = track_lock(track);
	char path[32];
	int fd, err;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", domain->fd);
	fd = open(path, (rw ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static bool locked(const struct track *track, const struct domain *domain)
{
	struct flock lock = track_lock(track);

	lock.l_type = F_WRLCK; /* conflicts with the client's */
	return fcntl(domain->fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

bool track_mapped(const struct track *track)
{
	const struct domain *last = NULL;

	for (uint32_t i = 0; i < track->count; i++) {
		if (track->pages[i].domain == last)
			continue;
		last = track->pages[i].domain;
		if (locked(track, last))
			return true;
	}
	return false;
}

static void notify_do(struct track *track)
{
	const struct track_page *page = &track->pages[0];
	off_t off;

	if (track->notify_off < SIM_PAGE_SIZE) {
		off = (off_t)page->domain->grants[page->ref].frame << SIM_PAGE_SHIFT;
		if (pwrite(page->domain->fd, "", 1, off + track->notify_off) < 0)
			perror("xensimd: unmap notification");
	}
	if (track->notify_port == UINT32_MAX)
		return;
	/* A domain that is dead as a whole has no kernel left to tell anybody. */
	if (!track->domain->dying) {
		uint64_t peer =
			atomic_load(&track->domain->shm->ports[track->notify_port].peer);
		struct domain *remote = domain_find(port_peer_domid(peer));

		if (port_state(peer) == PORT_INTERDOMAIN && remote)
			port_notify(remote, port_peer_port(peer));
	}
	port_unref(track->domain, track->notify_port);
}

static void pages_release(struct track *track)
{
	for (uint32_t i = 0; i < track->count; i++) {
		struct domain *domain = track->pages[i].domain;

		if (track->kind == TRACK_SHARE) {
			/* The death of the domain may have revoked it before. */
			if (domain->grants[track->pages[i].ref].state == GRANT_SHARED)
				grant_revoke(domain, track->pages[i].ref);
		} else if (track->kind == TRACK_MAP) {
			grant_unmap(domain, track->pages[i].ref);
		} else {
			domain_unmapped(domain);
		}
		domain_put(domain);
	}
}

void track_release(struct track *track)
{
	notify_do(track);
	list_del(&track->list);
	list_del(&track->in_foreign);
	pages_release(track);
	hmap_del(&tracks, track->id);
	domain_put(track->domain);
	free(track);
}

/* It was never mapped: nobody is told. */
void track_cancel(struct track *track)
{
	track->notify_off = SIM_PAGE_SIZE;
	if (track->notify_port != UINT32_MAX)
		port_unref(track->domain, track->notify_port);
	track->notify_port = UINT32_MAX;
	track_release(track);
}

void track_orphan(struct track *track)
{
	if (!track_mapped(track)) {
		track_release(track);
		return;
	}
	list_del(&track->list);
	list_del(&track->in_foreign);
	list_add_tail(&orphans, &track->list);
	track->handle = NULL;
	loop_soon();
}

bool track_tick(void)
{
	list_for_each (&orphans, pos, tmp) {
		struct track *track = list_entry(pos, struct track, list);

		if (!track_mapped(track))
			track_release(track);
	}
	return !list_empty(&orphans);
}
