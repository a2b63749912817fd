/* SPDX-License-Identifier: MIT */
/* libxenevtchn: /dev/xen/evtchn without the device. */
#include "sim.h"

#include <stdlib.h>
#include <unistd.h>

#include <xenevtchn.h>

#include "event.h"
#include "inject.h"
#include "queue.h"

struct xenevtchn_handle {
	struct handle h;
	struct queues queues;
};

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger, unsigned int flags)
{
	xenevtchn_handle *xce;
	int err;

	(void)logger;
	if (flags & ~(unsigned int)XENEVTCHN_NO_CLOEXEC) {
		errno = EINVAL;
		return NULL;
	}
	xce = calloc(1, sizeof(*xce));
	if (!xce)
		return NULL;
	err = handle_init(&xce->h, HANDLE_EVTCHN, !(flags & XENEVTCHN_NO_CLOEXEC));
	if (err < 0) {
		free(xce);
		errno = -err;
		return NULL;
	}
	return xce;
}

xenevtchn_handle *xenevtchn_fdopen(struct xentoollog_logger *logger, int fd,
                                   unsigned int open_flags)
{
	xenevtchn_handle *xce;
	int err;

	(void)logger;
	if (open_flags) {
		errno = EINVAL;
		return NULL;
	}
	xce = calloc(1, sizeof(*xce));
	if (!xce)
		return NULL;
	err = handle_adopt(&xce->h, HANDLE_EVTCHN, fd);
	if (err < 0) {
		free(xce);
		errno = -err;
		return NULL;
	}
	return xce;
}

int xenevtchn_close(xenevtchn_handle *xce)
{
	if (!xce)
		return 0;
	queues_free(&xce->queues);
	handle_fini(&xce->h);
	free(xce);
	return 0;
}

int xenevtchn_fd(xenevtchn_handle *xce)
{
	return xce->h.fd;
}

/* The port if this handle owns it: the driver looks in its own table before it asks Xen.
 */
static struct shm_port *own_port(xenevtchn_handle *xce, uint32_t port)
{
	struct view *view = views_get(&xce->h.views, xce->h.domid);
	struct shm_port *p;

	if (!view || port >= SHM_MAX_PORTS)
		return NULL;
	p = &view->info->ports[port];
	return atomic_load_explicit(&p->owner, memory_order_relaxed) == xce->h.id ? p
	                                                                          : NULL;
}

static void raise_peer(xenevtchn_handle *xce, uint64_t peer)
{
	uint32_t port = port_peer_port(peer), domid = port_peer_domid(peer);
	struct view *view = views_get(&xce->h.views, domid);

	if (view && event_raise(&view->info->ports[port]))
		queue_claimed(&xce->queues, &view->info->ports[port], domid, port);
}

int xenevtchn_notify(xenevtchn_handle *xce, evtchn_port_t port)
{
	struct shm_port *p;
	uint64_t peer;
	bool drop = inject_notify(xce->h.domid);

	xensim_point("notify");
	pthread_mutex_lock(&xce->h.lock);
	p = own_port(xce, port);
	peer = p ? atomic_load(&p->peer) : 0;
	if (port_state(peer) == PORT_INTERDOMAIN && !drop)
		raise_peer(xce, peer);
	pthread_mutex_unlock(&xce->h.lock);
	return p ? 0 : sim_fail(-ENOTCONN);
}

/* The driver takes a number it does not know in silence. */
int xenevtchn_unmask(xenevtchn_handle *xce, evtchn_port_t port)
{
	struct shm_port *p;

	xensim_point("unmask");
	pthread_mutex_lock(&xce->h.lock);
	p = own_port(xce, port);
	if (p && event_unmask(p))
		queue_claimed(&xce->queues, p, xce->h.domid, port);
	pthread_mutex_unlock(&xce->h.lock);
	return 0;
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *xce)
{
	uint32_t port;
	ssize_t n = read(xce->h.fd, &port, sizeof(port));

	xensim_point("pending");
	if (n == (ssize_t)sizeof(port))
		return (xenevtchn_port_or_error_t)port;
	if (n >= 0)
		errno = EIO; /* the host is gone */
	return -1;
}

static xenevtchn_port_or_error_t bind_call(xenevtchn_handle *xce, struct rpc *rpc,
                                           enum fault_kind kind)
{
	int err = inject_errno(kind, xce->h.domid);

	xensim_point("bind-before-publish");
	if (!err)
		err = handle_call(&xce->h, rpc);
	if (!err)
		xensim_point("bind-after-publish");
	return err < 0 ? sim_fail(err) : (xenevtchn_port_or_error_t)rpc->rep.value;
}

xenevtchn_port_or_error_t xenevtchn_bind_unbound_port(xenevtchn_handle *xce,
                                                      uint32_t domid)
{
	struct rpc rpc = { .req = { .op = OP_BIND_UNBOUND, .domid = domid } };

	return bind_call(xce, &rpc, FAULT_ALLOC);
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *xce,
                                                     uint32_t domid,
                                                     evtchn_port_t remote_port)
{
	struct rpc rpc = { .req = { .op = OP_BIND_INTERDOMAIN, .domid = domid } };

	rpc.req.port = remote_port;
	return bind_call(xce, &rpc, FAULT_BIND);
}

xenevtchn_port_or_error_t xenevtchn_bind_virq(xenevtchn_handle *xce, unsigned int virq)
{
	struct rpc rpc = { .req = { .op = OP_BIND_VIRQ } };

	rpc.req.port = virq;
	return bind_call(xce, &rpc, FAULT_BIND);
}

int xenevtchn_unbind(xenevtchn_handle *xce, evtchn_port_t port)
{
	struct rpc rpc = { .req = { .op = OP_UNBIND } };
	int err;

	rpc.req.port = port;
	err = handle_call(&xce->h, &rpc);
	xensim_point("unbind");
	return err < 0 ? sim_fail(err) : 0;
}

int xenevtchn_restrict(xenevtchn_handle *xce, domid_t domid)
{
	struct rpc rpc = { .req = { .op = OP_RESTRICT, .domid = domid } };
	int err = handle_call(&xce->h, &rpc);

	return err < 0 ? sim_fail(err) : 0;
}
