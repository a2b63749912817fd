/* SPDX-License-Identifier: MIT */
/*
 * Grant copy: a memcpy between the caller and a view of the other domain.
 *
 * No page is pinned. The handle's copy counter is odd meanwhile, and the broker does not
 * give a revoked page to anybody while a copy runs that may have seen its grant.
 */
#include "sim.h"

#include <string.h>

#include <xengnttab.h>

#include "gnt.h"
#include "inject.h"
#include "uaccess.h"

struct copy {
	struct handle *h;
	xengnttab_grant_copy_segment_t *segs;
	uint32_t count;
};

/* The checks and statuses of gntdev and of Xen's GNTTABOP_copy, in their order. */
static int16_t resolve(struct handle *h, const union xengnttab_copy_ptr *ptr, bool write,
                       uint8_t **page)
{
	struct view *view = views_get(&h->views, ptr->foreign.domid);
	uint64_t grant;

	if (!view)
		return GNTST_bad_domain;
	if (ptr->foreign.ref >= atomic_load(&view->info->nr_grants))
		return GNTST_bad_gntref;
	grant = atomic_load(&view->info->grants[ptr->foreign.ref]);
	if (!(grant & GRANT_VALID) || grant_domid(grant) != h->domid)
		return GNTST_general_error;
	if (write && grant & GRANT_READONLY)
		return GNTST_general_error;
	*page = view->ram + ((size_t)grant_frame(grant) << SIM_PAGE_SHIFT) +
	        ptr->foreign.offset;
	return GNTST_okay;
}

static int copy_seg(struct handle *h, xengnttab_grant_copy_segment_t *seg)
{
	bool from = seg->flags & GNTCOPY_source_gref, to = seg->flags & GNTCOPY_dest_gref;
	uint8_t *src = seg->source.virt, *dst = seg->dest.virt;
	struct fault hit;

	if (!from && !to)
		return -EINVAL;
	if (from && seg->source.foreign.offset + seg->len > (int)SIM_PAGE_SIZE)
		return -EINVAL;
	if (to && seg->dest.foreign.offset + seg->len > (int)SIM_PAGE_SIZE)
		return -EINVAL;
	seg->status = GNTST_okay;
	if (!seg->len)
		return 0;
	if (inject_armed(FAULT_SEG) && inject_strike(FAULT_SEG, h->domid, &hit))
		seg->status = (int16_t)hit.value;
	if (from && seg->status == GNTST_okay)
		seg->status = resolve(h, &seg->source, false, &src);
	if (to && seg->status == GNTST_okay)
		seg->status = resolve(h, &seg->dest, true, &dst);
	if (seg->status == GNTST_okay)
		memcpy(dst, src, seg->len);
	xensim_point("copy-mid");
	return 0;
}

static int copy_segs(void *arg)
{
	struct copy *copy = arg;
	int err = 0;

	for (uint32_t i = 0; i < copy->count && !err; i++)
		err = copy_seg(copy->h, &copy->segs[i]);
	return err;
}

int xengnttab_grant_copy(xengnttab_handle *xgt, uint32_t count,
                         xengnttab_grant_copy_segment_t *segs)
{
	struct copy copy = { .h = &xgt->h, .segs = segs, .count = count };
	_Atomic uint32_t *copying = &sim_host()->copying[xgt->h.slot];
	int err = inject_errno(FAULT_COPY, xgt->h.domid);

	if (atomic_load_explicit(&xgt->h.dead, memory_order_relaxed))
		err = -ENOTTY;
	if (err < 0)
		return sim_fail(err);
	pthread_mutex_lock(&xgt->h.lock);
	atomic_fetch_add(copying,
	                 1); /* before any grant is read; pairs with the broker's check */
	err = uaccess_run(copy_segs, &copy);
	atomic_fetch_add(copying, 1);
	pthread_mutex_unlock(&xgt->h.lock);
	return err < 0 ? sim_fail(err) : 0;
}
