/* SPDX-License-Identifier: MIT */
/* Requests about event channels. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ops.h"

#include <xen/event_channel.h>

int op_queue_fd(struct call *call)
{
	struct handle *handle = call_handle(call, HANDLE_EVTCHN);

	if (!handle || handle->wfd < 0)
		return -ESRCH;
	call_fd(call, handle->wfd, false);
	return 0;
}

int op_queue(struct call *call)
{
	struct domain *domain = domain_find(call->req->domid);

	if (domain)
		port_queue(domain, call->req->port);
	return 0;
}

int op_bind_unbound(struct call *call)
{
	struct handle *handle = call_handle(call, HANDLE_EVTCHN);

	return handle ? call_value(call, port_bind_unbound(handle, call->req->domid))
	              : -EBADF;
}

int op_bind_interdomain(struct call *call)
{
	struct handle *handle = call_handle(call, HANDLE_EVTCHN);

	return handle ? call_value(call, port_bind_interdomain(handle, call->req->domid,
	                                                       call->req->port))
	              : -EBADF;
}

int op_bind_virq(struct call *call)
{
	struct handle *handle = call_handle(call, HANDLE_EVTCHN);

	return handle ? call_value(call, port_bind_virq(handle, call->req->port))
	              : -EBADF;
}

int op_unbind(struct call *call)
{
	struct handle *handle = call_handle(call, HANDLE_EVTCHN);

	return handle ? port_unbind(handle, call->req->port) : -EBADF;
}

int op_port_alloc(struct call *call)
{
	struct domain *domain = call_domain(call);

	if (!domain)
		return -ESRCH;
	if (!privileged(call) && domain != handle_find(call->req->handle)->domain)
		return -EPERM;
	return call_value(call, port_alloc(domain, NULL,
	                                   port_pack(PORT_UNBOUND, call->req->port, 0)));
}

int op_port_status(struct call *call)
{
	static const uint32_t status[] = {
		[PORT_FREE] = EVTCHNSTAT_closed,
		[PORT_UNBOUND] = EVTCHNSTAT_unbound,
		[PORT_INTERDOMAIN] = EVTCHNSTAT_interdomain,
		[PORT_VIRQ] = EVTCHNSTAT_virq,
	};
	struct domain *domain = call_domain(call);
	uint32_t port = call->req->port;

	if (!domain)
		return -ESRCH;
	if (!privileged(call) && domain != handle_find(call->req->handle)->domain)
		return -EPERM;
	if (port >= SHM_MAX_PORTS)
		return -EINVAL;
	call->rep.value2 = atomic_load(&domain->shm->ports[port].peer);
	call->rep.value = status[port_state(call->rep.value2)];
	return 0;
}
