/* SPDX-License-Identifier: MIT */
/* Faults set for the host: counted here, over all processes that they are meant for. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ops.h"

struct entry {
	struct list list;
	struct fault fault;
	uint32_t domid; /* DOMID_INVALID: any */
	char prog[16];  /* "": any */
};

static struct list entries = LIST_INIT(entries);

/* What the library looks at before it asks */
static void publish(void)
{
	uint32_t kinds = 0;

	list_for_each (&entries, pos, tmp) {
		const struct entry *entry = list_entry(pos, struct entry, list);

		if (entry->fault.nth)
			kinds |= 1u << entry->fault.kind;
	}
	atomic_store(&host.shm->faults, kinds);
}

static void clear(void)
{
	list_for_each (&entries, pos, tmp) {
		list_del(pos);
		free(list_entry(pos, struct entry, list));
	}
}

/* text: "SPEC" or "SPEC\nPROG"; "" forgets all */
int op_fault(struct call *call)
{
	char text[WIRE_TEXT], *prog;
	struct entry *entry;

	memcpy(text, call->req->text, sizeof(text));
	if (!*text) {
		clear();
		publish();
		return 0;
	}
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	prog = strchr(text, '\n');
	if (prog) {
		*prog++ = '\0';
		strncpy(entry->prog, prog, sizeof(entry->prog) - 1);
	}
	if (fault_parse(text, &entry->fault) < 0) {
		free(entry);
		return -EINVAL;
	}
	entry->domid = call->req->domid;
	list_init(&entry->list);
	list_add_tail(&entries, &entry->list);
	publish();
	return 0;
}

int op_fault_hit(struct call *call)
{
	list_for_each (&entries, pos, tmp) {
		struct entry *entry = list_entry(pos, struct entry, list);

		if (entry->domid != DOMID_INVALID && entry->domid != call->req->domid)
			continue;
		if (*entry->prog && strcmp(entry->prog, call->client->prog) != 0)
			continue;
		if (!fault_strike(&entry->fault, call->req->fault.kind, call->req->text))
			continue;
		call->rep.value = entry->fault.action;
		call->rep.value2 = (uint64_t)(int64_t)entry->fault.value;
	}
	publish();
	return 0;
}

void faults_print(FILE *out)
{
	if (!list_empty(&entries))
		fprintf(out, "\n%-6s %-16s %s\n", "DOMID", "PROGRAM",
		        "FAULT, CALLS LEFT");
	list_for_each (&entries, pos, tmp) {
		const struct entry *entry = list_entry(pos, struct entry, list);

		if (entry->domid == DOMID_INVALID)
			fprintf(out, "%-6s ", "any");
		else
			fprintf(out, "%-6u ", entry->domid);
		fprintf(out, "%-16s ", *entry->prog ? entry->prog : "any");
		fault_print(out, &entry->fault);
		fputs(entry->fault.nth ? "\n" : " (has struck)\n", out);
	}
}
