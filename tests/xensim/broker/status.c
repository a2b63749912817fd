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

static void json_handle(FILE *out, const struct handle *h)
{
	fprintf(out, "{\"device\":\"%s\",\"id\":%u,\"pid\":%d,\"program\":",
	        handle_kind_name[h->kind], h->id, h->pid);
	json_string(out, h->prog);
	fprintf(out, ",\"calls\":%u,\"pages\":%u,\"ports\":%u}", count_list(&h->tracks),
	        count_mapped(h), h->nports);
}

static void json_ports(FILE *out, const struct domain *domain)
{
	struct port_view view;
	const char *sep = "";

	for (uint32_t port = 1; port < domain->nports; port++) {
		if (!port_view(domain, port, &view))
			continue;
		fprintf(out, "%s{\"port\":%u,\"state\":\"%s\"", sep, port,
		        port_state_name[view.state]);
		if (view.state == PORT_VIRQ)
			fprintf(out, ",\"virq\":%u", port_peer_port(view.peer));
		else
			fprintf(out, ",\"remote_domid\":%u", port_peer_domid(view.peer));
		if (view.state == PORT_INTERDOMAIN)
			fprintf(out, ",\"remote_port\":%u", port_peer_port(view.peer));
		fprintf(out, ",\"pending\":%s,\"masked\":%s,\"pid\":%d}",
		        view.word & EV_PENDING ? "true" : "false",
		        view.word & EV_BUSY ? "true" : "false",
		        view.owner ? view.owner->pid : 0);
		sep = ",";
	}
}

static void json_domain(FILE *out, const struct domain *d)
{
	uint32_t shared, zombies;
	const char *sep = "";

	count_grants(d, &shared, &zombies);
	fprintf(out, "{\"domid\":%u,\"name\":", d->domid);
	json_string(out, d->name);
	fprintf(out,
	        ",\"state\":\"%s\",\"reason\":%u,\"pages\":%u,\"max_pages\":%u,"
	        "\"shared\":%u,"
	        "\"zombies\":%u,\"mapped\":%u,\"ports\":[",
	        domain_state(d), d->reason, d->pages_used, d->pages, shared, zombies,
	        d->mapped);
	json_ports(out, d);
	fprintf(out, "],\"handles\":[");
	list_for_each (&d->handles, pos, tmp) {
		fputs(sep, out);
		json_handle(out, list_entry(pos, struct handle, in_domain));
		sep = ",";
	}
	fprintf(out, "]}");
}

static void json(FILE *out, unsigned int leaks)
{
	const char *sep = "";

	fprintf(out, "{\"tag\":\"%s\",\"leaks\":%u,\"orphans\":%u,\"domains\":[",
	        host.tag, leaks, count_list(&orphans));
	for (struct domain *d = domain_next(0); d; d = domain_next(d->domid + 1)) {
		fputs(sep, out);
		json_domain(out, d);
		sep = ",";
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
