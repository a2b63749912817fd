/* SPDX-License-Identifier: MIT */
/*
 * The leak check: everything is counted again from the tracks and handles that exist, and
 * whatever is held by nobody is named.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "broker.h"
#include "store.h"

static FILE *report;
static unsigned int found;

__attribute__((format(printf, 1, 2))) static void leak(const char *fmt, ...)
{
	va_list ap;

	found++;
	if (!report)
		return;
	va_start(ap, fmt);
	vfprintf(report, fmt, ap);
	va_end(ap);
	fputc('\n', report);
}

static const char *track_kind(const struct track *track)
{
	static const char *const names[] = { "map", "share", "foreign map" };

	return names[track->kind];
}

static void audit_handles(void)
{
	hmap_for_each (&handles, slot) {
		struct handle *h = slot->value;

		if (!handle_held(h) && h->wfd >= 0)
			leak("handle %u (%s of d%u, %s[%d]): closed everywhere, not "
			     "released",
			     h->id, handle_kind_name[h->kind], h->domain->domid, h->prog,
			     h->pid);
	}
}

static void audit_tracks(void)
{
	hmap_for_each (&tracks, slot) {
		struct track *t = slot->value;

		if (t->handle && handle_find(t->handle->id) != t->handle)
			leak("%s %u of d%u: its handle does not exist", track_kind(t),
			     t->id, t->domain->domid);
		if (!t->handle && !track_mapped(t))
			leak("%s %u of d%u (%u pages): held by nobody", track_kind(t),
			     t->id, t->domain->domid, t->count);
	}
}

/* For each grant of @domain: mappings by tracks, and whether a share still has it */
struct tally {
	uint32_t maps;
	bool shared;
};

static uint32_t tally_tracks(const struct domain *domain, struct tally *tally)
{
	uint32_t mapped = 0;

	hmap_for_each (&tracks, slot) {
		struct track *t = slot->value;

		for (uint32_t i = 0; i < t->count; i++) {
			if (t->pages[i].domain != domain)
				continue;
			mapped += t->kind != TRACK_SHARE;
			if (t->kind == TRACK_MAP)
				tally[t->pages[i].ref].maps++;
			else if (t->kind == TRACK_SHARE)
				tally[t->pages[i].ref].shared = true;
		}
	}
	return mapped;
}

static uint32_t audit_grants(const struct domain *domain, const struct tally *tally)
{
	uint32_t pages = 0;

	for (uint32_t ref = 0; ref < domain->ngrants; ref++) {
		const struct grant *grant = &domain->grants[ref];

		pages += grant->state != GRANT_FREE;
		if (grant->maps != tally[ref].maps)
			leak("grant %u of d%u: %u mappings counted, %u exist", ref,
			     domain->domid, grant->maps, tally[ref].maps);
		if (grant->state == GRANT_ZOMBIE && !tally[ref].maps)
			leak("grant %u of d%u: revoked, mapped by nobody, not freed", ref,
			     domain->domid);
		if (grant->state == GRANT_SHARED && !tally[ref].shared &&
		    ref >= GUEST_FIRST_REF)
			leak("grant %u of d%u: shared by nobody", ref, domain->domid);
	}
	return pages;
}

static void audit_ports(const struct domain *domain)
{
	for (uint32_t port = 1; port < domain->nports; port++) {
		uint32_t owner = atomic_load(&domain->shm->ports[port].owner);

		if (owner && !handle_find(owner))
			leak("port %u of d%u: its handle does not exist", port,
			     domain->domid);
		if (domain->ports[port].closing && !domain->ports[port].refs)
			leak("port %u of d%u: closed, not freed", port, domain->domid);
	}
}

static void audit_domain(const struct domain *domain)
{
	struct tally *tally = calloc(domain->ngrants + 1, sizeof(*tally));
	uint32_t mapped, pages;

	if (!tally)
		abort();
	mapped = tally_tracks(domain, tally);
	pages = audit_grants(domain, tally);
	if (mapped != domain->mapped)
		leak("d%u: %u pages counted as mapped, %u are", domain->domid,
		     domain->mapped, mapped);
	if (domain->dying && !mapped)
		leak("d%u: dying, and nobody has a page of it", domain->domid);
	pages += !domain->domid; /* its XenStore ring */
	if (!mem_waiting() && domain->pages_used != pages)
		leak("d%u: %u pages in use, %u are shared", domain->domid,
		     domain->pages_used, pages);
	audit_ports(domain);
	free(tally);
}

unsigned int audit(FILE *out)
{
	report = out;
	found = 0;
	audit_handles();
	audit_tracks();
	for (struct domain *d = domain_next(0); d; d = domain_next(d->domid + 1))
		audit_domain(d);
	return found;
}
