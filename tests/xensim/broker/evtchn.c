/* SPDX-License-Identifier: MIT */
/* Event channels: bindings, which only the broker changes, and events that it raises
 * itself. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker.h"
#include "event.h"

static int ports_grow(struct domain *domain)
{
	uint32_t size = domain->nports ? domain->nports * 2 : 64;
	struct port *bigger;

	if (size > SHM_MAX_PORTS)
		return -ENOSPC;
	bigger = calloc(size, sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	for (uint32_t i = 0; i < size; i++) {
		list_init(&bigger[i].in_owner);
		if (i >= domain->nports)
			continue;
		bigger[i].refs = domain->ports[i].refs;
		bigger[i].closing = domain->ports[i].closing;
		bigger[i].owner = domain->ports[i].owner;
		if (!bigger[i].owner)
			continue;
		list_add_tail(&domain->ports[i].in_owner, &bigger[i].in_owner);
		list_del(&domain->ports[i].in_owner);
	}
	free(domain->ports);
	domain->ports = bigger;
	domain->nports = size;
	return 0;
}

static bool port_is_free(const struct domain *domain, uint32_t port)
{
	return port_state(atomic_load(&domain->shm->ports[port].peer)) == PORT_FREE;
}

/* A handle's queue holds each of its ports once: make it large enough for one more. */
static int queue_reserve(struct handle *owner)
{
	int size = fcntl(owner->wfd, F_GETPIPE_SZ);

	/* Half of it: numbers of ports that were closed since may still be in it. */
	while (size > 0 && (uint32_t)size / 8 <= owner->nports) {
		if (fcntl(owner->wfd, F_SETPIPE_SZ, size * 2) < 0)
			return -ENOSPC;
		size = fcntl(owner->wfd, F_GETPIPE_SZ);
	}
	return size < 0 ? -errno : 0;
}

int port_alloc(struct domain *domain, struct handle *owner, uint64_t peer)
{
	uint32_t port = domain->port_hint ? domain->port_hint : 1;
	struct shm_port *p;
	int err;

	if (domain->dying)
		return -ESRCH;
	err = owner ? queue_reserve(owner) : 0;
	if (err < 0)
		return err;
	while (port < domain->nports && !port_is_free(domain, port))
		port++;
	if (port >= domain->nports && (err = ports_grow(domain)) < 0)
		return err;
	domain->port_hint = port + 1;
	domain->ports[port].owner = owner;
	domain->ports[port].refs = 0;
	domain->ports[port].closing = false;
	if (owner) {
		list_add_tail(&owner->ports, &domain->ports[port].in_owner);
		owner->nports++;
	}
	p = &domain->shm->ports[port];
	atomic_store(&p->word, owner ? 0 : EV_BUSY);
	atomic_store(&p->owner, owner ? owner->id : 0);
	atomic_store(&p->peer, peer);
	return (int)port;
}

static uint32_t self_or(const struct domain *domain, uint32_t domid)
{
	return domid == DOMID_SELF ? domain->domid : domid;
}

int port_bind_unbound(struct handle *handle, uint32_t domid)
{
	if (handle->restricted != DOMID_INVALID)
		return -EACCES;
	return port_alloc(handle->domain, handle,
	                  port_pack(PORT_UNBOUND, self_or(handle->domain, domid), 0));
}

int port_bind_interdomain(struct handle *handle, uint32_t domid, uint32_t rport)
{
	struct domain *domain = handle->domain, *remote;
	uint64_t peer;
	int port;

	domid = self_or(domain, domid);
	remote = domain_find(domid);
	if (handle->restricted != DOMID_INVALID && handle->restricted != domid)
		return -EACCES;
	if (!remote)
		return -ESRCH;
	if (remote->dying || rport >= remote->nports)
		return -EINVAL;
	peer = atomic_load(&remote->shm->ports[rport].peer);
	if (port_state(peer) != PORT_UNBOUND || port_peer_domid(peer) != domain->domid)
		return -EINVAL;
	port = port_alloc(domain, handle, port_pack(PORT_INTERDOMAIN, domid, rport));
	if (port < 0)
		return port;
	atomic_store(&remote->shm->ports[rport].peer,
	             port_pack(PORT_INTERDOMAIN, domain->domid, (uint32_t)port));
	/* What was sent to the unbound port is lost: Xen raises one event to make up for
	 * it. */
	port_notify(domain, (uint32_t)port);
	return port;
}

