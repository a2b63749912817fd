/* SPDX-License-Identifier: MIT */
/* What the host looks like now, as tables for people and as JSON for programs. */
#include <stdio.h>

#include "broker.h"
#include "event.h"

static const char *const port_state_name[] = {
	[PORT_FREE] = "free",
	[PORT_UNBOUND] = "unbound",
	[PORT_INTERDOMAIN] = "interdomain",
	[PORT_VIRQ] = "virq",
};

static const char *domain_state(const struct domain *domain)
{
	if (domain->dying)
		return "dying";
	return domain->shutdown ? "shutdown" : "running";
}

static uint32_t count_list(const struct list *head)
{
	uint32_t n = 0;

	for (const struct list *pos = head->next; pos != head; pos = pos->next)
		n++;
	return n;
}

static void count_grants(const struct domain *domain, uint32_t *shared, uint32_t *zombies)
{
	*shared = *zombies = 0;
	for (uint32_t ref = 0; ref < domain->ngrants; ref++) {
		*shared += domain->grants[ref].state == GRANT_SHARED;
		*zombies += domain->grants[ref].state == GRANT_ZOMBIE;
	}
}

static uint32_t count_mapped(const struct handle *handle)
{
	uint32_t n = 0;

	list_for_each (&handle->tracks, pos, tmp)
		n += list_entry(pos, struct track, list)->count;
	return n;
}

struct port_view {
	uint32_t number;
	enum port_state state;
	uint64_t peer;
	uint32_t word;
	const struct handle *owner;
};

/* Return: false if the port is free */
static bool port_view(const struct domain *domain, uint32_t port, struct port_view *view)
{
	struct shm_port *shm = &domain->shm->ports[port];

	view->number = port;
	view->peer = atomic_load(&shm->peer);
	view->state = port_state(view->peer);
	view->word = atomic_load(&shm->word);
	view->owner = domain->ports[port].owner;
	return view->state != PORT_FREE;
}

static void port_peer(const struct port_view *view, char *buf, size_t size)
{
	if (view->state == PORT_INTERDOMAIN)
		snprintf(buf, size, "d%u:%u", port_peer_domid(view->peer),
		         port_peer_port(view->peer));
	else if (view->state == PORT_UNBOUND)
		snprintf(buf, size, "for d%u", port_peer_domid(view->peer));
	else
		snprintf(buf, size, "virq %u", port_peer_port(view->peer));
}

static void table_domains(FILE *out)
{
	uint32_t shared, zombies;

	fprintf(out, "%-6s %-16s %-8s %9s %9s %7s %7s %7s\n", "DOMID", "NAME", "STATE",
	        "PAGES", "MAX", "SHARED", "ZOMBIE", "MAPPED");
	for (struct domain *d = domain_next(0); d; d = domain_next(d->domid + 1)) {
		count_grants(d, &shared, &zombies);
		fprintf(out, "%-6u %-16s %-8s %9u %9u %7u %7u %7u\n", d->domid, d->name,
		        domain_state(d), d->pages_used, d->pages, shared, zombies,
		        d->mapped);
	}
}

static void table_ports(FILE *out)
{
	struct port_view view;
	char peer[32];

	fprintf(out, "\n%-10s %-12s %-12s %-8s %-7s %s\n", "PORT", "STATE", "PEER",
	        "PENDING", "MASKED", "READER");
	for (struct domain *d = domain_next(0); d; d = domain_next(d->domid + 1)) {
		for (uint32_t port = 1; port < d->nports; port++) {
			if (!port_view(d, port, &view))
				continue;
			port_peer(&view, peer, sizeof(peer));
			fprintf(out, "d%u:%-*u %-12s %-12s %-8s %-7s", d->domid,
			        d->domid < 10    ? 7
			        : d->domid < 100 ? 6
			                         : 5,
			        port, port_state_name[view.state], peer,
			        view.word & EV_PENDING ? "yes" : "-",
			        view.word & EV_BUSY ? "yes" : "-");
			if (view.owner)
				fprintf(out, " %s[%d]\n", view.owner->prog,
				        view.owner->pid);
			else
				fprintf(out, " -\n");
		}
	}
}

static void table_handles(FILE *out)
{
	fprintf(out, "\n%-6s %-8s %7s %7s %7s  %s\n", "DOMID", "DEVICE", "CALLS", "PAGES",
	        "PORTS", "PROGRAM");
	for (struct domain *d = domain_next(0); d; d = domain_next(d->domid + 1)) {
		list_for_each (&d->handles, pos, tmp) {
			struct handle *h = list_entry(pos, struct handle, in_domain);

			fprintf(out, "%-6u %-8s %7u %7u %7u  %s[%d]\n", d->domid,
			        handle_kind_name[h->kind], count_list(&h->tracks),
			        count_mapped(h), h->nports, h->prog, h->pid);
		}
	}
}

/* A string of a client's: what JSON forbids in a string becomes a question mark. */
static void json_string(FILE *out, const char *s)
{
	fputc('"', out);
	for (; *s; s++)
		fputc((unsigned char)*s < ' ' || *s == '"' || *s == '\\' ? '?' : *s, out);
	fputc('"', out);
}

