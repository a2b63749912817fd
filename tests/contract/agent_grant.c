/* SPDX-License-Identifier: MIT */
/* contract-agent: grants given to others and grants mapped, and the bytes in them. */
#include "agent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <xengnttab.h>

#include "pattern.h"

enum {
	REGIONS = 128
};

static struct {
	void *addr;
	uint32_t pages;
	bool mapped; /* of another domain; else shared by us */
} region[REGIONS];

static xengntshr_handle *shr_handle;
static xengnttab_handle *gnt_handle;

static xengntshr_handle *shr(void)
{
	if (!shr_handle)
		shr_handle = xengntshr_open(NULL, 0);
	if (!shr_handle)
		abort();
	return shr_handle;
}

static xengnttab_handle *gnt(void)
{
	if (!gnt_handle)
		gnt_handle = xengnttab_open(NULL, 0);
	if (!gnt_handle)
		abort();
	return gnt_handle;
}

static long region_add(void *addr, uint32_t pages, bool mapped)
{
	int i;

	if (!addr)
		return -errno;
	for (i = 0; i < REGIONS && region[i].addr; i++)
		;
	if (i == REGIONS)
		abort();
	region[i].addr = addr;
	region[i].pages = pages;
	region[i].mapped = mapped;
	return i;
}

void *region_addr(unsigned long i)
{
	return i < REGIONS ? region[i].addr : NULL;
}

/* shr.share DOMID PAGES WRITABLE: a region and its grant references. */
static long shr_share(struct call *c)
{
	uint32_t pages = (uint32_t)call_num(c, 1), *refs = calloc(pages, sizeof(*refs));
	void *addr;

	if (!refs)
		return -ENOMEM;
	addr = xengntshr_share_pages(shr(), (uint32_t)call_num(c, 0), (int)pages, refs,
	                             (int)call_num(c, 2));
	for (uint32_t i = 0; addr && i < pages; i++)
		call_add(c, " %u", refs[i]);
	free(refs);
	return region_add(addr, pages, false);
}

/* shr.notify DOMID WRITABLE OFFSET PORT: one page that tells when we drop it. */
static long shr_notify(struct call *c)
{
	uint32_t ref;
	void *addr = xengntshr_share_page_notify(
		shr(), (uint32_t)call_num(c, 0), &ref, (int)call_num(c, 1),
		(uint32_t)call_num(c, 2), (evtchn_port_t)call_num(c, 3));

	if (addr)
		call_add(c, " %u", ref);
	return region_add(addr, 1, false);
}

static long gnt_map(struct call *c)
{
	uint32_t pages = (uint32_t)(c->argc - 2), *refs = calloc(pages, sizeof(*refs));
	void *addr;

	if (!refs)
		return -ENOMEM;
	for (uint32_t i = 0; i < pages; i++)
		refs[i] = (uint32_t)call_num(c, (int)i + 2);
	addr = xengnttab_map_domain_grant_refs(gnt(), pages, (uint32_t)call_num(c, 0),
	                                       refs, (int)call_num(c, 1));
	free(refs);
	return region_add(addr, pages, true);
}

/* gnt.notify DOMID REF OFFSET PORT: one page mapped, the peer told when it no longer is.
 */
static long gnt_notify(struct call *c)
{
	void *addr = xengnttab_map_grant_ref_notify(
		gnt(), (uint32_t)call_num(c, 0), (uint32_t)call_num(c, 1),
		PROT_READ | PROT_WRITE, (uint32_t)call_num(c, 2),
		(evtchn_port_t)call_num(c, 3));

	return region_add(addr, 1, true);
}

static long mem_release(struct call *c)
{
	unsigned long i = call_num(c, 0);
	int rc;

	if (!region_addr(i))
		return -EBADF;
	rc = region[i].mapped ? xengnttab_unmap(gnt(), region[i].addr, region[i].pages)
	                      : xengntshr_unshare(shr(), region[i].addr, region[i].pages);
	if (rc < 0)
		return -errno;
	region[i].addr = NULL;
	return 0;
}

static long mem_fill(struct call *c)
{
	unsigned long i = call_num(c, 0);

	if (!region_addr(i))
		return -EBADF;
	pattern_fill(region[i].addr, region[i].pages * 4096UL, call_num(c, 1));
	return 0;
}

/* mem.check REGION SEED: 1 if the region holds that pattern, else 0. */
static long mem_check(struct call *c)
{
	unsigned long i = call_num(c, 0);

	if (!region_addr(i))
		return -EBADF;
	return pattern_is(region[i].addr, region[i].pages * 4096UL, call_num(c, 1));
}

static uint8_t *byte_at(struct call *c)
{
	unsigned long i = call_num(c, 0), off = call_num(c, 1);
	uint8_t *p = region_addr(i);

	return p && off < region[i].pages * 4096UL ? p + off : NULL;
}

static long mem_set(struct call *c)
{
	uint8_t *p = byte_at(c);

	if (!p)
		return -EBADF;
	*p = (uint8_t)call_num(c, 2);
	return 0;
}

static long mem_get(struct call *c)
{
	uint8_t *p = byte_at(c);

	return p ? *p : -EBADF;
}

const struct verb verbs_grant[] = {
	{ "shr.share", 3, shr_share },     { "shr.notify", 4, shr_notify },
	{ "gnt.map", 3, gnt_map },         { "gnt.notify", 4, gnt_notify },
	{ "mem.release", 1, mem_release }, { "mem.fill", 2, mem_fill },
	{ "mem.check", 2, mem_check },     { "mem.set", 3, mem_set },
	{ "mem.get", 2, mem_get },         { NULL, 0, NULL },
};
