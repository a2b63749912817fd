/* SPDX-License-Identifier: MIT */
/* libxengnttab, the sharing half: /dev/xen/gntalloc without the device. */
#include "sim.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xengnttab.h>

#include "gnt.h"
#include "inject.h"

xengntshr_handle *xengntshr_open(struct xentoollog_logger *logger,
                                 unsigned int open_flags)
{
	(void)logger;
	(void)open_flags;
	return gnt_open(HANDLE_GNTSHR);
}

int xengntshr_close(xengntshr_handle *xgs)
{
	return gnt_close(xgs);
}

int xengntshr_fd(xengntshr_handle *xgs)
{
	return xgs->h.fd;
}

static void *share(xengntshr_handle *xgs, uint32_t domid, uint32_t count, uint32_t *refs,
                   int writable, uint32_t notify_off, uint32_t notify_port)
{
	int fd = -1, err;
	struct rpc rpc = { .req = { .op = OP_SHARE, .domid = domid, .count = count },
		           .in_max = (size_t)count * 2,
		           .fds = &fd,
		           .fds_max = 1 };
	void *addr = NULL;

	if (!count || count > WIRE_MAX_REFS) {
		errno = EINVAL;
		return NULL;
	}
	rpc.in = malloc(rpc.in_max * sizeof(*rpc.in));
	if (!rpc.in)
		return NULL;
	rpc.req.grant.writable = !!writable;
	rpc.req.grant.notify_off = notify_off;
	rpc.req.grant.notify_port = notify_port;
	xensim_point("share-before-publish");
	err = inject_errno(FAULT_SHARE, xgs->h.domid);
	if (!err)
		err = handle_call(&xgs->h, &rpc);
	if (!err) {
		xensim_point("share-after-publish");
		for (uint32_t i = 0; i < count; i++)
			refs[i] = rpc.in[i];
		addr = handle_map(&xgs->h, rpc.rep.value, count, rpc.in + count, NULL,
		                  &fd, PROT_READ | PROT_WRITE);
		close(fd);
	} else {
		errno = -err;
	}
	err = errno;
	free(rpc.in);
	errno = err;
	return addr;
}

void *xengntshr_share_pages(xengntshr_handle *xgs, uint32_t domid, int count,
                            uint32_t *refs, int writable)
{
	return share(xgs, domid, count > 0 ? (uint32_t)count : 0, refs, writable,
	             UINT32_MAX, UINT32_MAX);
}

void *xengntshr_share_page_notify(xengntshr_handle *xgs, uint32_t domid, uint32_t *ref,
                                  int writable, uint32_t notify_offset,
                                  evtchn_port_t notify_port)
{
	return share(xgs, domid, 1, ref, writable, notify_offset, notify_port);
}

int xengntshr_unshare(xengntshr_handle *xgs, void *start_address, uint32_t count)
{
	int err = handle_unmap(&xgs->h, start_address, count, OP_UNSHARE);

	return err < 0 ? sim_fail(err) : 0;
}
