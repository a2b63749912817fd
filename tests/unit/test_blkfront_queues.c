/* SPDX-License-Identifier: MIT */
/* What is negotiated: queues, ring pages, large requests, and how it is written down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "blkfront_fixture.h"
#include "blkfront_io.h"
#include "pattern.h"

static void offer(const char *queues, const char *order, const char *segments)
{
	fake_set(BACK "/multi-queue-max-queues", queues);
	fake_set(BACK "/max-ring-page-order", order);
	fake_set(BACK "/feature-max-indirect-segments", segments);
}

/* ---- Keys ------------------------------------------------------------------------ */

/* Which of these keys there are, in that order. */
static void keys_are(const char *want)
{
	static const char *const key[] = {
		"ring-ref",
		"ring-ref0",
		"ring-ref1",
		"ring-ref2",
		"ring-page-order",
		"num-ring-pages",
		"event-channel",
		"multi-queue-num-queues",
		"queue-0/ring-ref",
		"queue-0/ring-ref1",
		"queue-1/ring-ref",
		"queue-1/ring-ref1",
		"queue-1/event-channel",
		"queue-2/ring-ref",
		"protocol",
		"feature-persistent",
	};
	char got[512] = "", path[96];

	for (size_t i = 0; i < ARRAY_SIZE(key); i++) {
		snprintf(path, sizeof(path), FRONT "/%s", key[i]);
		if (fake_get(path))
			snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s ",
			         key[i]);
	}
	assert_string_equal(got, want);
}

#define LAST "protocol feature-persistent "

static void keys_by_habit(void **state)
{
	static const struct {
		enum blkfront_keys keys;
		unsigned int order, queues;
		const char *want;
	} row[] = {
		{ BLKFRONT_KEYS_LINUX, 0, 1, "ring-ref event-channel " LAST },
		{ BLKFRONT_KEYS_LINUX, 1, 1,
		  "ring-ref0 ring-ref1 ring-page-order event-channel " LAST },
		{ BLKFRONT_KEYS_LINUX, 0, 2,
		  "multi-queue-num-queues queue-0/ring-ref queue-1/ring-ref "
		  "queue-1/event-channel " LAST },
		{ BLKFRONT_KEYS_LINUX, 1, 2,
		  "ring-page-order multi-queue-num-queues queue-0/ring-ref1 "
		  "queue-1/ring-ref1 queue-1/event-channel " LAST },
		{ BLKFRONT_KEYS_ORDER, 0, 1,
		  "ring-ref0 ring-page-order event-channel " LAST },
		{ BLKFRONT_KEYS_PLAIN, 0, 1,
		  "ring-ref ring-page-order event-channel " LAST },
		{ BLKFRONT_KEYS_PAGES, 1, 1,
		  "ring-ref0 ring-ref1 num-ring-pages event-channel " LAST },
		{ BLKFRONT_KEYS_WINDOWS, 0, 1,
		  "ring-ref event-channel multi-queue-num-queues " LAST },
	};

	(void)state;
	offer("2", "1", "0");
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		conf.keys = row[i].keys;
		conf.order = row[i].order;
		conf.queues = row[i].queues;
		assert_int_equal(open_disk(), 0);
		keys_are(row[i].want);
		assert_int_equal(blkfront_close(bf), 0);
		/* What meant the ring goes with it. */
		keys_are("protocol ");
		bf = NULL;
	}
}

/* A frontend that was killed leaves keys that would mean something else now. */
static void what_others_left_is_removed(void **state)
{
	(void)state;
	fake_set(FRONT "/ring-ref0", "8");
	fake_set(FRONT "/ring-page-order", "3");
	fake_set(FRONT "/multi-queue-num-queues", "4");
	fake_set(FRONT "/queue-1/ring-ref", "7");
	fake_set(FRONT "/feature-persistent", "1");
	fake_set(FRONT "/protocol", "x86_32-abi");
	conf.persistent = false;
	conf.unsaid = true;
	assert_int_equal(open_disk(), 0);
	keys_are("ring-ref event-channel ");
	assert_non_null(fake_get(FRONT "/backend"));
}

