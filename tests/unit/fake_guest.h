/* SPDX-License-Identifier: MIT */
/*
 * A guest's memory and grants for unit tests: it takes the place of common/gnt.c in the
 * program that includes it. Grant GUEST_REF + n is page n; what the other grants are is
 * up to the test.
 */
#ifndef PVB_FAKE_GUEST_H
#define PVB_FAKE_GUEST_H

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "gnt.h"
#include "xenabi.h"

#define GUEST_REF   1000U
#define GUEST_PAGES 1024U

static struct {
	int fd;
	uint8_t *mem;
	bool bad[GUEST_PAGES];
	uint32_t map_calls, mapped, copy_calls;
} guest;

static inline uint8_t *guest_page(uint32_t n)
{
	return guest.mem + (size_t)n * XEN_PAGE;
}

static inline void guest_up(void)
{
	memset(&guest, 0, sizeof(guest));
	guest.fd = memfd_create("guest", MFD_CLOEXEC);
	if (guest.fd < 0 || ftruncate(guest.fd, (off_t)GUEST_PAGES * XEN_PAGE))
		abort();
	guest.mem = mmap(NULL, (size_t)GUEST_PAGES * XEN_PAGE, PROT_READ | PROT_WRITE,
	                 MAP_SHARED, guest.fd, 0);
	if (guest.mem == MAP_FAILED)
		abort();
}

static inline void guest_down(void)
{
	munmap(guest.mem, (size_t)GUEST_PAGES * XEN_PAGE);
	close(guest.fd);
}

static inline bool guest_granted(uint32_t ref)
{
	return ref >= GUEST_REF && ref < GUEST_REF + GUEST_PAGES &&
	       !guest.bad[ref - GUEST_REF];
}

int gnt_map(struct gnt *g, const uint32_t *refs, uint32_t n, bool writable, void **out)
{
	char *area;

	(void)g;
	assert(writable);
	guest.map_calls++;
	for (uint32_t i = 0; i < n; i++)
		if (!guest_granted(refs[i]))
			return -EINVAL;
	area = mmap(NULL, (size_t)n * XEN_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
	            -1, 0);
	for (uint32_t i = 0; i < n; i++)
		if (mmap(area + (size_t)i * XEN_PAGE, XEN_PAGE, PROT_READ | PROT_WRITE,
		         MAP_SHARED | MAP_FIXED, guest.fd,
		         (off_t)(refs[i] - GUEST_REF) * XEN_PAGE) == MAP_FAILED)
			abort();
	guest.mapped += n;
	*out = area;
	return 0;
}

void gnt_unmap(struct gnt *g, void *addr, uint32_t n)
{
	(void)g;
	if (munmap(addr, (size_t)n * XEN_PAGE))
		abort();
	guest.mapped -= n;
}

struct gnt_batch {
	uint32_t len, max;
	struct {
		enum gnt_dir dir;
		uint32_t ref, off, len;
		void *local;
		bool ok;
	} copy[];
};

int gnt_batch_new(struct gnt *g, uint32_t max, struct gnt_batch **out)
{
	(void)g;
	*out = calloc(1, sizeof(**out) + max * sizeof((*out)->copy[0]));
	(*out)->max = max;
	return 0;
}

void gnt_batch_free(struct gnt_batch *b)
{
	free(b);
}

uint32_t gnt_batch_add(struct gnt_batch *b, enum gnt_dir dir, uint32_t ref, uint32_t off,
                       void *local, uint32_t len)
{
	uint32_t i = b->len++;

	assert(i < b->max && off + len <= XEN_PAGE && len);
	b->copy[i].dir = dir;
	b->copy[i].ref = ref;
	b->copy[i].off = off;
	b->copy[i].len = len;
	b->copy[i].local = local;
	return i;
}

uint32_t gnt_batch_len(const struct gnt_batch *b)
{
	return b->len;
}

void gnt_batch_run(struct gnt_batch *b)
{
	guest.copy_calls++;
	for (uint32_t i = 0; i < b->len; i++) {
		uint8_t *p;

		b->copy[i].ok = guest_granted(b->copy[i].ref);
		if (!b->copy[i].ok)
			continue;
		p = guest_page(b->copy[i].ref - GUEST_REF) + b->copy[i].off;
		if (b->copy[i].dir == GNT_TO_GUEST)
			memcpy(p, b->copy[i].local, b->copy[i].len);
		else
			memcpy(b->copy[i].local, p, b->copy[i].len);
	}
	b->len = 0;
}

bool gnt_batch_ok(const struct gnt_batch *b, uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n; i++)
		if (!b->copy[i].ok)
			return false;
	return true;
}

#endif