int port_bind_virq(struct handle *handle, uint32_t virq)
{
	struct domain *domain = handle->domain;
	int port;

	if (handle->restricted != DOMID_INVALID)
		return -EACCES;
	if (virq >= NR_VIRQS)
		return -EINVAL;
	if (domain->virq[virq])
		return -EEXIST;
	port = port_alloc(domain, handle, port_pack(PORT_VIRQ, 0, virq));
	if (port > 0)
		domain->virq[virq] = (uint32_t)port;
	return port;
}

int port_unbind(struct handle *handle, uint32_t port)
{
	struct domain *domain = handle->domain;

	if (port >= SHM_MAX_PORTS)
		return -EINVAL;
	if (port >= domain->nports || domain->ports[port].owner != handle)
		return -ENOTCONN;
	port_close(domain, port);
	return 0;
}

/* The peer waits for this domain again, silently. If we died while raising, finish that.
 */
static void peer_unbind(struct domain *domain, uint64_t peer)
{
	struct domain *remote = domain_find(port_peer_domid(peer));
	uint32_t rport = port_peer_port(peer);

	if (!remote || rport >= remote->nports)
		return;
	if (atomic_load(&remote->shm->ports[rport].word) & EV_CLAIMED)
		port_queue(remote, rport);
	atomic_store(&remote->shm->ports[rport].peer,
	             port_pack(PORT_UNBOUND, domain->domid, 0));
}

void port_close(struct domain *domain, uint32_t port)
{
	struct shm_port *shm = &domain->shm->ports[port];
	struct port *p = &domain->ports[port];
	uint64_t peer = atomic_load(&shm->peer);

	if (port_state(peer) == PORT_FREE)
		return;
	if (p->owner) {
		list_del(&p->in_owner);
		p->owner->nports--;
		p->owner = NULL;
		atomic_store(&shm->owner, 0);
	}
	if (p->refs) { /* an unmap notification will need it */
		p->closing = true;
		return;
	}
	p->closing = false;
	atomic_store(&shm->peer, port_pack(PORT_FREE, 0, 0));
	if (port_state(peer) == PORT_INTERDOMAIN)
		peer_unbind(domain, peer);
	else if (port_state(peer) == PORT_VIRQ)
		domain->virq[port_peer_port(peer)] = 0;
	if (port < domain->port_hint)
		domain->port_hint = port;
}

int port_ref(struct domain *domain, uint32_t port)
{
	if (port >= domain->nports || port_is_free(domain, port))
		return -EINVAL;
	domain->ports[port].refs++;
	return 0;
}

void port_unref(struct domain *domain, uint32_t port)
{
	if (--domain->ports[port].refs == 0 && domain->ports[port].closing)
		port_close(domain, port);
}

/* Queue the event that somebody has claimed. */
void port_queue(struct domain *domain, uint32_t port)
{
	struct handle *owner;

	if (port >= domain->nports)
		return;
	owner = domain->ports[port].owner;
	if (owner && owner->wfd >= 0 && write(owner->wfd, &port, sizeof(port)) < 0)
		return; /* its reader is just gone */
	event_queued(&domain->shm->ports[port]);
}

void port_notify(struct domain *domain, uint32_t port)
{
	if (event_raise(&domain->shm->ports[port]))
		port_queue(domain, port);
}

void virq_raise(struct domain *domain, uint32_t virq)
{
	if (domain->virq[virq])
		port_notify(domain, domain->virq[virq]);
}
