/* SPDX-License-Identifier: MIT */
/* Captured frames: records that a worker may have spoiled, and the file made of them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "capture.h"
#include "pcapng.h"

static struct capture_rec good(void)
{
	return (struct capture_rec){ .magic = CAPTURE_MAGIC,
		                     .kind = CAPTURE_FRAME,
		                     .ns = 0x1122334455667788,
		                     .len = 1514,
		                     .data = 60,
		                     .index = 7,
		                     .slots = 3,
		                     .what = "tx_frames" };
}

static uint8_t buf[sizeof(struct capture_rec) + CAPTURE_SNAPLEN + 1];

static int judge(const struct capture_rec *r, size_t data)
{
	struct capture_rec out;
	int rc;

	memcpy(buf, r, sizeof(*r));
	rc = capture_judge(buf, sizeof(*r) + data, &out);
	if (!rc)
		assert_memory_equal(&out, r, sizeof(out));
	return rc;
}

static void what_is_no_record_is_refused(void **state)
{
	struct capture_rec r = good();

	(void)state;
	assert_int_equal(judge(&r, 60), 0);
	assert_int_equal(judge(&r, 59), -EPROTO);
	assert_int_equal(judge(&r, 61), -EPROTO);
	assert_int_equal(capture_judge(buf, sizeof(r) - 1, &r), -EPROTO);
	assert_int_equal(capture_judge(buf, 0, &r), -EPROTO);
#define WRONG(field, value)                                   \
	do {                                                  \
		r = good();                                   \
		r.field = (value);                            \
		assert_int_equal(judge(&r, r.data), -EPROTO); \
	} while (0)
	WRONG(magic, 0);
	WRONG(kind, CAPTURE_NKINDS);
	WRONG(dir, CAPTURE_NDIRS);
	WRONG(flags, 0x10);
	WRONG(len, 59);
	WRONG(what[3], '\n');
	WRONG(what[3], '\x1b');
	WRONG(what[0], (char)0x80);
	r = good();
	r.len = r.data = CAPTURE_SNAPLEN + 1;
	assert_int_equal(judge(&r, r.data), -EPROTO);
	r.len = r.data = CAPTURE_SNAPLEN;
	assert_int_equal(judge(&r, r.data), 0);
	r = good();
	memset(r.what, 'a', sizeof(r.what));
	assert_int_equal(judge(&r, 60), -EPROTO);
}

/* ---- The file, read as its specification says -------------------------------------- */

static uint8_t out[2 * PCAPNG_BLOCK_MAX];

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint16_t get16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Block at @at. Return: its length, which is in both places. */
static uint32_t block_is(const uint8_t *at, uint32_t type)
{
	uint32_t len = get32(at + 4);

	assert_int_equal(get32(at), type);
	assert_int_equal(len % 4, 0);
	assert_int_equal(get32(at + len - 4), len);
	return len;
}

/* Option @code of those that begin at @p and end with the block. Return: its length. */
static uint32_t option_of(const uint8_t *p, const uint8_t *end, uint16_t code,
                          const uint8_t **value)
{
	while (p + 4 <= end && get16(p)) {
		uint16_t len = get16(p + 2);

		*value = p + 4;
		if (get16(p) == code)
			return len;
		p += 4 + (len + 3U) / 4 * 4;
	}
	*value = NULL;
	return 0;
}

static void option_says(const uint8_t *p, const uint8_t *end, uint16_t code,
                        const void *want, size_t n)
{
	const uint8_t *value;

	assert_int_equal(option_of(p, end, code, &value), n);
	assert_non_null(value);
	assert_memory_equal(value, want, n);
}

static void a_file_begins(void **state)
{
	size_t n = pcapng_begin(out, "vif3.0", "3/vif-0 of web", 100);
	uint32_t len = block_is(out, 0x0a0d0d0a), more;
	const uint8_t *p = out + len;

	(void)state;
	assert_int_equal(get32(out + 8), 0x1a2b3c4d);
	assert_int_equal(get16(out + 12), 1);
	assert_int_equal(get16(out + 14), 0);
	more = block_is(p, 1);
	assert_int_equal(len + more, n);
	assert_int_equal(get16(p + 8), 1);
	assert_int_equal(get32(p + 12), 100);
	option_says(p + 16, p + more - 4, 2, "vif3.0", 6);
	option_says(p + 16, p + more - 4, 3, "3/vif-0 of web", 14);
	option_says(p + 16, p + more - 4, 9, "\x09", 1);
}

