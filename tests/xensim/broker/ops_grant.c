/* SPDX-License-Identifier: MIT */
/* Requests about pages: shared, mapped by grant, mapped by frame. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ops.h"

static int share_undo(struct track *track, const uint32_t *frames, uint32_t left, int err)
{
	for (uint32_t i = 0; i < left; i++)
		mem_free(track->domain, frames[i]);
	track_cancel(track);
	return err;
}

int op_share(struct call *call)
{
	struct handle *handle = call_handle(call, HANDLE_GNTSHR);
	uint32_t count = call->req->count, *refs = call->out, *frames = call->out + count;
	struct track *track;
	int err, ref, fd;

	if (!handle || !count || count > WIRE_MAX_REFS)
		return handle ? -EINVAL : -EBADF;
	track = track_new(handle, TRACK_SHARE, count, call->req, &err);
	if (!track)
		return err;
	err = mem_alloc(handle->domain, count, frames);
	if (err < 0)
		return share_undo(track, frames, 0, err);
	for (uint32_t i = 0; i < count; i++) {
		ref = grant_alloc(handle->domain, call->req->domid, track->writable,
		                  frames[i]);
		if (ref < 0)
			return share_undo(track, frames + i, count - i, ref);
		refs[i] = (uint32_t)ref;
		track->pages[track->count].domain = domain_get(handle->domain);
		track->pages[track->count++].ref = refs[i];
	}
	fd = track_file(track, handle->domain);
	if (fd < 0)
		return share_undo(track, frames, 0, fd);
	call_fd(call, fd, true);
	call->rep.value = track->id;
	call->rep.count = count * 2;
	return 0;
}

/* A file of each domain that pages are mapped from; Return: its index or -errno */
static int map_file(struct call *call, struct track *track, struct domain *domain,
                    struct domain **files)
{
	uint32_t i = 0;
	int fd;

	while (i < call->nfds && files[i] != domain)
		i++;
	if (i < call->nfds)
		return (int)i;
	if (i == WIRE_MAX_FDS)
		return -EINVAL;
	fd = track_file(track, domain);
	if (fd < 0)
		return fd;
	files[i] = domain;
	call_fd(call, fd, true);
	return (int)i;
}

static int map_all(struct call *call, struct track *track, uint32_t domid)
{
	const uint32_t count = call->req->count, *domids = call->in,
		       *refs = call->in + count;
	struct domain *files[WIRE_MAX_FDS] = { NULL }, *domain;
	int err;

	for (uint32_t i = 0; i < count; i++) {
		domain = domain_find(domids[i]);
		err = domain ? grant_map(domain, refs[i], domid, track->writable,
		                         &call->out[i])
		             : -EINVAL;
		if (err < 0)
			return err;
		track->pages[track->count].domain = domain_get(domain);
		track->pages[track->count++].ref = refs[i];
		err = map_file(call, track, domain, files);
		if (err < 0)
			return err;
		call->out[count + i] = (uint32_t)err;
	}
	return 0;
}

int op_map(struct call *call)
{
	struct handle *handle = call_handle(call, HANDLE_GNTTAB);
	uint32_t count = call->req->count;
	struct track *track;
	int err;

	if (!handle || !count || count > WIRE_MAX_REFS || call->nin != count * 2)
		return handle ? -EINVAL : -EBADF;
	track = track_new(handle, TRACK_MAP, count, call->req, &err);
	if (!track)
		return err;
	err = map_all(call, track, handle->domain->domid);
	if (err < 0) { /* all or nothing */
		track_cancel(track);
		return err;
	}
	call->rep.value = track->id;
	call->rep.count = count * 2;
	return 0;
}

/* OP_UNMAP and OP_UNSHARE: the client has unmapped it and says so. */
int op_unmap(struct call *call)
{
	struct track *track = track_find(call->req->track);

	if (!track || !track->handle || track->handle->id != call->req->handle)
		return -EINVAL;
	track_release(track);
	return 0;
}

/* Foreign mappings end by munmap alone: forget the ended ones when they may be half of
 * all. */
static void foreign_sweep(struct handle *handle)
{
	uint32_t n = 0;

	list_for_each (&handle->tracks, pos, tmp) {
		struct track *track = list_entry(pos, struct track, list);

		if (track_mapped(track))
			n++;
		else
			track_release(track);
	}
	handle->foreign_sweep = n + 16;
}

int op_foreign(struct call *call)
{
	struct handle *handle = call_handle(call, HANDLE_FMEM);
	struct domain *domain = call_domain(call);
	struct track *track;
	int err, fd;

	if (!handle)
		return -EBADF;
	if (handle->domain->domid)
		return -EPERM;
	if (!domain || domain->dying)
		return -ESRCH;
	if (handle->restricted != DOMID_INVALID && handle->restricted != domain->domid)
		return -EPERM;
	if (!handle->foreign_sweep--)
		foreign_sweep(handle);
	track = track_new(handle, TRACK_FOREIGN, 1, call->req, &err);
	if (!track)
		return err;
	track->pages[0].domain = domain_get(domain);
	track->count = 1;
	domain->mapped++;
	list_add_tail(&domain->foreign, &track->in_foreign);
	fd = track_file(track, domain);
	if (fd < 0) {
		track_release(track);
		return fd;
	}
	call->rep.value = domain->pages;
	call_fd(call, fd, true);
	return 0;
}
