/* SPDX-License-Identifier: MIT */
/*
 * Handles: a pipe each. The client has the read end, and the broker's write end reports
 * EPOLLERR when the last copy of it is closed, be it by close, exit, exec or SIGKILL, in
 * the process that opened it or in any that has inherited it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker.h"

const char *const handle_kind_name[HANDLE_KINDS] = {
	[HANDLE_EVTCHN] = "evtchn", [HANDLE_GNTTAB] = "gnttab",
	[HANDLE_GNTSHR] = "gntshr", [HANDLE_CALL] = "privcmd",
	[HANDLE_FMEM] = "foreign",  [HANDLE_LIFE] = "domain",
};

struct hmap handles;
static uint32_t last_id;

static void handle_event(struct source *source, uint32_t events)
{
	if (events & EPOLLERR)
		handle_release((struct handle *)source); /* its first member */
}

static void handle_free(struct source *source)
{
	free(source);
}

/* As small as pipes get: only event queues carry anything, and those grow with their
 * ports. */
static int pipe_make(struct handle *handle, int *rfd)
{
	struct stat st;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	fcntl(fds[1], F_SETPIPE_SZ, SIM_PAGE_SIZE);
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	if (fstat(fds[0], &st) < 0 || source_add(&handle->source, fds[1], 0) < 0) {
		close(fds[0]);
		close(fds[1]);
		return -ENOSPC;
	}
	handle->ino = st.st_ino;
	handle->wfd = fds[1];
	*rfd = fds[0];
	return 0;
}

int handle_open(struct domain *domain, enum handle_kind kind, pid_t pid, const char *prog,
                struct handle **res, int *rfd)
{
	struct handle *handle;
	int err;

	if (domain->dying || kind >= HANDLE_KINDS)
		return -ENXIO;
	handle = calloc(1, sizeof(*handle));
	if (!handle)
		return -ENOMEM;
	handle->source = (struct source){ .fn = handle_event, .free = handle_free };
	handle->kind = kind;
	handle->pid = pid;
	handle->restricted = DOMID_INVALID;
	strncpy(handle->prog, prog, sizeof(handle->prog) - 1);
	list_init(&handle->ports);
	list_init(&handle->tracks);
	handle->slot = kind == HANDLE_GNTTAB ? slot_alloc() : UINT32_MAX;
	while (!++last_id || hmap_get(&handles, last_id))
		;
	handle->id = last_id;
	err = kind == HANDLE_GNTTAB && handle->slot == UINT32_MAX
	              ? -ENOSPC
	              : pipe_make(handle, rfd);
	if (!err && (err = hmap_put(&handles, handle->id, handle)) < 0) {
		close(*rfd);
		source_close(handle->wfd);
	}
	if (err) {
		slot_free(handle->slot);
		free(handle);
		return err;
	}
	handle->domain = domain_get(domain);
	list_add_tail(&domain->handles, &handle->in_domain);
	*res = handle;
	return 0;
}

struct handle *handle_find(uint32_t id)
{
	return hmap_get(&handles, id);
}

struct handle *handle_find_ino(uint64_t ino)
{
	hmap_for_each (&handles, slot) {
		struct handle *handle = slot->value;

		if (handle->ino == ino)
			return handle;
	}
	return NULL;
}

/* Does anybody have the read end open? */
bool handle_held(const struct handle *handle)
{
	struct pollfd pfd = { .fd = handle->wfd };

	return handle->wfd >= 0 && (poll(&pfd, 1, 0) <= 0 || !(pfd.revents & POLLERR));
}

static void ports_close(struct handle *handle)
{
	while (!list_empty(&handle->ports)) {
		struct port *port = list_entry(handle->ports.next, struct port, in_owner);

		port_close(handle->domain, (uint32_t)(port - handle->domain->ports));
	}
}

/* Its domain dies: it loses all it has at once, as when Xen tears down a domain's maps.
 */
void handle_strip(struct handle *handle)
{
	list_for_each (&handle->tracks, pos, tmp)
		track_release(list_entry(pos, struct track, list));
	ports_close(handle);
	if (handle->kind == HANDLE_LIFE && handle->wfd >= 0) {
		source_close(handle->wfd); /* tells the guest's kernel */
		handle->wfd = -1;
	}
}

/*
 * The last copy is closed. Mappings may outlive it; and notifications must be out before
 * the ports they use are closed, whichever descriptor of a dead process is closed first.
 */
void handle_release(struct handle *handle)
{
	list_for_each (&handle->tracks, pos, tmp)
		track_orphan(list_entry(pos, struct track, list));
	ports_close(handle);
	if (handle->wfd >= 0)
		source_close(handle->wfd);
	handle->wfd = -1;
	hmap_del(&handles, handle->id);
	list_del(&handle->in_domain);
	slot_free(handle->slot);
	if (handle->kind == HANDLE_LIFE)
		domain_destroy(handle->domain);
	domain_put(handle->domain);
	source_free(&handle->source);
}