static void says_which_layout(void **state)
{
	(void)state;
	conf.protocol = BLKFRONT_X86_32;
	fake.deaf = true;
	assert_int_equal(open_disk(), 0);
	assert_string_equal(fake_get(FRONT "/protocol"), "x86_32-abi");
}

/* mini-os: keys and Connected in one go, whatever the backend says. */
static void hasty(void **state)
{
	(void)state;
	conf.hasty = true;
	conf.queues = conf.order = 3;
	fake_set(BACK "/state", "1");
	fake.mute = true;
	conf.timeout_ms = 1;
	assert_int_equal(open_disk(), -ETIMEDOUT);
	assert_string_equal(fake.states, "45");
	fake_begin();
	assert_int_equal(open_disk(), 0);
	assert_string_equal(fake.states, "4");
	assert_int_equal(blkfront_info(bf)->queues, 1);
	assert_int_equal(blkfront_info(bf)->order, 0);
}

/* ---- Agreement ------------------------------------------------------------------- */

static void agrees_on_the_least(void **state)
{
	static const struct {
		const char *queues, *order, *segments;
		unsigned int want_queues, want_order, want_segments;
	} row[] = {
		{ "4", "4", "256", 3, 2, 64 }, { "2", "1", "32", 2, 1, 32 },
		{ "1", "0", "0", 1, 0, 11 },   { "0", "0", "5", 1, 0, 11 },
		{ "3", "2", "64", 3, 2, 64 },
	};

	(void)state;
	conf.queues = 3;
	conf.order = 2;
	conf.segments = 64;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		const struct blkfront_info *info;

		offer(row[i].queues, row[i].order, row[i].segments);
		assert_int_equal(open_disk(), 0);
		info = blkfront_info(bf);
		assert_int_equal(info->queues, row[i].want_queues);
		assert_int_equal(info->order, row[i].want_order);
		assert_int_equal(info->segments, row[i].want_segments);
		assert_int_equal(blkfront_req_max(info, BLKIF_OP_READ, 512),
		                 row[i].want_segments * XEN_PAGE - 512);
		assert_int_equal(blkfront_req_max(info, BLKIF_OP_WRITE_BARRIER, 0),
		                 11 * XEN_PAGE);
		blkfront_close(bf);
		bf = NULL;
	}
}

static void the_deprecated_spelling_of_an_offer(void **state)
{
	(void)state;
	fake_set(BACK "/max-ring-pages", "8");
	conf.order = 4;
	assert_int_equal(open_disk(), 0);
	assert_int_equal(blkfront_info(bf)->order, 3);
}

/* ---- Requests -------------------------------------------------------------------- */

static void the_queues_take_turns(void **state)
{
	static uint8_t buf[DISK];

	(void)state;
	pattern_fill(fake.disk, DISK, 1, 0, 1);
	offer("3", "1", "0");
	conf.queues = 3;
	conf.order = 1;
	assert_int_equal(open_disk(), 0);
	assert_int_equal(blkio_sync(bf, BLKIF_OP_READ, 0, buf, DISK, TIMEOUT), 0);
	assert_memory_equal(buf, fake.disk, DISK);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(blkfront_stats(bf, i).requests, 8);
	assert_int_equal(blkfront_stats(bf, BLKFRONT_ANY).requests, 24);
}

static void one_queue_full_leaves_the_others(void **state)
{
	struct blkfront_req *req;

	(void)state;
	offer("2", "0", "0");
	conf.queues = 2;
	conf.depth = 2;
	assert_int_equal(open_disk(), 0);
	assert_int_equal(blkfront_get(bf, 0, BLKIF_OP_READ, 0, 512, &req), 0);
	assert_int_equal(blkfront_get(bf, 0, BLKIF_OP_READ, 0, 512, &req), 0);
	assert_int_equal(blkfront_get(bf, 0, BLKIF_OP_READ, 0, 512, &req), -EAGAIN);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(
			blkfront_get(bf, BLKFRONT_ANY, BLKIF_OP_READ, 0, 512, &req), 0);
		assert_int_equal(req->queue, 1);
	}
	assert_int_equal(blkfront_get(bf, BLKFRONT_ANY, BLKIF_OP_READ, 0, 512, &req),
	                 -EAGAIN);
}

