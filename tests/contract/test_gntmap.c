/* SPDX-License-Identifier: MIT */
/* Grants mapped: what is seen, what is refused, and how long pages and references live.
 */
#include "ct.h"

enum {
	RW = PROT_READ | PROT_WRITE
};

static void both_see_each_other(struct ct *ct)
{
	enum {
		PAGES = 32
	};
	uint32_t refs[PAGES];
	long region = guest_share(ct, 0, PAGES, 1, refs);
	uint8_t *p = guest_map(ct, PAGES, refs, RW);

	for (uint64_t seed = 1; seed < 4; seed++) {
		assert_int_equal(peer_call(ct->guest, "mem.fill %ld %lu", region, seed),
		                 0);
		assert_true(pattern_is(p, PAGES * CT_PAGE, seed));
		pattern_fill(p, PAGES * CT_PAGE, seed + 100);
		assert_int_equal(
			peer_call(ct->guest, "mem.check %ld %lu", region, seed + 100), 1);
	}
	assert_int_equal(xengnttab_unmap(ct->gnt, p, PAGES), 0);
}

static void pages_are_zeroed(struct ct *ct)
{
	static const uint8_t zero[CT_PAGE];
	uint32_t ref;

	for (int i = 0; i < 8; i++) {
		long region = guest_share(ct, 0, 1, 1, &ref);
		uint8_t *p = guest_map(ct, 1, &ref, PROT_READ);

		assert_memory_equal(p, zero, CT_PAGE);
		assert_int_equal(xengnttab_unmap(ct->gnt, p, 1), 0);
		assert_int_equal(peer_call(ct->guest, "mem.fill %ld 7", region), 0);
		assert_int_equal(peer_call(ct->guest, "mem.release %ld", region), 0);
	}
}

static void refs_are_distinct(struct ct *ct)
{
	enum {
		PAGES = 128
	};
	uint32_t refs[PAGES];

	guest_share(ct, 0, PAGES, 1, refs);
	for (int i = 0; i < PAGES; i++) {
		assert_int_not_equal(refs[i], 0);
		for (int j = 0; j < i; j++)
			assert_int_not_equal(refs[i], refs[j]);
	}
}

/* One contiguous range, in the order of the references and not of the pages. */
static void order_is_the_callers(struct ct *ct)
{
	enum {
		PAGES = 16
	};
	uint32_t refs[PAGES], back[PAGES];
	long region = guest_share(ct, 0, PAGES, 1, refs);
	uint8_t *p;

	for (size_t i = 0; i < PAGES; i++) {
		back[i] = refs[PAGES - 1 - i];
		assert_int_equal(peer_call(ct->guest, "mem.set %ld %zu %zu", region,
		                           i * CT_PAGE + 5, i + 1),
		                 0);
	}
	p = guest_map(ct, PAGES, back, RW);
	for (size_t i = 0; i < PAGES; i++)
		assert_int_equal(p[i * CT_PAGE + 5], PAGES - i);
	assert_int_equal(xengnttab_unmap(ct->gnt, p, PAGES), 0);
}

/* One call, two owners: the guest, and this domain by a grant to itself. */
static void two_owners(struct ct *ct)
{
	uint32_t refs[2], doms[2] = { ct->domid, 0 };
	long region = guest_share(ct, 0, 1, 1, &refs[0]);
	uint8_t *own = xengntshr_share_pages(ct->shr, 0, 1, &refs[1], 1), *p;

	assert_non_null(own);
	own[9] = 0x22;
	assert_int_equal(peer_call(ct->guest, "mem.set %ld 9 0x11", region), 0);
	p = xengnttab_map_grant_refs(ct->gnt, 2, doms, refs, RW);
	assert_non_null(p);
	assert_int_equal(p[9], 0x11);
	assert_int_equal(p[CT_PAGE + 9], 0x22);
	p[CT_PAGE + 10] = 0x33;
	assert_int_equal(own[10], 0x33);
	assert_int_equal(xengnttab_unmap(ct->gnt, p, 2), 0);
	assert_int_equal(xengntshr_unshare(ct->shr, own, 1), 0);
}

static void guest_maps_ours(struct ct *ct)
{
	enum {
		PAGES = 4
	};
	uint32_t refs[PAGES];
	uint8_t *own = xengntshr_share_pages(ct->shr, ct->domid, PAGES, refs, 1);
	long region;

	assert_non_null(own);
	region = peer_call(ct->guest, "gnt.map 0 %d %u %u %u %u", RW, refs[0], refs[1],
	                   refs[2], refs[3]);
	assert_true(region >= 0);
	assert_int_equal(peer_call(ct->guest, "mem.fill %ld 3", region), 0);
	assert_true(pattern_is(own, PAGES * CT_PAGE, 3));
	assert_int_equal(peer_call(ct->guest, "mem.release %ld", region), 0);
	assert_int_equal(xengntshr_unshare(ct->shr, own, PAGES), 0);
}

