/* SPDX-License-Identifier: MIT */
/* libxencall: the hypercalls that libxenctrl makes, by a table; all others are ENOSYS. */
#define __XEN_TOOLS__ 1 /* domctl.h and sysctl.h are for tools */

#include "sim.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/version.h>
#include <xencall.h>

struct xencall_handle {
	struct handle h;
};

xencall_handle *xencall_open(struct xentoollog_logger *logger, unsigned int open_flags)
{
	xencall_handle *xcall = calloc(1, sizeof(*xcall));
	int err;

	(void)logger;
	(void)open_flags;
	if (!xcall)
		return NULL;
	err = handle_init(&xcall->h, HANDLE_CALL, true);
	if (!err)
		return xcall;
	free(xcall);
	errno = -err;
	return NULL;
}

int xencall_close(xencall_handle *xcall)
{
	if (!xcall)
		return 0;
	handle_fini(&xcall->h);
	free(xcall);
	return 0;
}

int xencall_fd(xencall_handle *xcall)
{
	return xcall->h.fd;
}

/* Hypercall arguments are addresses passed as numbers. */
static void *arg_ptr(uint64_t arg)
{
	return (void *)(uintptr_t)arg;
}

static void info_fill(struct xen_domctl_getdomaininfo *out, const struct wire_domain *dom)
{
	*out = (struct xen_domctl_getdomaininfo){
		.domain = (domid_t)dom->domid,
		.tot_pages = dom->pages,
		.max_pages = dom->max_pages,
		.shr_pages = 0,
		.shared_info_frame = ~0ull,
		.nr_online_vcpus = 1,
		.flags = (dom->flags & DOM_DYING ? XEN_DOMINF_dying : 0) |
		         (dom->flags & DOM_SHUTDOWN ? XEN_DOMINF_shutdown : 0) |
		         dom->reason << XEN_DOMINF_shutdownshift |
		         (dom->flags ? 0 : XEN_DOMINF_running),
	};
	memcpy(out->handle, dom->uuid, sizeof(out->handle));
}

/* Domains from @first on; Return: how many, or -errno */
static long domain_list(xencall_handle *xcall, uint32_t first, uint32_t max,
                        struct wire_domain *doms)
{
	struct rpc rpc = { .req = { .op = OP_INFO, .domid = first, .count = max },
		           .in = (uint32_t *)doms,
		           .in_max = max * sizeof(*doms) / sizeof(uint32_t) };
	int err = handle_call(&xcall->h, &rpc);

	return err < 0 ? err : (long)rpc.rep.value;
}

static long do_domctl(xencall_handle *xcall, const uint64_t *args)
{
	struct xen_domctl *ctl = arg_ptr(args[0]);
	struct rpc rpc = { .req = { .domid = ctl->domain } };
	struct wire_domain dom;
	long n;

	if (ctl->interface_version != XEN_DOMCTL_INTERFACE_VERSION)
		return -EACCES;
	switch (ctl->cmd) {
	case XEN_DOMCTL_getdomaininfo:
		n = domain_list(xcall, ctl->domain, 1, &dom);
		if (n <= 0)
			return n ? n : -ESRCH;
		ctl->domain = (domid_t)dom.domid;
		info_fill(&ctl->u.getdomaininfo, &dom);
		return 0;
	case XEN_DOMCTL_destroydomain:
		rpc.req.op = OP_DESTROY;
		return handle_call(&xcall->h, &rpc);
	default:
		return xcall->h.domid ? -EPERM : -ENOSYS;
	}
}

#define LIST_BATCH 64u

static long info_list(xencall_handle *xcall, struct xen_sysctl_getdomaininfolist *list)
{
	struct wire_domain doms[LIST_BATCH];
	uint32_t first, done = 0;
	long n;

	first = list->first_domain;
	do {
		uint32_t max = list->max_domains - done;

		n = domain_list(xcall, first, max < LIST_BATCH ? max : LIST_BATCH, doms);
		if (n < 0)
			return n;
		for (long i = 0; i < n; i++)
			info_fill(&list->buffer.p[done++], &doms[i]);
		if (n)
			first = doms[n - 1].domid + 1;
	} while (n && done < list->max_domains);
	list->num_domains = done;
	return 0;
}

