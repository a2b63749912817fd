/* SPDX-License-Identifier: MIT */
/* The requests: one function each, and the table of them. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ops.h"

void call_fd(struct call *call, int fd, bool close_it)
{
	call->fds[call->nfds] = fd;
	call->close_fd[call->nfds++] = close_it;
}

int call_value(struct call *call, int value)
{
	if (value < 0)
		return value;
	call->rep.value = (uint32_t)value;
	return 0;
}

/* The handle of a request, of that kind, and of a domain that lives. */
struct handle *call_handle(const struct call *call, enum handle_kind kind)
{
	struct handle *handle = handle_find(call->req->handle);

	return handle && handle->kind == kind && !handle->domain->dying ? handle : NULL;
}

/* May it act on other domains? The operator of the host, and domain 0. */
bool privileged(const struct call *call)
{
	const struct handle *handle = handle_find(call->req->handle);

	return !call->req->handle || (handle && !handle->domain->domid);
}

/* The domain a hypercall names; DOMID_SELF is the caller's. */
struct domain *call_domain(const struct call *call)
{
	const struct handle *handle = handle_find(call->req->handle);

	if (call->req->domid == DOMID_SELF)
		return handle ? handle->domain : NULL;
	return domain_find(call->req->domid);
}

static int op_hello(struct call *call)
{
	struct client *client = call->client;

	if (call->req->hello.version != WIRE_VERSION)
		return -EPROTO;
	client->domid = call->req->domid;
	client->gen = call->req->hello.gen;
	snprintf(client->prog, sizeof(client->prog), "%.15s", call->req->text);
	call_fd(call, host.fd, false);
	return 0;
}

static int op_open(struct call *call)
{
	struct domain *domain = domain_find(call->req->domid);
	struct handle *handle;
	int err, rfd;

	if (!domain)
		return -ENOENT; /* a domain that does not exist has no /dev/xen */
	if (call->req->open.kind == HANDLE_LIFE)
		return -EINVAL;
	err = handle_open(domain, call->req->open.kind, call->client->pid,
	                  call->client->prog, &handle, &rfd);
	if (err < 0)
		return err;
	call->rep.value = handle->id;
	call->rep.value2 = handle->slot;
	call_fd(call, rfd, true);
	return 0;
}

static int op_adopt(struct call *call)
{
	struct handle *handle = handle_find_ino(call->req->open.ino);

	if (!handle || handle->kind != call->req->open.kind)
		return -EINVAL;
	handle->pid = call->client->pid;
	call->rep.value = handle->id;
	call->rep.value2 = handle->domain->domid;
	return 0;
}

static int op_close(struct call *call)
{
	struct handle *handle = handle_find(call->req->handle);

	if (handle && !handle_held(handle))
		handle_release(handle);
	return 0;
}

static int op_restrict(struct call *call)
{
	struct handle *handle = handle_find(call->req->handle);

	if (!handle)
		return -EBADF;
	if (handle->restricted != DOMID_INVALID)
		return -EACCES;
	if (!call->req->domid || call->req->domid >= SIM_MAX_DOMID)
		return -EINVAL;
	handle->restricted = call->req->domid;
	return 0;
}

static int op_domain_fd(struct call *call)
{
	struct domain *domain = domain_find(call->req->domid);

	if (!domain || domain->dying)
		return -ESRCH;
	call->rep.value2 = domain->pages;
	call_fd(call, domain->fd, false);
	return 0;
}

static int op_status(struct call *call)
{
	int fd = memfd_create("xensim-status", MFD_CLOEXEC);
	FILE *out = fd < 0 ? NULL : fdopen(dup(fd), "w");

	if (!out) {
		if (fd >= 0)
			close(fd);
		return -EMFILE;
	}
	call->rep.value = (uint32_t)status_write(out, call->req->count);
	fclose(out);
	lseek(fd, 0, SEEK_SET);
	call_fd(call, fd, true);
	return 0;
}

static int op_poweroff(struct call *call)
{
	if (!privileged(call))
		return -EPERM;
	call->client->domid = UINT32_MAX; /* the others */
	for (struct domain *d = domain_next(0); d; d = domain_next(d->domid + 1))
		clients_kill(d->domid, d->gen);
	exit(0);
}

static int (*const ops[OP_COUNT])(struct call *call) = {
	[OP_HELLO] = op_hello,
	[OP_OPEN] = op_open,
	[OP_ADOPT] = op_adopt,
	[OP_CLOSE] = op_close,
	[OP_RESTRICT] = op_restrict,
	[OP_DOMAIN_FD] = op_domain_fd,
	[OP_QUEUE_FD] = op_queue_fd,
	[OP_QUEUE] = op_queue,
	[OP_BIND_UNBOUND] = op_bind_unbound,
	[OP_BIND_INTERDOMAIN] = op_bind_interdomain,
	[OP_BIND_VIRQ] = op_bind_virq,
	[OP_UNBIND] = op_unbind,
	[OP_PORT_ALLOC] = op_port_alloc,
	[OP_PORT_STATUS] = op_port_status,
	[OP_SHARE] = op_share,
	[OP_UNSHARE] = op_unmap,
	[OP_MAP] = op_map,
	[OP_UNMAP] = op_unmap,
	[OP_FOREIGN] = op_foreign,
	[OP_CREATE] = op_create,
	[OP_DESTROY] = op_destroy,
	[OP_SHUTDOWN] = op_shutdown,
	[OP_INFO] = op_info,
	[OP_PARAM] = op_param,
	[OP_FAULT] = op_fault,
	[OP_FAULT_HIT] = op_fault_hit,
	[OP_STATUS] = op_status,
	[OP_POWEROFF] = op_poweroff,
};

int call_dispatch(struct call *call)
{
	uint32_t op = call->req->op;

	return op < OP_COUNT && ops[op] ? ops[op](call) : -ENOSYS;
}