static void mapped_twice(struct ct *ct)
{
	uint32_t ref;
	uint8_t *a, *b;

	guest_share(ct, 0, 1, 1, &ref);
	a = guest_map(ct, 1, &ref, RW);
	b = guest_map(ct, 1, &ref, PROT_READ);
	assert_ptr_not_equal(a, b);
	a[77] = 77;
	assert_int_equal(b[77], 77);
	assert_int_equal(xengnttab_unmap(ct->gnt, a, 1), 0);
	assert_int_equal(b[77], 77);
	assert_int_equal(xengnttab_unmap(ct->gnt, b, 1), 0);
}

static void read_only_mapping(struct ct *ct)
{
	uint32_t ref;
	long region = guest_share(ct, 0, 1, 1, &ref);
	uint8_t *p = guest_map(ct, 1, &ref, PROT_READ);

	assert_int_equal(peer_call(ct->guest, "mem.set %ld 1 9", region), 0);
	assert_int_equal(p[1], 9);
	assert_false(faults(p, 0));
	assert_true(faults(p, 1));
	assert_int_equal(xengnttab_unmap(ct->gnt, p, 1), 0);
}

static void read_only_grant(struct ct *ct)
{
	uint32_t ref;
	long region = guest_share(ct, 0, 1, 0, &ref);
	uint8_t *p;

	assert_errno(!xengnttab_map_grant_ref(ct->gnt, ct->domid, ref, RW), EINVAL);
	p = guest_map(ct, 1, &ref, PROT_READ);
	assert_int_equal(peer_call(ct->guest, "mem.set %ld 1 9", region), 0);
	assert_int_equal(p[1], 9);
	assert_int_equal(xengnttab_unmap(ct->gnt, p, 1), 0);
}

static void map_refused(struct ct *ct)
{
	uint32_t ref, other, ended;
	long region;

	guest_share(ct, 0, 1, 1, &ref);
	guest_share(ct, ct->domid, 1, 1, &other);
	region = guest_share(ct, 0, 1, 1, &ended);
	assert_int_equal(peer_call(ct->guest, "mem.release %ld", region), 0);
	assert_errno(!xengnttab_map_grant_ref(ct->gnt, ct->domid, CT_NO_REF, RW), EINVAL);
	assert_errno(!xengnttab_map_grant_ref(ct->gnt, CT_NO_DOMAIN, ref, RW), EINVAL);
	assert_errno(!xengnttab_map_grant_ref(ct->gnt, ct->domid, other, RW), EINVAL);
	assert_errno(!xengnttab_map_grant_ref(ct->gnt, ct->domid, ended, RW), EINVAL);
	assert_errno(!xengnttab_map_domain_grant_refs(ct->gnt, 0, ct->domid, &ref, RW),
	             EINVAL);
}

/*
 * One bad reference, wherever it stands, and nothing at all is mapped: pages that stayed
 * mapped would count against the guest until it may share no more.
 */
static void all_or_nothing(struct ct *ct)
{
	enum {
		PAGES = 64,
		ROUNDS = 20
	};
	uint32_t refs[PAGES];

	for (int i = 0; i < ROUNDS; i++) {
		long region = guest_share(ct, 0, PAGES, 1, refs);

		refs[i * (PAGES - 1) / (ROUNDS - 1)] = CT_NO_REF;
		assert_errno(!xengnttab_map_domain_grant_refs(ct->gnt, PAGES, ct->domid,
		                                              refs, RW),
		             EINVAL);
		assert_int_equal(peer_call(ct->guest, "mem.release %ld", region), 0);
	}
}

static void unmap_means_unmapped(struct ct *ct)
{
	enum {
		PAGES = 3
	};
	uint32_t refs[PAGES];
	uint8_t *p;

	guest_share(ct, 0, PAGES, 1, refs);
	p = guest_map(ct, PAGES, refs, RW);
	assert_int_equal(xengnttab_unmap(ct->gnt, p, PAGES), 0);
	for (size_t i = 0; i < PAGES; i++)
		assert_true(faults(p + i * CT_PAGE, 0));
}

static void unmap_refused(struct ct *ct)
{
	enum {
		PAGES = 3
	};
	uint32_t refs[PAGES];
	uint8_t *p;

	guest_share(ct, 0, PAGES, 1, refs);
	p = guest_map(ct, PAGES, refs, RW);
	assert_errno(xengnttab_unmap(ct->gnt, NULL, 1), EINVAL);
	assert_errno(xengnttab_unmap(ct->gnt, p, 1), EINVAL);
	assert_errno(xengnttab_unmap(ct->gnt, p, PAGES + 1), EINVAL);
	assert_errno(xengnttab_unmap(ct->gnt, ct, 1), EINVAL);
	assert_false(faults(p, 1));
	assert_int_equal(xengnttab_unmap(ct->gnt, p, PAGES), 0);
	assert_errno(xengnttab_unmap(ct->gnt, p, PAGES), EINVAL);
}