static long do_sysctl(xencall_handle *xcall, const uint64_t *args)
{
	struct xen_sysctl *ctl = arg_ptr(args[0]);

	if (ctl->interface_version != XEN_SYSCTL_INTERFACE_VERSION)
		return -EACCES;
	if (xcall->h.domid)
		return -EPERM;
	switch (ctl->cmd) {
	case XEN_SYSCTL_getdomaininfolist:
		return info_list(xcall, &ctl->u.getdomaininfolist);
	case XEN_SYSCTL_physinfo: /* one CPU; toolstacks size their masks by it */
		ctl->u.physinfo = (struct xen_sysctl_physinfo){
			.threads_per_core = 1,
			.cores_per_socket = 1,
			.nr_cpus = 1,
			.nr_nodes = 1,
		};
		return 0;
	default:
		return -ENOSYS;
	}
}

static long do_evtchn(xencall_handle *xcall, const uint64_t *args)
{
	struct evtchn_alloc_unbound *alloc = arg_ptr(args[1]);
	struct evtchn_status *status = arg_ptr(args[1]);
	struct rpc rpc = { 0 };
	long ret;

	switch (args[0]) {
	case EVTCHNOP_alloc_unbound:
		rpc.req.op = OP_PORT_ALLOC;
		rpc.req.domid = alloc->dom;
		rpc.req.port = alloc->remote_dom;
		ret = handle_call(&xcall->h, &rpc);
		alloc->port = rpc.rep.value;
		return ret;
	case EVTCHNOP_status:
		rpc.req.op = OP_PORT_STATUS;
		rpc.req.domid = status->dom;
		rpc.req.port = status->port;
		ret = handle_call(&xcall->h, &rpc);
		if (ret < 0)
			return ret;
		status->vcpu = 0;
		status->status = rpc.rep.value;
		if (rpc.rep.value == EVTCHNSTAT_unbound) {
			status->u.unbound.dom = (domid_t)port_peer_domid(rpc.rep.value2);
		} else if (rpc.rep.value == EVTCHNSTAT_interdomain) {
			status->u.interdomain.dom =
				(domid_t)port_peer_domid(rpc.rep.value2);
			status->u.interdomain.port = port_peer_port(rpc.rep.value2);
		} else if (rpc.rep.value == EVTCHNSTAT_virq) {
			status->u.virq = port_peer_port(rpc.rep.value2);
		}
		return 0;
	default:
		return -ENOSYS;
	}
}

static long do_hvm(xencall_handle *xcall, const uint64_t *args)
{
	struct xen_hvm_param *param = arg_ptr(args[1]);
	struct rpc rpc = { .req = { .op = OP_PARAM } };
	long ret;

	if (args[0] != HVMOP_set_param && args[0] != HVMOP_get_param)
		return -ENOSYS;
	rpc.req.domid = param->domid;
	rpc.req.param.index = param->index;
	rpc.req.param.set = args[0] == HVMOP_set_param;
	rpc.req.param.value = param->value;
	ret = handle_call(&xcall->h, &rpc);
	if (!ret)
		param->value = rpc.rep.value2;
	return ret;
}

static long do_version(xencall_handle *xcall, const uint64_t *args)
{
	(void)xcall;
	switch (args[0]) {
	case XENVER_version:
		return 4 << 16 | 17;
	case XENVER_extraversion:
		memcpy(arg_ptr(args[1]), "-xensim", sizeof("-xensim"));
		return 0;
	case XENVER_pagesize:
		return SIM_PAGE_SIZE;
	default:
		return -ENOSYS;
	}
}

