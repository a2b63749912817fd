/* SPDX-License-Identifier: MIT */
/* Requests of the toolstack: domains and their parameters. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ops.h"

#include <xen/hvm/params.h>

#include "store.h"

/* The pages that the toolstack's builder gives a guest and grants to domain 0. */
static int guest_pages(struct domain *domain)
{
	uint32_t frames[2];
	int err = mem_alloc(domain, 2, frames);

	if (!err)
		err = grant_set(domain, GUEST_CONSOLE_REF, 0, true, GUEST_CONSOLE_FRAME);
	if (!err)
		err = grant_set(domain, GUEST_STORE_REF, 0, true, GUEST_STORE_FRAME);
	domain->params[HVM_PARAM_CONSOLE_PFN] = GUEST_CONSOLE_FRAME;
	domain->params[HVM_PARAM_STORE_PFN] = GUEST_STORE_FRAME;
	return err;
}

int op_create(struct call *call)
{
	struct domain *domain;
	struct handle *life = NULL;
	int err, rfd;

	if (!call->req->domid)
		return -EEXIST;
	err = domain_create(call->req->domid, call->req->count, call->req->text, &domain);
	if (err < 0)
		return err;
	err = guest_pages(domain);
	if (!err)
		err = handle_open(domain, HANDLE_LIFE, call->client->pid,
		                  call->client->prog, &life, &rfd);
	if (err < 0 || !life) {
		domain_destroy(domain);
		return err;
	}
	domain->keeper = call->client->pid;
	call->rep.value = life->id;
	call->rep.value2 = domain->gen;
	call_fd(call, rfd, true);
	return 0;
}

int op_destroy(struct call *call)
{
	struct domain *domain = call_domain(call);

	if (!privileged(call))
		return -EPERM;
	if (!domain)
		return -ESRCH;
	if (!domain->domid)
		return -EINVAL;
	domain_destroy(domain);
	return 0;
}

int op_shutdown(struct call *call)
{
	struct domain *domain = call_domain(call);

	if (!privileged(call))
		return -EPERM;
	if (!domain)
		return -ESRCH;
	domain_shutdown(domain, call->req->count);
	return 0;
}

static void info_fill(struct wire_domain *out, const struct domain *domain)
{
	*out = (struct wire_domain){
		.domid = domain->domid,
		.flags = (domain->dying ? DOM_DYING : 0) |
		         (domain->shutdown ? DOM_SHUTDOWN : 0),
		.reason = domain->reason,
		.pages = domain->pages_used,
		.max_pages = domain->pages,
		.mapped = domain->mapped,
		.gen = domain->gen,
		.keeper = domain->keeper,
	};
	memcpy(out->uuid, domain->uuid, sizeof(out->uuid));
	memcpy(out->name, domain->name, sizeof(out->name));
}

int op_info(struct call *call)
{
	const uint32_t words = sizeof(struct wire_domain) / sizeof(uint32_t);
	uint32_t first = call->req->domid, max = call->req->count;
	struct domain *domain;
	struct wire_domain info;

	if (!privileged(call))
		return -EPERM;
	if (max > WIRE_MAX_TAIL / words)
		max = WIRE_MAX_TAIL / words;
	while (call->rep.value < max && (domain = domain_next(first))) {
		info_fill(&info, domain);
		memcpy(call->out + (size_t)call->rep.value++ * words, &info,
		       sizeof(info));
		first = domain->domid + 1;
	}
	call->rep.count = call->rep.value * words;
	return 0;
}

int op_param(struct call *call)
{
	struct domain *domain = call_domain(call);
	uint32_t index = call->req->param.index;

	if (!domain)
		return -ESRCH;
	if (!privileged(call) && domain != handle_find(call->req->handle)->domain)
		return -EPERM;
	if (index >= HVM_NR_PARAMS)
		return -EINVAL;
	if (call->req->param.set)
		domain->params[index] = call->req->param.value;
	call->rep.value2 = domain->params[index];
	return 0;
}