static void large_requests_are_indirect(void **state)
{
	static uint8_t buf[DISK], save[DISK];
	static const struct {
		uint64_t offset;
		uint32_t len, segments;
	} row[] = {
		{ 0, 11 * 4096, 0 },       { 0, 12 * 4096, 12 }, { 512, 11 * 4096, 12 },
		{ 3584, 100 * 4096, 101 }, { 0, DISK, 256 },
	};

	(void)state;
	offer("1", "0", "256");
	conf.segments = 256;
	for (unsigned int i = 0; i < 2 * ARRAY_SIZE(row); i++) {
		uint64_t at = row[i / 2].offset;
		uint32_t len = row[i / 2].len;

		conf.persistent = i % 2;
		pattern_fill(fake.disk, DISK, i, 0, 1);
		memcpy(save, fake.disk, DISK);
		fake.served = 0;
		assert_int_equal(open_disk(), 0);
		assert_int_equal(blkio_sync(bf, BLKIF_OP_READ, at, buf, len, TIMEOUT), 0);
		assert_memory_equal(buf, fake.disk + at, len);
		memset(fake.disk + at, 0, len);
		assert_int_equal(blkio_sync(bf, BLKIF_OP_WRITE, at, buf, len, TIMEOUT),
		                 0);
		assert_memory_equal(fake.disk, save, DISK);
		assert_int_equal(fake.served, 2);
		assert_int_equal(fake.last.operation, row[i / 2].segments
		                                              ? BLKIF_OP_INDIRECT
		                                              : BLKIF_OP_WRITE);
		if (row[i / 2].segments) {
			assert_int_equal(fake.other.indirect.nr_segments,
			                 row[i / 2].segments);
			assert_int_equal(fake.other.indirect.handle, 51712);
		}
		blkfront_close(bf);
		bf = NULL;
	}
}

static void small_ones_if_asked(void **state)
{
	uint8_t b[512];

	(void)state;
	offer("1", "0", "256");
	conf.indirect = true;
	assert_int_equal(open_disk(), 0);
	assert_int_equal(blkio_sync(bf, BLKIF_OP_READ, 1024, b, sizeof(b), TIMEOUT), 0);
	assert_int_equal(fake.last.operation, BLKIF_OP_INDIRECT);
	assert_int_equal(fake.other.indirect.nr_segments, 1);
}

/* What Linux's blkfront takes for a broken backend, too. */
static void spoil_echo(struct blkif_sring *ring, RING_IDX at)
{
	ring->ring[at % 32].rsp.operation = BLKIF_OP_INDIRECT;
}

static void the_inner_operation_is_echoed(void **state)
{
	uint8_t b[512];

	(void)state;
	offer("1", "0", "256");
	conf.indirect = true;
	fake.spoil = spoil_echo;
	assert_int_equal(open_disk(), 0);
	assert_int_equal(blkio_sync(bf, BLKIF_OP_READ, 0, b, sizeof(b), TIMEOUT),
	                 -EPROTO);
	assert_int_equal(blkfront_error(bf), -EPROTO);
}

