/* SPDX-License-Identifier: MIT */
/* Grant copy: what is copied, and the status of each segment that is not. */
#include "ct.h"

typedef xengnttab_grant_copy_segment_t segment;

/* @len bytes at @off of the guest's page @ref to @to. */
static segment from_guest(struct ct *ct, uint32_t ref, unsigned int off, void *to,
                          unsigned int len)
{
	segment s = { .len = (uint16_t)len, .flags = GNTCOPY_source_gref, .status = 77 };

	s.source.foreign.ref = ref;
	s.source.foreign.offset = (uint16_t)off;
	s.source.foreign.domid = (uint16_t)ct->domid;
	s.dest.virt = to;
	return s;
}

static segment to_guest(struct ct *ct, void *from, uint32_t ref, unsigned int off,
                        unsigned int len)
{
	segment s = { .len = (uint16_t)len, .flags = GNTCOPY_dest_gref, .status = 77 };

	s.source.virt = from;
	s.dest.foreign.ref = ref;
	s.dest.foreign.offset = (uint16_t)off;
	s.dest.foreign.domid = (uint16_t)ct->domid;
	return s;
}

/* Copy one segment; the call itself works. Its status. */
static int copy_status(struct ct *ct, segment s)
{
	assert_int_equal(xengnttab_grant_copy(ct->gnt, 1, &s), 0);
	return s.status;
}

static void from_the_guest(struct ct *ct)
{
	uint8_t buf[CT_PAGE];
	uint32_t ref;
	long region = guest_share(ct, 0, 1, 1, &ref);

	assert_int_equal(peer_call(ct->guest, "mem.fill %ld 1", region), 0);
	assert_int_equal(copy_status(ct, from_guest(ct, ref, 0, buf, CT_PAGE)),
	                 GNTST_okay);
	assert_true(pattern_is(buf, CT_PAGE, 1));
}

static void to_the_guest(struct ct *ct)
{
	uint8_t buf[CT_PAGE];
	uint32_t ref;
	long region = guest_share(ct, 0, 1, 1, &ref);

	pattern_fill(buf, CT_PAGE, 2);
	assert_int_equal(copy_status(ct, to_guest(ct, buf, ref, 0, CT_PAGE)), GNTST_okay);
	assert_int_equal(peer_call(ct->guest, "mem.check %ld 2", region), 1);
}

/* Just the bytes asked for, at each kind of edge; what is beside them is not touched. */
static void exact_bytes(struct ct *ct)
{
	static const struct {
		unsigned int off, len;
	} part[] = { { 0, 1 },   { 4095, 1 },    { 1, 4095 }, { 0, 4096 },
		     { 511, 2 }, { 2048, 2048 }, { 7, 100 },  { 4000, 96 } };
	uint8_t buf[CT_PAGE + 2], *p;
	uint32_t ref;

	guest_share(ct, 0, 1, 1, &ref);
	p = guest_map(ct, 1, &ref, PROT_READ | PROT_WRITE);
	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
		unsigned int off = part[i].off, len = part[i].len;

		memset(buf, 0xee, sizeof(buf));
		pattern_fill(p, CT_PAGE, i);
		assert_int_equal(copy_status(ct, from_guest(ct, ref, off, buf + 1, len)),
		                 0);
		assert_memory_equal(buf + 1, p + off, len);
		assert_int_equal(buf[0], 0xee);
		assert_int_equal(buf[len + 1], 0xee);

		memset(p, 0xdd, CT_PAGE);
		pattern_fill(buf, len, i + 50);
		assert_int_equal(copy_status(ct, to_guest(ct, buf, ref, off, len)), 0);
		assert_true(pattern_is(p + off, len, i + 50));
		for (unsigned int j = 0; j < CT_PAGE; j++) {
			if (j < off || j >= off + len)
				assert_int_equal(p[j], 0xdd);
		}
	}
	assert_int_equal(xengnttab_unmap(ct->gnt, p, 1), 0);
}