static void a_frame(void **state)
{
	static const uint32_t lens[] = { 0, 1, 59, 60, 61, 1514, CAPTURE_SNAPLEN };
	static uint8_t data[CAPTURE_SNAPLEN];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + 1);
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		struct capture_rec r = good();
		uint32_t len, flags = 1, queue = 5;
		const uint8_t *opts;
		size_t n;

		r.len = r.data = lens[i];
		r.dir = CAPTURE_RX;
		r.queue = 5;
		n = pcapng_frame(out, &r, data);
		assert_true(n <= PCAPNG_BLOCK_MAX);
		len = block_is(out, 6);
		assert_int_equal(len, n);
		assert_int_equal(get32(out + 12), 0x11223344);
		assert_int_equal(get32(out + 16), 0x55667788);
		assert_int_equal(get32(out + 20), lens[i]);
		assert_int_equal(get32(out + 24), lens[i]);
		assert_memory_equal(out + 28, data, lens[i]);
		opts = out + 28 + (lens[i] + 3UL) / 4 * 4;
		option_says(opts, out + len - 4, 1, "rx queue 5 index 7 slots 3: passed",
		            34);
		option_says(opts, out + len - 4, 2, &flags, 4);
		option_says(opts, out + len - 4, 6, &queue, 4);
	}
}

static void comments(void **state)
{
	static const struct {
		uint32_t flags;
		uint8_t gso_type;
		uint16_t gso_size;
		const char *want;
	} row[] = {
		{ 0, 0, 0, "tx queue 0 index 7 slots 3: passed" },
		{ CAPTURE_CSUM_BLANK | CAPTURE_VALIDATED, 1, 1448,
		  "tx queue 0 index 7 slots 3 gso tcpv4 1448 csum-blank validated: "
		  "passed" },
		{ CAPTURE_LOST, 2, 65535,
		  "tx queue 0 index 7 slots 3 gso tcpv6 65535: dropped, tx_headers" },
		{ CAPTURE_LOST | CAPTURE_LOOSE, 255, 1,
		  "tx queue 0 gso ? 1: dropped, tx_headers" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct capture_rec r = good();
		char text[256];

		r.flags = row[i].flags;
		r.gso_type = row[i].gso_type;
		r.gso_size = row[i].gso_size;
		snprintf(r.what, sizeof(r.what), "tx_headers");
		pcapng_comment(text, &r);
		assert_string_equal(text, row[i].want);
	}
}

static void a_file_ends(void **state)
{
	const struct capture_count count = { .seen = 1ULL << 40, .dropped = 3 };
	const uint64_t written = 77;
	const uint32_t start[2] = { 1, 2 }, end[2] = { 3, 4 };
	size_t n = pcapng_end(out, &count, written, 1ULL << 32 | 2, 3ULL << 32 | 4);
	uint32_t len = block_is(out, 5);

	(void)state;
	assert_int_equal(n, len);
	assert_int_equal(get32(out + 12), 3);
	option_says(out + 20, out + len - 4, 2, start, 8);
	option_says(out + 20, out + len - 4, 3, end, 8);
	option_says(out + 20, out + len - 4, 4, &count.seen, 8);
	option_says(out + 20, out + len - 4, 7, &count.dropped, 8);
	option_says(out + 20, out + len - 4, 8, &written, 8);
}

/* A memfd that could be made shorter would be a way to kill the worker. */
static void counts_are_shared(void **state)
{
	struct capture_count *c, seen;
	int fd = capture_count_new(), other;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(capture_count_map(fd, &c), 0);
	c->seen = 5;
	c->dropped = 2;
	assert_int_equal(capture_count_read(fd, &seen), 0);
	assert_int_equal(seen.seen, 5);
	assert_int_equal(seen.dropped, 2);
	capture_count_unmap(c);
	assert_int_not_equal(ftruncate(fd, 0), 0);
	close(fd);
	other = memfd_create("x", 0);
	assert_int_equal(ftruncate(other, sizeof(seen)), 0);
	assert_int_equal(capture_count_map(other, &c), -EPROTO);
	close(other);
	assert_int_equal(capture_count_map(-1, &c), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_record_is_refused),
		cmocka_unit_test(a_file_begins),
		cmocka_unit_test(a_frame),
		cmocka_unit_test(comments),
		cmocka_unit_test(a_file_ends),
		cmocka_unit_test(counts_are_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