/* The guest may drop a page that we have mapped; it stays ours as it is until unmapped.
 */
static void unshared_while_mapped(struct ct *ct)
{
	enum {
		MORE = 64
	};
	uint32_t ref, refs[MORE];
	long region = guest_share(ct, 0, 1, 1, &ref), more;
	uint8_t *p = guest_map(ct, 1, &ref, RW);

	assert_int_equal(peer_call(ct->guest, "mem.fill %ld 5", region), 0);
	assert_int_equal(peer_call(ct->guest, "mem.release %ld", region), 0);
	more = guest_share(ct, 0, MORE, 1, refs);
	assert_int_equal(peer_call(ct->guest, "mem.fill %ld 6", more), 0);
	for (int i = 0; i < MORE; i++)
		assert_int_not_equal(refs[i], ref);
	assert_true(pattern_is(p, CT_PAGE, 5));
	pattern_fill(p, CT_PAGE, 8);
	assert_int_equal(peer_call(ct->guest, "mem.check %ld 6", more), 1);
	assert_int_equal(xengnttab_unmap(ct->gnt, p, 1), 0);
}

static void guest_process_dies_while_mapped(struct ct *ct)
{
	uint32_t ref;
	long region = guest_share(ct, 0, 1, 1, &ref);
	uint8_t *p = guest_map(ct, 1, &ref, RW);

	assert_int_equal(peer_call(ct->guest, "mem.fill %ld 5", region), 0);
	peer_kill(ct->guest);
	ct->guest = NULL;
	assert_true(pattern_is(p, CT_PAGE, 5));
	assert_false(faults(p, 1));
	assert_int_equal(xengnttab_unmap(ct->gnt, p, 1), 0);
}

/* Dropped while mapped, then unmapped: page and reference come back, however often. */
static void zombies_are_reclaimed(struct ct *ct)
{
	enum {
		PAGES = 64,
		ROUNDS = 40
	}; /* more than a domain may share at once */
	uint32_t refs[PAGES];

	for (int i = 0; i < ROUNDS; i++) {
		long region = guest_share(ct, 0, PAGES, 1, refs);
		uint8_t *p = guest_map(ct, PAGES, refs, RW);

		assert_int_equal(peer_call(ct->guest, "mem.release %ld", region), 0);
		assert_int_equal(xengnttab_unmap(ct->gnt, p, PAGES), 0);
	}
}

/* A mapping is a mapping: it outlives the handle that made it. */
static void close_with_live_mapping(struct ct *ct)
{
	uint32_t ref, refs[8];
	long region = guest_share(ct, 0, 1, 1, &ref);
	uint8_t *p = guest_map(ct, 1, &ref, RW);

	assert_int_equal(xengnttab_close(ct->gnt), 0);
	ct->gnt = xengnttab_open(NULL, 0);
	assert_non_null(ct->gnt);
	assert_int_equal(peer_call(ct->guest, "mem.fill %ld 4", region), 0);
	assert_true(pattern_is(p, CT_PAGE, 4));
	assert_int_equal(peer_call(ct->guest, "mem.release %ld", region), 0);
	guest_share(ct, 0, 8, 1, refs);
	for (int i = 0; i < 8; i++)
		assert_int_not_equal(refs[i], ref);
	assert_true(pattern_is(p, CT_PAGE, 4));
	assert_int_equal(munmap(p, CT_PAGE), 0);
}

int main(void)
{
	static const struct property tests[] = {
		{ "32 pages mapped in one call are the guest's, both ways",
		  both_see_each_other },
		{ "pages are shared zeroed", pages_are_zeroed },
		{ "references are distinct and not 0", refs_are_distinct },
		{ "many references become one range, in the order given",
		  order_is_the_callers },
		{ "one call maps pages of two domains", two_owners },
		{ "the guest maps what this domain shares", guest_maps_ours },
		{ "a reference can be mapped twice", mapped_twice },
		{ "a read-only mapping faults on write", read_only_mapping },
		{ "a read-only grant is mapped for reading only: else EINVAL",
		  read_only_grant },
		{ "bad reference, domain, grantee, count: EINVAL", map_refused },
		{ "one bad reference of many: EINVAL and nothing stays mapped",
		  all_or_nothing },
		{ "unmapped pages fault", unmap_means_unmapped },
		{ "unmap of what is not mapped so: EINVAL, nothing changes",
		  unmap_refused },
		{ "a page unshared while mapped keeps its content and its reference",
		  unshared_while_mapped },
		{ "so does the page of a guest process that is killed",
		  guest_process_dies_while_mapped },
		{ "pages unshared while mapped are reclaimed after unmap",
		  zombies_are_reclaimed },
		{ "a mapping outlives its handle", close_with_live_mapping },
	};

	return CT_MAIN("gntmap", tests);
}