/* From one page of the guest to another, this domain's memory not involved. */
static void guest_to_guest(struct ct *ct)
{
	uint32_t refs[2];
	long from = guest_share(ct, 0, 1, 0, &refs[0]),
	     to = guest_share(ct, 0, 1, 1, &refs[1]);
	segment s = from_guest(ct, refs[0], 0, NULL, CT_PAGE);

	s.flags |= GNTCOPY_dest_gref;
	s.dest.foreign.ref = refs[1];
	s.dest.foreign.offset = 0;
	s.dest.foreign.domid = (uint16_t)ct->domid;
	assert_int_equal(peer_call(ct->guest, "mem.fill %ld 9", from), 0);
	assert_int_equal(copy_status(ct, s), GNTST_okay);
	assert_int_equal(peer_call(ct->guest, "mem.check %ld 9", to), 1);
}

/* A buffer of ours may lie across pages; a granted page may not be left. */
static void local_buffer_crosses_pages(struct ct *ct)
{
	uint8_t *buf = mmap(NULL, 3 * CT_PAGE, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t ref;
	long region = guest_share(ct, 0, 1, 1, &ref);

	assert_int_equal(peer_call(ct->guest, "mem.fill %ld 1", region), 0);
	assert_int_equal(copy_status(ct, from_guest(ct, ref, 0, buf + 4000, CT_PAGE)), 0);
	assert_true(pattern_is(buf + 4000, CT_PAGE, 1));
	pattern_fill(buf + 4095, CT_PAGE, 2);
	assert_int_equal(copy_status(ct, to_guest(ct, buf + 4095, ref, 0, CT_PAGE)), 0);
	assert_int_equal(peer_call(ct->guest, "mem.check %ld 2", region), 1);
	munmap(buf, 3 * CT_PAGE);
}

static void nothing_to_copy(struct ct *ct)
{
	uint8_t byte = 0xee;
	uint32_t ref;

	guest_share(ct, 0, 1, 1, &ref);
	assert_int_equal(copy_status(ct, from_guest(ct, ref, 0, &byte, 0)), GNTST_okay);
	assert_int_equal(byte, 0xee);
	assert_int_equal(xengnttab_grant_copy(ct->gnt, 0, NULL), 0);
}

/* Segments that make no sense fail the call, not themselves. */
static void malformed_segments(struct ct *ct)
{
	uint8_t buf[2 * CT_PAGE], other[16];
	uint32_t ref;
	segment s;

	guest_share(ct, 0, 1, 1, &ref);
	s = from_guest(ct, ref, 1, buf, CT_PAGE);
	assert_errno(xengnttab_grant_copy(ct->gnt, 1, &s) < 0, EINVAL);
	s = from_guest(ct, ref, 0, buf, CT_PAGE + 1);
	assert_errno(xengnttab_grant_copy(ct->gnt, 1, &s) < 0, EINVAL);
	s = to_guest(ct, buf, ref, 4095, 2);
	assert_errno(xengnttab_grant_copy(ct->gnt, 1, &s) < 0, EINVAL);
	s = (segment){ .len = sizeof(other) };
	s.source.virt = buf;
	s.dest.virt = other;
	assert_errno(xengnttab_grant_copy(ct->gnt, 1, &s) < 0, EINVAL);
}

static void local_fault(struct ct *ct)
{
	uint8_t *buf = mmap(NULL, CT_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t ref;
	segment s;

	guest_share(ct, 0, 1, 1, &ref);
	s = from_guest(ct, ref, 0, buf, 16);
	assert_errno(xengnttab_grant_copy(ct->gnt, 1, &s) < 0, EFAULT);
	munmap(buf, CT_PAGE);
	assert_errno(xengnttab_grant_copy(ct->gnt, 1, &s) < 0, EFAULT);
	s = to_guest(ct, buf, ref, 0, 16);
	assert_errno(xengnttab_grant_copy(ct->gnt, 1, &s) < 0, EFAULT);
}

static void read_only_grant(struct ct *ct)
{
	uint8_t buf[16] = { 0 };
	uint32_t ref;
	long region = guest_share(ct, 0, 1, 0, &ref);

	assert_int_equal(peer_call(ct->guest, "mem.fill %ld 3", region), 0);
	assert_int_equal(copy_status(ct, from_guest(ct, ref, 0, buf, 16)), GNTST_okay);
	assert_true(pattern_is(buf, 16, 3));
	assert_int_equal(copy_status(ct, to_guest(ct, buf, ref, 100, 16)),
	                 GNTST_general_error);
	assert_int_equal(peer_call(ct->guest, "mem.check %ld 3", region), 1);
}

static void refused_statuses(struct ct *ct)
{
	uint8_t buf[16] = { 0xee, 0xee };
	uint32_t ref, other, ended;
	segment s;
	long region;

	guest_share(ct, 0, 1, 1, &ref);
	guest_share(ct, ct->domid, 1, 1, &other);
	region = guest_share(ct, 0, 1, 1, &ended);
	assert_int_equal(peer_call(ct->guest, "mem.release %ld", region), 0);
	assert_int_equal(copy_status(ct, from_guest(ct, CT_NO_REF, 0, buf, 16)),
	                 GNTST_bad_gntref);
	assert_int_equal(copy_status(ct, from_guest(ct, ended, 0, buf, 16)),
	                 GNTST_general_error);
	assert_int_equal(copy_status(ct, from_guest(ct, other, 0, buf, 16)),
	                 GNTST_general_error);
	s = from_guest(ct, ref, 0, buf, 16);
	s.source.foreign.domid = CT_NO_DOMAIN;
	assert_int_equal(copy_status(ct, s), GNTST_bad_domain);
	assert_int_equal(buf[0], 0xee);
	assert_int_equal(buf[1], 0xee);
}

/* One bad segment, wherever it stands: the others are copied, it alone has a status. */
static void one_bad_of_many(struct ct *ct)
{
	enum {
		SEGS = 40,
		LEN = 100
	};
	static uint8_t buf[SEGS][LEN];
	uint32_t ref;
	long region = guest_share(ct, 0, 1, 1, &ref);
	uint8_t *p = guest_map(ct, 1, &ref, PROT_READ);
	segment s[SEGS];

	assert_int_equal(peer_call(ct->guest, "mem.fill %ld 1", region), 0);
	for (int bad = 0; bad < SEGS; bad++) {
		memset(buf, 0, sizeof(buf));
		for (unsigned int i = 0; i < SEGS; i++)
			s[i] = from_guest(ct, (int)i == bad ? CT_NO_REF : ref, i * LEN,
			                  buf[i], LEN);
		assert_int_equal(xengnttab_grant_copy(ct->gnt, SEGS, s), 0);
		for (size_t i = 0; i < SEGS; i++) {
			if ((int)i == bad) {
				assert_int_equal(s[i].status, GNTST_bad_gntref);
				assert_int_equal(buf[i][0] | buf[i][LEN - 1], 0);
				continue;
			}
			assert_int_equal(s[i].status, GNTST_okay);
			assert_memory_equal(buf[i], p + i * LEN, LEN);
		}
	}
	assert_int_equal(xengnttab_unmap(ct->gnt, p, 1), 0);
}

/* Later segments see what earlier ones wrote: a batch is done in its order. */
static void batch_in_order(struct ct *ct)
{
	enum {
		STEPS = 20
	};
	uint8_t first = 1, buf[STEPS];
	uint32_t ref;
	segment s[2 * STEPS];

	guest_share(ct, 0, 1, 1, &ref);
	for (size_t i = 0; i < STEPS; i++) {
		s[2 * i] =
			to_guest(ct, i ? &buf[i - 1] : &first, ref, (unsigned int)i, 1);
		s[2 * i + 1] = from_guest(ct, ref, (unsigned int)i, &buf[i], 1);
	}
	memset(buf, 0, sizeof(buf));
	assert_int_equal(xengnttab_grant_copy(ct->gnt, 2 * STEPS, s), 0);
	for (int i = 0; i < STEPS; i++)
		assert_int_equal(buf[i], 1);
}

int main(void)
{
	static const struct property tests[] = {
		{ "a page is copied from the guest", from_the_guest },
		{ "a page is copied to the guest", to_the_guest },
		{ "just the bytes asked for are copied", exact_bytes },
		{ "from one granted page to another", guest_to_guest },
		{ "a local buffer may cross pages", local_buffer_crosses_pages },
		{ "no bytes and no segments are fine", nothing_to_copy },
		{ "beyond the granted page, or no grant at all: EINVAL",
		  malformed_segments },
		{ "a local buffer that faults: EFAULT", local_fault },
		{ "a read-only grant is a source, as destination general_error",
		  read_only_grant },
		{ "no such reference: bad_gntref, no such domain: bad_domain, not for "
		  "us: "
		  "general_error",
		  refused_statuses },
		{ "one bad segment at each place of a batch spoils itself only",
		  one_bad_of_many },
		{ "a batch is done in its order", batch_in_order },
	};

	return CT_MAIN("gntcopy", tests);
}
