/* SPDX-License-Identifier: MIT */
/* libxenforeignmemory: pages of another domain by frame number, for domain 0 only. */
#include "sim.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xenforeignmemory.h>

struct xenforeignmemory_handle {
	struct handle h;
};

xenforeignmemory_handle *xenforeignmemory_open(struct xentoollog_logger *logger,
                                               unsigned int open_flags)
{
	xenforeignmemory_handle *fmem = calloc(1, sizeof(*fmem));
	int err;

	(void)logger;
	(void)open_flags;
	if (!fmem)
		return NULL;
	err = handle_init(&fmem->h, HANDLE_FMEM, true);
	if (!err)
		return fmem;
	free(fmem);
	errno = -err;
	return NULL;
}

int xenforeignmemory_close(xenforeignmemory_handle *fmem)
{
	if (!fmem)
		return 0;
	handle_fini(&fmem->h);
	free(fmem);
	return 0;
}

/* Return: pages that failed */
static size_t map_pages(uint8_t *addr, int prot, size_t pages, const xen_pfn_t *arr,
                        int *err, uint32_t limit, int fd)
{
	size_t failed = 0;

	for (size_t i = 0; i < pages; i++) {
		err[i] = arr[i] < limit ? 0 : EINVAL;
		if (!err[i] && mmap(addr + i * SIM_PAGE_SIZE, SIM_PAGE_SIZE, prot,
		                    MAP_SHARED | MAP_FIXED, fd,
		                    (off_t)(arr[i] << SIM_PAGE_SHIFT)) == MAP_FAILED)
			err[i] = errno;
		failed += !!err[i];
	}
	return failed;
}

static int first_error(const int *err, size_t pages)
{
	for (size_t i = 0; i < pages; i++) {
		if (err[i])
			return err[i];
	}
	return 0;
}

void *xenforeignmemory_map2(xenforeignmemory_handle *fmem, uint32_t dom, void *addr,
                            int prot, int flags, size_t pages, const xen_pfn_t arr[],
                            int err[])
{
	int fd = -1, ret;
	struct rpc rpc = { .req = { .op = OP_FOREIGN, .domid = dom },
		           .fds = &fd,
		           .fds_max = 1 };
	int *errs = err ? err : calloc(pages, sizeof(*errs));
	size_t failed;

	if (!errs)
		return NULL;
	rpc.req.grant.writable = !!(prot & PROT_WRITE);
	ret = handle_call(&fmem->h, &rpc);
	if (ret < 0)
		goto out;
	addr = mmap(addr, pages * SIM_PAGE_SIZE, PROT_NONE,
	            flags | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (addr == MAP_FAILED) {
		ret = -errno;
		close(fd);
		goto out;
	}
	failed = map_pages(addr, prot, pages, arr, errs, rpc.rep.value, fd);
	close(fd);
	if (failed && !err) {
		ret = -first_error(errs, pages);
		munmap(addr, pages * SIM_PAGE_SIZE);
	}
out:
	if (!err)
		free(errs);
	if (!ret)
		return addr;
	errno = -ret;
	return NULL;
}

void *xenforeignmemory_map(xenforeignmemory_handle *fmem, uint32_t dom, int prot,
                           size_t pages, const xen_pfn_t arr[], int err[])
{
	return xenforeignmemory_map2(fmem, dom, NULL, prot, 0, pages, arr, err);
}

int xenforeignmemory_unmap(xenforeignmemory_handle *fmem, void *addr, size_t pages)
{
	(void)fmem;
	return munmap(addr, pages * SIM_PAGE_SIZE);
}

int xenforeignmemory_restrict(xenforeignmemory_handle *fmem, domid_t domid)
{
	struct rpc rpc = { .req = { .op = OP_RESTRICT, .domid = domid } };
	int err = handle_call(&fmem->h, &rpc);

	return err < 0 ? sim_fail(err) : 0;
}

/* Resources (grant tables, ioreq pages) are not modelled. */
xenforeignmemory_resource_handle *
xenforeignmemory_map_resource(xenforeignmemory_handle *fmem, domid_t domid,
                              unsigned int type, unsigned int id, unsigned long frame,
                              unsigned long nr_frames, void **paddr, int prot, int flags)
{
	(void)fmem, (void)domid, (void)type, (void)id, (void)frame, (void)nr_frames;
	(void)paddr, (void)prot, (void)flags;
	errno = EOPNOTSUPP;
	return NULL;
}

int xenforeignmemory_unmap_resource(xenforeignmemory_handle *fmem,
                                    xenforeignmemory_resource_handle *fres)
{
	(void)fmem, (void)fres;
	return sim_fail(-EOPNOTSUPP);
}

int xenforeignmemory_resource_size(xenforeignmemory_handle *fmem, domid_t domid,
                                   unsigned int type, unsigned int id, size_t *size)
{
	(void)fmem, (void)domid, (void)type, (void)id, (void)size;
	return sim_fail(-EOPNOTSUPP);
}
