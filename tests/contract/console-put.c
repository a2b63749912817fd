/* SPDX-License-Identifier: MIT */
/*
 * console-put DOMID TEXT - put text into a guest's console ring, as its kernel would.
 *
 * For a guest that has no kernel to do so. The ring is found as toolstacks find it, by
 * the guest's HVM parameter, and written from dom0 through a foreign mapping; whoever
 * connects to the console afterwards has an event and looks.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <xenctrl.h>
#include <xen/hvm/params.h>
#include <xen/io/console.h>
#include <xenforeignmemory.h>

static struct xencons_interface *ring_map(xenforeignmemory_handle *fmem, uint32_t domid)
{
	xc_interface *xch = xc_interface_open(NULL, NULL, 0);
	xen_pfn_t pfn;
	uint64_t frame;
	int rc;

	if (!xch)
		return NULL;
	rc = xc_hvm_param_get(xch, domid, HVM_PARAM_CONSOLE_PFN, &frame);
	xc_interface_close(xch);
	pfn = (xen_pfn_t)frame;
	return rc < 0 ? NULL
	              : xenforeignmemory_map(fmem, domid, PROT_READ | PROT_WRITE, 1, &pfn,
	                                     NULL);
}

int main(int argc, char **argv)
{
	xenforeignmemory_handle *fmem;
	struct xencons_interface *ring;
	XENCONS_RING_IDX prod;

	if (argc != 3) {
		fprintf(stderr, "usage: console-put DOMID TEXT\n");
		return 2;
	}
	fmem = xenforeignmemory_open(NULL, 0);
	ring = fmem ? ring_map(fmem, (uint32_t)strtoul(argv[1], NULL, 10)) : NULL;
	if (!ring) {
		perror("console-put");
		return 1;
	}
	prod = ring->out_prod;
	for (const char *p = argv[2]; *p; p++)
		ring->out[MASK_XENCONS_IDX(prod++, ring->out)] = *p;
	atomic_thread_fence(memory_order_release);
	ring->out_prod = prod;
	xenforeignmemory_unmap(fmem, ring, 1);
	xenforeignmemory_close(fmem);
	return 0;
}
