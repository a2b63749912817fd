/* SPDX-License-Identifier: MIT */
/*
 * The layouts against Xen's own header. The compiler lays it out as i386 does when it
 * aligns nothing to more than four bytes: that is the second copy of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "blkfront_abi.h"

#undef __XEN_PUBLIC_IO_BLKIF_H__
#undef DEFINE_RING_TYPES
#define DEFINE_RING_TYPES(name, req, rsp) _Static_assert(1, "")
#define blkif_request                     i386_request
#define blkif_request_t                   i386_request_t
#define blkif_request_segment             i386_segment
#define blkif_request_discard             i386_discard
#define blkif_request_discard_t           i386_discard_t
#define blkif_request_indirect            i386_indirect
#define blkif_request_indirect_t          i386_indirect_t
#define blkif_response                    i386_response
#define blkif_response_t                  i386_response_t
#pragma pack(push, 4)
#include <xen/io/blkif.h>
#pragma pack(pop)
#undef blkif_request
#undef blkif_request_segment
#undef blkif_request_discard
#undef blkif_request_indirect
#undef blkif_response

/* What is known of i386 without that trick. */
_Static_assert(sizeof(struct i386_request) == 108, "i386 request");
_Static_assert(sizeof(struct i386_response) == 12, "i386 response");

#define ID      UINT64_C(0x1122334455667788)
#define SECTOR  UINT64_C(0x99aabbccddeeff00)
#define SECTORS UINT64_C(0x0123456789abcdef)
#define HANDLE  0xca00

static const struct blkif_request_segment segs[] = {
	{ 0x10203040, 1, 7 }, { 0x50607080, 0, 6 }, { 0x90a0b0c0, 2, 3 }, { 4, 0, 7 },
	{ 5, 0, 7 },          { 6, 0, 7 },          { 7, 0, 7 },          { 8, 0, 7 },
	{ 9, 0, 7 },          { 10, 0, 7 },         { 11, 1, 1 },
};
static const uint32_t refs[] = { 0xdeadbeef, 2, 3, 4, 5, 6, 7, 0xcafebabe };

/* What the request becomes, over bytes that it must not leave behind. */
static size_t lay_out(enum blkfront_protocol protocol, const struct blkfront_wire *w,
                      uint8_t *slot)
{
	memset(slot, 0xee, BLKFRONT_SLOT_MAX);
	return blkfront_abi_request(blkfront_abi_of(protocol), w, slot);
}

/* Both layouts have it, and it is what was wanted. */
#define SAME(field)                                   \
	do {                                          \
		assert_true(r64.field == want.field); \
		assert_true(r32.field == want.field); \
	} while (0)

static void direct(void **state)
{
	const struct blkfront_wire w = { .op = BLKIF_OP_WRITE_BARRIER,
		                         .handle = HANDLE,
		                         .nr_segments = ARRAY_SIZE(segs),
		                         .id = ID,
		                         .sector = SECTOR,
		                         .seg = segs };
	const struct blkif_request want = { .operation = BLKIF_OP_WRITE_BARRIER,
		                            .nr_segments = 11,
		                            .handle = HANDLE,
		                            .id = ID,
		                            .sector_number = SECTOR };
	struct blkif_request r64;
	struct i386_request r32;
	uint8_t slot[BLKFRONT_SLOT_MAX];

	(void)state;
	assert_int_equal(lay_out(BLKFRONT_X86_64, &w, slot), sizeof(r64));
	memcpy(&r64, slot, sizeof(r64));
	assert_int_equal(lay_out(BLKFRONT_X86_32, &w, slot), sizeof(r32));
	memcpy(&r32, slot, sizeof(r32));
	SAME(operation);
	SAME(nr_segments);
	SAME(handle);
	SAME(id);
	SAME(sector_number);
	assert_memory_equal(r64.seg, segs, sizeof(segs));
	assert_memory_equal(r32.seg, segs, sizeof(segs));
}

static void fewer_segments_take_fewer_bytes(void **state)
{
	const struct blkfront_wire w = { .op = BLKIF_OP_READ,
		                         .nr_segments = 2,
		                         .seg = segs };
	uint8_t slot[BLKFRONT_SLOT_MAX];

	(void)state;
	assert_int_equal(lay_out(BLKFRONT_X86_64, &w, slot), 24 + 16);
	assert_int_equal(slot[24 + 16], 0xee);
	assert_int_equal(lay_out(BLKFRONT_X86_32, &w, slot), 20 + 16);
	assert_int_equal(slot[20 + 16], 0xee);
}