static void json_ports(FILE *out, const struct domain *d)
{
	struct port_view view;
	const char *sep = "";

	for (uint32_t port = 1; port < d->nports; port++) {
		if (!port_view(d, port, &view))
			continue;
		fprintf(out, "%s{\"port\":%u,\"state\":\"%s\"", sep, port,
		        port_state_name[view.state]);
		if (view.state == PORT_VIRQ)
			fprintf(out, ",\"virq\":%u", port_peer_port(view.peer));
		else
			fprintf(out, ",\"remote_domid\":%u", port_peer_domid(view.peer));
		if (view.state == PORT_INTERDOMAIN)
			fprintf(out, ",\"remote_port\":%u", port_peer_port(view.peer));
		fprintf(out, ",\"pending\":%s,\"masked\":%s,\"handle\":%u}",
		        view.word & EV_PENDING ? "true" : "false",
		        view.word & EV_BUSY ? "true" : "false",
		        view.owner ? view.owner->id : 0);
		sep = ",";
	}
}

static void json_grants(FILE *out, const struct domain *d)
{
	const char *sep = "";

	for (uint32_t ref = 0; ref < d->ngrants; ref++) {
		uint64_t entry = atomic_load(&d->shm->grants[ref]);

		if (d->grants[ref].state == GRANT_FREE)
			continue;
		fprintf(out, "%s{\"ref\":%u,\"maps\":%u", sep, ref, d->grants[ref].maps);
		if (entry & GRANT_VALID)
			fprintf(out, ",\"for\":%u,\"writable\":%s}", grant_domid(entry),
			        entry & GRANT_READONLY ? "false" : "true");
		else
			fprintf(out, ",\"zombie\":true}");
		sep = ",";
	}
}

static void json_handles(FILE *out, const struct domain *d)
{
	const char *sep = "";

	list_for_each (&d->handles, pos, tmp) {
		const struct handle *h = list_entry(pos, struct handle, in_domain);

		fprintf(out,
		        "%s{\"handle\":%u,\"device\":\"%s\",\"pid\":%d,\"program\":", sep,
		        h->id, handle_kind_name[h->kind], h->pid);
		json_string(out, h->prog);
		fprintf(out, ",\"calls\":%u,\"pages\":%u,\"ports\":%u}",
		        count_list(&h->tracks), count_mapped(h), h->nports);
		sep = ",";
	}
}

/* Each page of others that the domain has mapped; of handle 0 if that is closed */
static void json_maps(FILE *out, const struct domain *d)
{
	const char *sep = "";

	hmap_for_each (&tracks, slot) {
		const struct track *t = slot->value;

		for (uint32_t i = 0;
		     t->domain == d && t->kind == TRACK_MAP && i < t->count; i++) {
			fprintf(out,
			        "%s{\"of\":%u,\"ref\":%u,\"writable\":%s,\"handle\":%u",
			        sep, t->pages[i].domain->domid, t->pages[i].ref,
			        t->writable ? "true" : "false",
			        t->handle ? t->handle->id : 0);
			fprintf(out, ",\"program\":");
			json_string(out, t->handle ? t->handle->prog : "");
			fputc('}', out);
			sep = ",";
		}
	}
}

static void json_domain(FILE *out, const struct domain *d)
{
	static const struct {
		const char *name;
		void (*print)(FILE *out, const struct domain *d);
	} lists[] = { { "ports", json_ports },
		      { "grants", json_grants },
		      { "handles", json_handles },
		      { "maps", json_maps } };
	uint32_t shared, zombies;

	count_grants(d, &shared, &zombies);
	fprintf(out, "{\"domid\":%u,\"name\":", d->domid);
	json_string(out, d->name);
	fprintf(out,
	        ",\"state\":\"%s\",\"reason\":%u,\"pages\":%u,\"max_pages\":%u,"
	        "\"shared\":%u,"
	        "\"zombies\":%u,\"mapped\":%u,\"keeper\":%d",
	        domain_state(d), d->reason, d->pages_used, d->pages, shared, zombies,
	        d->mapped, d->keeper);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		fprintf(out, ",\n\"%s\":[", lists[i].name);
		lists[i].print(out, d);
		fputc(']', out);
	}
	fputc('}', out);
}

static void json(FILE *out, unsigned int leaks)
{
	const char *sep = "";

	fprintf(out, "{\"leaks\":%u,\"domains\":[", leaks);
	for (struct domain *d = domain_next(0); d; d = domain_next(d->domid + 1)) {
		fputs(sep, out);
		json_domain(out, d);
		sep = ",\n";
	}
	fprintf(out, "]}\n");
}

int status_write(FILE *out, enum status_form form)
{
	unsigned int leaks = audit(form == STATUS_LEAKS ? out : NULL);

	if (form == STATUS_JSON)
		json(out, leaks);
	if (form == STATUS_TABLE) {
		table_domains(out);
		table_ports(out);
		table_handles(out);
		faults_print(out);
	}
	return leaks != 0;
}
