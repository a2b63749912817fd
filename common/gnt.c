/* SPDX-License-Identifier: MIT */
#include "gnt.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>

#include <xengnttab.h>
#include <xentoollog.h>

#include "xenabi.h"

struct gnt {
	xengnttab_handle *xgt;
	uint32_t domid;
};

struct gnt_batch {
	struct gnt *g;
	uint32_t len;
	uint32_t max;
	xengnttab_grant_copy_segment_t seg[];
};

/*
 * The library reports each grant it cannot map or copy on stderr; a guest could fill the
 * log with them. Callers are told by the result.
 */
static void printf_like(5, 0)
	gnt_no_message(struct xentoollog_logger *l, xentoollog_level level, int err,
                       const char *context, const char *fmt, va_list ap)
{
	(void)l;
	(void)level;
	(void)err;
	(void)context;
	(void)fmt;
	(void)ap;
}

static void gnt_no_destroy(struct xentoollog_logger *l)
{
	(void)l;
}

static struct xentoollog_logger gnt_silence = {
	.vmessage = gnt_no_message,
	.destroy = gnt_no_destroy,
};

int gnt_open(uint32_t domid, struct gnt **out)
{
	autofree struct gnt *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	g->domid = domid;
	g->xgt = xengnttab_open(&gnt_silence, 0);
	if (!g->xgt)
		return errno ? -errno : -ENODEV;
	*out = take_ptr(g);
	return 0;
}

void gnt_close(struct gnt *g)
{
	if (!g)
		return;
	xengnttab_close(g->xgt);
	free(g);
}

int gnt_map(struct gnt *g, const uint32_t *refs, uint32_t n, bool writable, void **out)
{
	void *addr = xengnttab_map_domain_grant_refs(
		g->xgt, n, g->domid,
		/* Only read; the prototype has no const. */
		(uint32_t *)(uintptr_t)refs, PROT_READ | (writable ? PROT_WRITE : 0));

	if (!addr)
		return errno ? -errno : -EINVAL;
	*out = addr;
	return 0;
}

void gnt_unmap(struct gnt *g, void *addr, uint32_t n)
{
	int rc = xengnttab_unmap(g->xgt, addr, n);

	/* Fails only for an address that was not mapped so. */
	assert(rc == 0);
	(void)rc;
}

int gnt_batch_new(struct gnt *g, uint32_t max, struct gnt_batch **out)
{
	struct gnt_batch *b = calloc(1, sizeof(*b) + max * sizeof(b->seg[0]));

	if (!b)
		return -ENOMEM;
	b->g = g;
	b->max = max;
	*out = b;
	return 0;
}

void gnt_batch_free(struct gnt_batch *b)
{
	free(b);
}

uint32_t gnt_batch_add(struct gnt_batch *b, enum gnt_dir dir, uint32_t ref, uint32_t off,
                       void *local, uint32_t len)
{
	xengnttab_grant_copy_segment_t *s = &b->seg[b->len];
	union xengnttab_copy_ptr *foreign, *ours;

	assert(b->len < b->max && off < XEN_PAGE && len <= XEN_PAGE - off);
	foreign = dir == GNT_FROM_GUEST ? &s->source : &s->dest;
	ours = dir == GNT_FROM_GUEST ? &s->dest : &s->source;
	ours->virt = local;
	foreign->foreign.domid = (domid_t)b->g->domid;
	foreign->foreign.ref = ref;
	foreign->foreign.offset = (uint16_t)off;
	s->len = (uint16_t)len;
	s->flags = dir == GNT_FROM_GUEST ? GNTCOPY_source_gref : GNTCOPY_dest_gref;
	/* Stands when the call as a whole fails before it comes to this one. */
	s->status = GNTST_general_error;
	return b->len++;
}

uint32_t gnt_batch_len(const struct gnt_batch *b)
{
	return b->len;
}

void gnt_batch_run(struct gnt_batch *b)
{
	if (b->len)
		xengnttab_grant_copy(b->g->xgt, b->len, b->seg);
	b->len = 0;
}

bool gnt_batch_ok(const struct gnt_batch *b, uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n; i++)
		if (b->seg[i].status != GNTST_okay)
			return false;
	return true;
}