static void discard(void **state)
{
	const struct blkfront_wire w = { .op = BLKIF_OP_DISCARD,
		                         .flag = BLKIF_DISCARD_SECURE,
		                         .handle = HANDLE,
		                         .id = ID,
		                         .sector = SECTOR,
		                         .sectors = SECTORS };
	const struct blkif_request_discard want = {
		BLKIF_OP_DISCARD, BLKIF_DISCARD_SECURE, HANDLE, ID, SECTOR, SECTORS
	};
	struct blkif_request_discard r64;
	struct i386_discard r32;
	uint8_t slot[BLKFRONT_SLOT_MAX];

	(void)state;
	assert_int_equal(lay_out(BLKFRONT_X86_64, &w, slot), sizeof(r64));
	memcpy(&r64, slot, sizeof(r64));
	assert_int_equal(lay_out(BLKFRONT_X86_32, &w, slot), sizeof(r32));
	memcpy(&r32, slot, sizeof(r32));
	SAME(operation);
	SAME(flag);
	SAME(handle);
	SAME(id);
	SAME(sector_number);
	SAME(nr_sectors);
}

static void indirect(void **state)
{
	const struct blkfront_wire w = { .op = BLKIF_OP_WRITE,
		                         .handle = HANDLE,
		                         .nr_segments = 4096,
		                         .id = ID,
		                         .sector = SECTOR,
		                         .refs = refs };
	const struct blkif_request_indirect want = { .operation = BLKIF_OP_INDIRECT,
		                                     .indirect_op = BLKIF_OP_WRITE,
		                                     .nr_segments = 4096,
		                                     .id = ID,
		                                     .sector_number = SECTOR,
		                                     .handle = HANDLE };
	struct blkif_request_indirect r64;
	struct i386_indirect r32;
	uint8_t slot[BLKFRONT_SLOT_MAX];

	(void)state;
	assert_int_equal(lay_out(BLKFRONT_X86_64, &w, slot), 28 + sizeof(refs));
	memcpy(&r64, slot, sizeof(r64));
	assert_int_equal(lay_out(BLKFRONT_X86_32, &w, slot), 24 + sizeof(refs));
	memcpy(&r32, slot, sizeof(r32));
	SAME(operation);
	SAME(indirect_op);
	SAME(nr_segments);
	SAME(id);
	SAME(sector_number);
	SAME(handle);
	assert_memory_equal(r64.indirect_grefs, refs, sizeof(refs));
	assert_memory_equal(r32.indirect_grefs, refs, sizeof(refs));
}

static void a_page_of_segments_has_512(void **state)
{
	struct blkfront_wire w = { .op = BLKIF_OP_READ,
		                   .nr_segments = 512,
		                   .refs = refs };
	uint8_t slot[BLKFRONT_SLOT_MAX];

	(void)state;
	assert_int_equal(lay_out(BLKFRONT_X86_32, &w, slot), 28);
	w.nr_segments = 513;
	assert_int_equal(lay_out(BLKFRONT_X86_32, &w, slot), 32);
}

static void responses(void **state)
{
	(void)state;
	assert_int_equal(blkfront_abi_of(BLKFRONT_X86_64)->rsp,
	                 sizeof(struct blkif_response));
	assert_int_equal(blkfront_abi_of(BLKFRONT_X86_32)->rsp,
	                 sizeof(struct i386_response));
	assert_int_equal(offsetof(struct i386_response, status), 10);
	assert_int_equal(blkfront_abi_of(BLKFRONT_X86_64)->slot,
	                 sizeof(union blkif_sring_entry));
	assert_int_equal(blkfront_abi_of(BLKFRONT_X86_32)->slot,
	                 sizeof(struct i386_request));
	assert_string_equal(blkfront_abi_of(BLKFRONT_X86_32)->key, "x86_32-abi");
	assert_string_equal(blkfront_abi_of(BLKFRONT_X86_64)->key, "x86_64-abi");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(direct),
		cmocka_unit_test(fewer_segments_take_fewer_bytes),
		cmocka_unit_test(discard),
		cmocka_unit_test(indirect),
		cmocka_unit_test(a_page_of_segments_has_512),
		cmocka_unit_test(responses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
