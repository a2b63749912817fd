/* SPDX-License-Identifier: MIT */
/*
 * Pages of a domain: a bit map of its frames, contiguous runs where there are any, so
 * that a call for many pages is one mapping on both sides.
 *
 * A freed page is punched out of the memfd: it costs nothing and comes back zeroed.
 * Before that it waits for the grant copies that run at that moment, as they may have
 * read its grant before it was revoked.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "broker.h"

/* Pages that were freed together, and the copies that must end before they are used
 * again. */
struct batch {
	struct list list;
	uint32_t ncopies, npages, size;
	struct copy {
		uint32_t slot, count;
	} * copies;
	struct page {
		struct domain *domain;
		uint32_t frame;
	} * pages;
};

static struct batch *freed; /* in this turn of the loop */
static struct list waiting = LIST_INIT(waiting);

static uint32_t *free_slots;
static uint32_t nfree_slots, nslots;

uint32_t slot_alloc(void)
{
	if (nfree_slots)
		return free_slots[--nfree_slots];
	return nslots < SHM_MAX_SLOTS ? nslots++ : UINT32_MAX;
}

/* Its handle may have died in the middle of a copy: even again, and different. */
void slot_free(uint32_t slot)
{
	uint32_t *bigger;

	if (slot == UINT32_MAX)
		return;
	if (atomic_load(&host.shm->copying[slot]) & 1)
		atomic_fetch_add(&host.shm->copying[slot], 1);
	bigger = reallocarray(free_slots, nfree_slots + 1, sizeof(*free_slots));
	if (bigger) { /* else the number is lost, no more */
		free_slots = bigger;
		free_slots[nfree_slots++] = slot;
	}
}

int mem_init(struct domain *domain, uint32_t pages)
{
	void *shm;

	domain->frames = calloc((pages + 63) / 64, sizeof(*domain->frames));
	domain->fd = memfd_create("xensim-domain", MFD_CLOEXEC);
	if (!domain->frames || domain->fd < 0)
		return -ENOMEM;
	if (ftruncate(domain->fd, (off_t)(SHM_INFO_OFF + sizeof(struct shm_domain))) < 0)
		return -errno;
	shm = mmap(NULL, sizeof(struct shm_domain), PROT_READ | PROT_WRITE,
	           MAP_SHARED | MAP_NORESERVE, domain->fd, (off_t)SHM_INFO_OFF);
	if (shm == MAP_FAILED)
		return -errno;
	domain->shm = shm;
	domain->pages = pages;
	return 0;
}

void mem_fini(struct domain *domain)
{
	if (domain->shm)
		munmap(domain->shm, sizeof(*domain->shm));
	if (domain->fd >= 0)
		close(domain->fd);
	free(domain->frames);
}

static bool frame_used(const struct domain *domain, uint32_t frame)
{
	return domain->frames[frame / 64] >> frame % 64 & 1;
}

static void frame_flip(struct domain *domain, uint32_t frame)
{
	domain->frames[frame / 64] ^= 1ull << frame % 64;
}

/* First of @count free frames in a row, or UINT32_MAX */
static uint32_t find_run(const struct domain *domain, uint32_t count)
{
	uint32_t run = 0;

	for (uint32_t f = 0; f < domain->pages; f++) {
		if (!run && f % 64 == 0 && domain->frames[f / 64] == ~0ull) {
			f += 63;
			continue;
		}
		run = frame_used(domain, f) ? 0 : run + 1;
		if (run == count)
			return f + 1 - count;
	}
	return UINT32_MAX;
}

int mem_alloc(struct domain *domain, uint32_t count, uint32_t *frames)
{
	uint32_t first;

	if (count > domain->pages - domain->pages_used)
		return -ENOMEM;
	first = find_run(domain, count);
	for (uint32_t i = 0; i < count; i++) {
		frames[i] = first != UINT32_MAX ? first + i : find_run(domain, 1);
		frame_flip(domain, frames[i]);
	}
	domain->pages_used += count;
	return 0;
}

static void page_free(struct domain *domain, uint32_t frame)
{
	if (!domain->gone)
		fallocate(domain->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		          (off_t)frame << SIM_PAGE_SHIFT, SIM_PAGE_SIZE);
	frame_flip(domain, frame);
	domain->pages_used--;
}

static void *grown(void *array, uint32_t size, size_t item)
{
	void *bigger = reallocarray(array, size, item);

	if (!bigger)
		abort();
	return bigger;
}

void mem_free(struct domain *domain, uint32_t frame)
{
	if (!freed) {
		freed = grown(NULL, 1, sizeof(*freed));
		*freed = (struct batch){ 0 };
	}
	if (freed->npages == freed->size) {
		freed->size = freed->size * 2 + 16;
		freed->pages = grown(freed->pages, freed->size, sizeof(*freed->pages));
	}
	freed->pages[freed->npages++] =
		(struct page){ .domain = domain_get(domain), .frame = frame };
}

static void batch_free(struct batch *batch)
{
	for (uint32_t i = 0; i < batch->npages; i++) {
		page_free(batch->pages[i].domain, batch->pages[i].frame);
		domain_put(batch->pages[i].domain);
	}
	free(batch->pages);
	free(batch->copies);
	free(batch);
}

/* The copies that run now. Their counters are read after the grants were revoked, and a
 * copy reads grants after it has counted: one of the two sees the other. */
static void batch_wait(struct batch *batch)
{
	uint32_t count;

	atomic_thread_fence(memory_order_seq_cst);
	for (uint32_t slot = 0; slot < nslots; slot++) {
		count = atomic_load(&host.shm->copying[slot]);
		if (!(count & 1))
			continue;
		batch->copies =
			grown(batch->copies, batch->ncopies + 1, sizeof(*batch->copies));
		batch->copies[batch->ncopies++] =
			(struct copy){ .slot = slot, .count = count };
	}
}

static bool batch_ready(struct batch *batch)
{
	while (batch->ncopies) {
		const struct copy *copy = &batch->copies[batch->ncopies - 1];

		if (atomic_load(&host.shm->copying[copy->slot]) == copy->count)
			return false;
		batch->ncopies--;
	}
	return true;
}

void mem_flush(void)
{
	struct batch *batch = freed;

	if (!batch)
		return;
	freed = NULL;
	batch_wait(batch);
	if (!batch->ncopies) {
		batch_free(batch);
		return;
	}
	list_init(&batch->list);
	list_add_tail(&waiting, &batch->list);
	loop_soon();
}

bool mem_tick(void)
{
	list_for_each (&waiting, pos, tmp) {
		struct batch *batch = list_entry(pos, struct batch, list);

		if (!batch_ready(batch))
			continue;
		list_del(&batch->list);
		batch_free(batch);
	}
	return mem_waiting();
}

bool mem_waiting(void)
{
	return !list_empty(&waiting);
}