static long do_sched(xencall_handle *xcall, const uint64_t *args)
{
	const struct sched_remote_shutdown *down = arg_ptr(args[1]);
	struct rpc rpc = { .req = { .op = OP_SHUTDOWN } };

	if (args[0] != SCHEDOP_remote_shutdown)
		return -ENOSYS;
	rpc.req.domid = down->domain_id;
	rpc.req.count = down->reason;
	return handle_call(&xcall->h, &rpc);
}

static const struct {
	unsigned int op;
	long (*fn)(xencall_handle *xcall, const uint64_t *args);
} hypercalls[] = {
	{ __HYPERVISOR_domctl, do_domctl },           { __HYPERVISOR_sysctl, do_sysctl },
	{ __HYPERVISOR_event_channel_op, do_evtchn }, { __HYPERVISOR_hvm_op, do_hvm },
	{ __HYPERVISOR_xen_version, do_version },     { __HYPERVISOR_sched_op, do_sched },
};

static long hypercall(xencall_handle *xcall, unsigned int op, const uint64_t *args)
{
	long ret = -ENOSYS;

	if (atomic_load(&xcall->h.dead))
		return sim_fail(-ENOTTY);
	for (size_t i = 0; i < array_size(hypercalls); i++) {
		if (hypercalls[i].op == op)
			ret = hypercalls[i].fn(xcall, args);
	}
	return ret < 0 ? sim_fail((int)ret) : ret;
}

int xencall0(xencall_handle *xcall, unsigned int op)
{
	return (int)hypercall(xcall, op, (uint64_t[5]){ 0 });
}

int xencall1(xencall_handle *xcall, unsigned int op, uint64_t arg1)
{
	return (int)hypercall(xcall, op, (uint64_t[5]){ arg1 });
}

int xencall2(xencall_handle *xcall, unsigned int op, uint64_t arg1, uint64_t arg2)
{
	return (int)hypercall(xcall, op, (uint64_t[5]){ arg1, arg2 });
}

int xencall3(xencall_handle *xcall, unsigned int op, uint64_t arg1, uint64_t arg2,
             uint64_t arg3)
{
	return (int)hypercall(xcall, op, (uint64_t[5]){ arg1, arg2, arg3 });
}

int xencall4(xencall_handle *xcall, unsigned int op, uint64_t arg1, uint64_t arg2,
             uint64_t arg3, uint64_t arg4)
{
	return (int)hypercall(xcall, op, (uint64_t[5]){ arg1, arg2, arg3, arg4 });
}

int xencall5(xencall_handle *xcall, unsigned int op, uint64_t arg1, uint64_t arg2,
             uint64_t arg3, uint64_t arg4, uint64_t arg5)
{
	return (int)hypercall(xcall, op, (uint64_t[5]){ arg1, arg2, arg3, arg4, arg5 });
}

long xencall2L(xencall_handle *xcall, unsigned int op, uint64_t arg1, uint64_t arg2)
{
	return hypercall(xcall, op, (uint64_t[5]){ arg1, arg2 });
}

void *xencall_alloc_buffer_pages(xencall_handle *xcall, size_t nr_pages)
{
	void *p = mmap(NULL, nr_pages * SIM_PAGE_SIZE, PROT_READ | PROT_WRITE,
	               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)xcall;
	return p == MAP_FAILED ? NULL : p;
}

void xencall_free_buffer_pages(xencall_handle *xcall, void *p, size_t nr_pages)
{
	(void)xcall;
	if (p)
		munmap(p, nr_pages * SIM_PAGE_SIZE);
}

void *xencall_alloc_buffer(xencall_handle *xcall, size_t size)
{
	(void)xcall;
	return calloc(1, size);
}

void xencall_free_buffer(xencall_handle *xcall, void *p)
{
	(void)xcall;
	free(p);
}

int xencall_buffers_never_fault(xencall_handle *xcall)
{
	(void)xcall;
	return 1;
}
