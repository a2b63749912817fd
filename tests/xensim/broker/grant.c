/* SPDX-License-Identifier: MIT */
/* Grant entries: set and revoked by their domain, mapped by another. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker.h"
#include "store.h"

static int grants_grow(struct domain *domain)
{
	uint32_t old = domain->ngrants, size = old ? old * 2 : GRANTS_PER_FRAME;
	struct grant *bigger;

	if (size > SHM_MAX_GRANTS)
		return -ENOSPC;
	bigger = reallocarray(domain->grants, size, sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	memset(bigger + old, 0, (size - old) * sizeof(*bigger));
	domain->grants = bigger;
	domain->ngrants = size;
	for (uint32_t ref = size - 1; ref >= (old ? old : GUEST_FIRST_REF); ref--) {
		bigger[ref].next_free = domain->grant_free;
		domain->grant_free = ref;
	}
	atomic_store(&domain->shm->nr_grants, size);
	return 0;
}

int grant_set(struct domain *domain, uint32_t ref, uint32_t domid, bool writable,
              uint32_t frame)
{
	int err = domain->ngrants ? 0 : grants_grow(domain);

	if (err < 0)
		return err;
	domain->grants[ref] = (struct grant){ .frame = frame, .state = GRANT_SHARED };
	atomic_store(&domain->shm->grants[ref], grant_pack(domid, frame, writable));
	return 0;
}

int grant_alloc(struct domain *domain, uint32_t domid, bool writable, uint32_t frame)
{
	int err = domain->grant_free ? 0 : grants_grow(domain);
	uint32_t ref = domain->grant_free;

	if (err < 0)
		return err;
	domain->grant_free = domain->grants[ref].next_free;
	err = grant_set(domain, ref, domid, writable, frame);
	return err < 0 ? err : (int)ref;
}

static void grant_free(struct domain *domain, uint32_t ref)
{
	struct grant *grant = &domain->grants[ref];

	mem_free(domain, grant->frame);
	grant->state = GRANT_FREE;
	if (ref < GUEST_FIRST_REF)
		return;
	grant->next_free = domain->grant_free;
	domain->grant_free = ref;
}

void grant_revoke(struct domain *domain, uint32_t ref)
{
	atomic_store(&domain->shm->grants[ref], 0);
	if (domain->grants[ref].maps)
		domain->grants[ref].state = GRANT_ZOMBIE;
	else
		grant_free(domain, ref);
}

int grant_map(struct domain *domain, uint32_t ref, uint32_t domid, bool writable,
              uint32_t *frame)
{
	uint64_t entry;

	if (domain->dying || ref >= domain->ngrants)
		return -EINVAL;
	entry = atomic_load(&domain->shm->grants[ref]);
	if (!(entry & GRANT_VALID) || grant_domid(entry) != domid)
		return -EINVAL;
	if (writable && entry & GRANT_READONLY)
		return -EINVAL;
	*frame = grant_frame(entry);
	domain->grants[ref].maps++;
	domain->mapped++;
	return 0;
}

/* @domain may be gone when this returns. */
void grant_unmap(struct domain *domain, uint32_t ref)
{
	struct grant *grant = &domain->grants[ref];

	if (--grant->maps == 0 && grant->state == GRANT_ZOMBIE)
		grant_free(domain, ref);
	domain_unmapped(domain);
}
