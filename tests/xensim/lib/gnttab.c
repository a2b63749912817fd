/* SPDX-License-Identifier: MIT */
/* libxengnttab, the mapping half: /dev/xen/gntdev without the device. */
#include "sim.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xengnttab.h>

#include "gnt.h"
#include "inject.h"

xengnttab_handle *xengnttab_open(struct xentoollog_logger *logger,
                                 unsigned int open_flags)
{
	(void)logger;
	(void)open_flags;
	return gnt_open(HANDLE_GNTTAB);
}

int xengnttab_close(xengnttab_handle *xgt)
{
	return gnt_close(xgt);
}

int xengnttab_fd(xengnttab_handle *xgt)
{
	return xgt->h.fd;
}

/* The driver has no such limit any more. */
int xengnttab_set_max_grants(xengnttab_handle *xgt, uint32_t nr_grants)
{
	(void)xgt;
	(void)nr_grants;
	return 0;
}

struct xengntdev_handle *gnt_open(enum handle_kind kind)
{
	struct xengntdev_handle *xgt = calloc(1, sizeof(*xgt));
	int err;

	if (!xgt)
		return NULL;
	err = handle_init(&xgt->h, kind, true);
	if (!err)
		return xgt;
	free(xgt);
	errno = -err;
	return NULL;
}

int gnt_close(struct xengntdev_handle *xgt)
{
	if (!xgt)
		return 0;
	handle_fini(&xgt->h);
	free(xgt);
	return 0;
}

/* A map call and its answer, which may be long: one allocation for both. */
struct map_call {
	int fds[WIRE_MAX_FDS];
	uint32_t words[];
};

static void close_fds(const struct rpc *rpc)
{
	for (unsigned int i = 0; i < rpc->nfds; i++)
		close(rpc->fds[i]);
}

/**
 * map_refs() - Map grants, all or none
 * @domids:	One for each of @refs, @step apart: 0 if all are of the first
 */
static void *map_refs(xengnttab_handle *xgt, uint32_t count, const uint32_t *domids,
                      size_t step, const uint32_t *refs, int prot, uint32_t notify_off,
                      uint32_t notify_port)
{
	size_t words = (size_t)count * 2;
	struct map_call *call;
	struct rpc rpc = { .req = { .op = OP_MAP, .count = count } };
	void *addr = NULL;
	int err;

	if (!count || count > WIRE_MAX_REFS) {
		errno = EINVAL;
		return NULL;
	}
	call = malloc(sizeof(*call) + words * sizeof(uint32_t));
	if (!call)
		return NULL;
	for (uint32_t i = 0; i < count; i++) {
		call->words[i] = domids[i * step];
		call->words[count + i] = refs[i];
	}
	rpc.req.grant.writable = !!(prot & PROT_WRITE);
	rpc.req.grant.notify_off = notify_off;
	rpc.req.grant.notify_port = notify_port;
	rpc.out = rpc.in = call->words;
	rpc.out_len = rpc.in_max = words;
	rpc.fds = call->fds;
	rpc.fds_max = WIRE_MAX_FDS;
	xensim_point("map-before-publish");
	err = inject_errno(FAULT_MAP, xgt->h.domid);
	if (!err)
		err = handle_call(&xgt->h, &rpc);
	if (!err) {
		xensim_point("map-after-publish");
		addr = handle_map(&xgt->h, rpc.rep.value, count, call->words,
		                  call->words + count, call->fds, prot);
	} else {
		errno = -err;
	}
	close_fds(&rpc);
	err = errno;
	free(call);
	errno = err;
	return addr;
}

void *xengnttab_map_grant_ref(xengnttab_handle *xgt, uint32_t domid, uint32_t ref,
                              int prot)
{
	return map_refs(xgt, 1, &domid, 0, &ref, prot, UINT32_MAX, UINT32_MAX);
}

void *xengnttab_map_grant_refs(xengnttab_handle *xgt, uint32_t count, uint32_t *domids,
                               uint32_t *refs, int prot)
{
	return map_refs(xgt, count, domids, 1, refs, prot, UINT32_MAX, UINT32_MAX);
}

void *xengnttab_map_domain_grant_refs(xengnttab_handle *xgt, uint32_t count,
                                      uint32_t domid, uint32_t *refs, int prot)
{
	return map_refs(xgt, count, &domid, 0, refs, prot, UINT32_MAX, UINT32_MAX);
}

void *xengnttab_map_grant_ref_notify(xengnttab_handle *xgt, uint32_t domid, uint32_t ref,
                                     int prot, uint32_t notify_offset,
                                     evtchn_port_t notify_port)
{
	return map_refs(xgt, 1, &domid, 0, &ref, prot, notify_offset, notify_port);
}

int xengnttab_unmap(xengnttab_handle *xgt, void *start_address, uint32_t count)
{
	int err = handle_unmap(&xgt->h, start_address, count, OP_UNMAP);

	return err < 0 ? sim_fail(err) : 0;
}

/* No dma-buf here, and the driver without that option says ENOTTY. */
int xengnttab_dmabuf_exp_from_refs(xengnttab_handle *xgt, uint32_t domid, uint32_t flags,
                                   uint32_t count, const uint32_t *refs, uint32_t *fd)
{
	(void)xgt, (void)domid, (void)flags, (void)count, (void)refs, (void)fd;
	return sim_fail(-ENOTTY);
}

int xengnttab_dmabuf_exp_wait_released(xengnttab_handle *xgt, uint32_t fd,
                                       uint32_t wait_to_ms)
{
	(void)xgt, (void)fd, (void)wait_to_ms;
	return sim_fail(-ENOTTY);
}

int xengnttab_dmabuf_imp_to_refs(xengnttab_handle *xgt, uint32_t domid, uint32_t fd,
                                 uint32_t count, uint32_t *refs)
{
	(void)xgt, (void)domid, (void)fd, (void)count, (void)refs;
	return sim_fail(-ENOTTY);
}

int xengnttab_dmabuf_imp_release(xengnttab_handle *xgt, uint32_t fd)
{
	(void)xgt, (void)fd;
	return sim_fail(-ENOTTY);
}