static void discards(void **state)
{
	struct blkio io = { .op = BLKIF_OP_DISCARD, .offset = 4096, .len = DISK - 8192 };
	struct blkio_queue q;

	(void)state;
	fake_set(BACK "/feature-discard", "1");
	fake_set(BACK "/discard-secure", "1");
	fake_set(BACK "/discard-granularity", "65536");
	fake_set(BACK "/discard-alignment", "512");
	assert_int_equal(open_disk(), 0);
	assert_true(blkfront_info(bf)->secure);
	assert_int_equal(blkfront_info(bf)->granularity, 65536);
	assert_int_equal(blkfront_info(bf)->alignment, 512);
	memset(fake.disk, 1, DISK);
	io.flag = BLKIF_DISCARD_SECURE;
	blkio_init(&q, bf, 0);
	blkio_submit(&q, &io);
	blkio_run(&q);
	blkio_run(&q);
	assert_ptr_equal(blkio_next(&q), &io);
	assert_int_equal(io.result, 0);
	assert_int_equal(fake.served, 1);
	assert_int_equal(fake.other.discard.flag, BLKIF_DISCARD_SECURE);
	assert_int_equal(fake.disk[4095] + fake.disk[DISK - 4096], 2);
	assert_int_equal(fake.disk[4096] + fake.disk[DISK - 4097], 0);
}

static void what_is_not_offered_is_refused(void **state)
{
	uint8_t b[512];

	(void)state;
	assert_int_equal(open_disk(), 0);
	assert_int_equal(blkio_sync(bf, BLKIF_OP_DISCARD, 0, NULL, 512, 0), -EOPNOTSUPP);
	assert_int_equal(blkio_sync(bf, BLKIF_OP_WRITE_BARRIER, 0, b, 512, 0),
	                 -EOPNOTSUPP);
}

static void barriers_and_flushes_carry_data(void **state)
{
	static uint8_t buf[12 * 4096];

	(void)state;
	fake_set(BACK "/feature-barrier", "1");
	assert_int_equal(open_disk(), 0);
	memset(buf, 7, sizeof(buf));
	assert_int_equal(
		blkio_sync(bf, BLKIF_OP_WRITE_BARRIER, 0, buf, sizeof(buf), TIMEOUT), 0);
	assert_int_equal(fake.served, 2);
	assert_int_equal(fake.last.operation, BLKIF_OP_WRITE_BARRIER);
	assert_memory_equal(fake.disk, buf, sizeof(buf));
	assert_int_equal(
		blkio_sync(bf, BLKIF_OP_FLUSH_DISKCACHE, 65536, buf, 512, TIMEOUT), 0);
	assert_int_equal(fake.last.operation, BLKIF_OP_FLUSH_DISKCACHE);
	assert_int_equal(fake.last.nr_segments, 1);
	assert_memory_equal(fake.disk + 65536, buf, 512);
}

/* ---- A disk that grows ------------------------------------------------------------ */

static void notices_a_resize(void **state)
{
	uint8_t b[512];

	(void)state;
	assert_int_equal(open_disk(), 0);
	assert_int_equal(blkfront_bytes(bf), DISK);
	assert_int_equal(blkfront_check(blkfront_info(bf), BLKIF_OP_READ, DISK, 512),
	                 -ENOSPC);
	fake_set(BACK "/sectors", "4096");
	fake_back_state("4");
	assert_int_equal(blkfront_wait(bf, 0, 1000), 0);
	assert_int_equal(blkfront_bytes(bf), 2 * DISK);
	assert_int_equal(blkfront_check(blkfront_info(bf), BLKIF_OP_READ, DISK, 512), 0);
	assert_int_equal(blkfront_error(bf), 0);
	assert_int_equal(blkio_sync(bf, BLKIF_OP_READ, 0, b, 512, TIMEOUT), 0);
	fake_set(BACK "/sectors", "nonsense");
	fake_back_state("4");
	assert_int_equal(blkfront_wait(bf, 0, 1000), 0);
	assert_int_equal(blkfront_error(bf), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(keys_by_habit),
		T(what_others_left_is_removed),
		T(says_which_layout),
		T(hasty),
		T(agrees_on_the_least),
		T(the_deprecated_spelling_of_an_offer),
		T(the_queues_take_turns),
		T(one_queue_full_leaves_the_others),
		T(large_requests_are_indirect),
		T(small_ones_if_asked),
		T(the_inner_operation_is_echoed),
		T(discards),
		T(what_is_not_offered_is_refused),
		T(barriers_and_flushes_carry_data),
		T(notices_a_resize),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
