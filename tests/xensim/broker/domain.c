/* SPDX-License-Identifier: MIT */
/* Domains: created, shut down, destroyed, and gone when the last of their pages is
 * unmapped. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "broker.h"

#include <xen/hvm/params.h>

static struct domain *domains[SIM_MAX_DOMID];
static uint32_t last_gen;

struct domain *domain_find(uint32_t domid)
{
	return domid < SIM_MAX_DOMID ? domains[domid] : NULL;
}

struct domain *domain_next(uint32_t first)
{
	while (first < SIM_MAX_DOMID && !domains[first])
		first++;
	return domain_find(first);
}

struct domain *domain_get(struct domain *domain)
{
	domain->refs++;
	return domain;
}

void domain_put(struct domain *domain)
{
	if (--domain->refs)
		return;
	mem_fini(domain);
	free(domain->ports);
	free(domain->grants);
	free(domain->params);
	free(domain);
}

int domain_create(uint32_t domid, uint32_t pages, const char *name, struct domain **res)
{
	struct domain *domain;
	int err;

	if (domid >= SIM_MAX_DOMID || !pages)
		return -EINVAL;
	if (domains[domid])
		return -EEXIST;
	domain = calloc(1, sizeof(*domain));
	if (!domain)
		return -ENOMEM;
	domain->refs = 1;
	domain->domid = domid;
	domain->gen = ++last_gen;
	domain->fd = -1;
	strncpy(domain->name, name, sizeof(domain->name) - 1);
	list_init(&domain->handles);
	list_init(&domain->foreign);
	domain->params = calloc(HVM_NR_PARAMS, sizeof(*domain->params));
	err = domain->params ? mem_init(domain, pages) : -ENOMEM;
	if (err < 0 || (domid && getrandom(domain->uuid, sizeof(domain->uuid), 0) < 0)) {
		domain_put(domain);
		return err < 0 ? err : -errno;
	}
	domain->shm->domid = domid;
	domain->shm->pages = pages;
	atomic_store(&domain->shm->alive, 1);
	domains[domid] = domain;
	*res = domain;
	return 0;
}

static void tell_dom0(void)
{
	if (domains[0])
		virq_raise(domains[0], VIRQ_DOM_EXC);
}

static void domain_gone(struct domain *domain)
{
	domain->gone = true;
	domains[domain->domid] = NULL;
	tell_dom0();
	domain_put(domain);
}

/* The last mapping of a dying domain's page lets it go. */
void domain_unmapped(struct domain *domain)
{
	if (--domain->mapped == 0 && domain->dying)
		domain_gone(domain);
}

void domain_shutdown(struct domain *domain, uint32_t reason)
{
	if (domain->shutdown || domain->dying)
		return;
	domain->shutdown = true;
	domain->reason = reason;
	tell_dom0();
}

static void revoke_all(struct domain *domain)
{
	for (uint32_t ref = 0; ref < domain->ngrants; ref++) {
		if (domain->grants[ref].state == GRANT_SHARED)
			grant_revoke(domain, ref);
	}
}

void domain_destroy(struct domain *domain)
{
	if (domain->dying)
		return;
	domain->dying = true;
	atomic_store(&domain->shm->alive, 0);
	clients_kill(domain->domid, domain->gen);
	reap_domain(domain->domid, domain->gen);
	domain_get(domain);
	domain->mapped++; /* not gone before this is done */
	list_for_each (&domain->handles, pos, tmp)
		handle_strip(list_entry(pos, struct handle, in_domain));
	for (uint32_t port = 1; port < domain->nports; port++)
		port_close(domain, port);
	revoke_all(domain);
	list_for_each (&domain->foreign, pos, tmp)
		track_orphan(list_entry(pos, struct track, in_foreign));
	tell_dom0();
	domain_unmapped(domain);
	domain_put(domain);
}
