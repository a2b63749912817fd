/* SPDX-License-Identifier: MIT */
/* pvbackctl: answers understood, and two of them compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rates.h"

/* A sample: so many reads of 4 KiB, of which @slow took 1 ms, the others 10 us. */
static struct dev sample(uint64_t ms, int reads, int slow, int notifies)
{
	char line[1024], *text = NULL;
	struct dev d;

	snprintf(line, sizeof(line),
	         "{\"device\":\"3/xvda\",\"kind\":\"vbd\",\"domid\":3,\"devid\":51712,"
	         "\"state\":\"connected\",\"worker\":77,\"queues\":2,\"time_ns\":%llu,"
	         "\"facts\":{\"image\":\"/x\",\"sectors\":8,\"direct-io\":true},"
	         "\"operations\":[{\"name\":\"read\",\"count\":\"reads\","
	         "\"bytes\":\"read_bytes\",\"latency\":\"read\"},"
	         "{\"name\":\"flush\",\"count\":\"flushes\"}],"
	         "\"losses\":[\"torn\",\"none\"],"
	         "\"counters\":{\"torn\":%d,\"requests\":%d,\"answers\":%d,\"reads\":%d,"
	         "\"read_bytes\":%d,\"flushes\":5,\"notifies\":%d},"
	         "\"histograms\":{\"read\":{\"count\":%d,\"sum\":1,\"min\":9000,"
	         "\"max\":1000000,\"buckets\":[[10239,%d],[1015807,%d]]},"
	         "\"storage\":{\"count\":1,\"sum\":5,\"min\":5,\"max\":5,"
	         "\"buckets\":[[5,1]]}}}",
	         (unsigned long long)ms * 1000000, slow, reads + 7, reads, reads,
	         reads * 4096, notifies, reads, reads - slow, slow);
	assert_int_equal(reply_parse(line, &d, &text), REPLY_DEVICE);
	assert_null(text);
	return d;
}

static void a_device_is_understood(void **state)
{
	struct dev d = sample(1, 100, 10, 3);

	(void)state;
	assert_string_equal(d.device, "3/xvda");
	assert_int_equal(d.devid, 51712);
	assert_int_equal(d.worker, 77);
	assert_int_equal(d.queues, 2);
	assert_null(d.guest);
	assert_string_equal(pairs_find(&d.facts, "sectors"), "8");
	assert_string_equal(pairs_find(&d.facts, "direct-io"), "yes");
	assert_null(pairs_find(&d.facts, "mode"));
	assert_int_equal(d.nops, 2);
	assert_int_equal(d.op[0].count, 100);
	assert_int_equal(d.op[0].bytes, 409600);
	assert_int_equal(d.op[0].lat->count, 100);
	assert_int_equal(d.op[1].bytes, -1);
	assert_null(d.op[1].lat);
	assert_int_equal(d.nothers, 1);
	assert_string_equal(d.other[0].name, "storage");
	dev_free(&d);
}

static void rates_are_those_of_the_interval(void **state)
{
	struct dev was = sample(1000, 1000, 500, 100), now = sample(3000, 3000, 510, 300);
	struct rates r;

	(void)state;
	assert_int_equal(rates_between(&was, &now, &r), 0);
	assert_true(r.seconds == 2.0);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.nall, 3);
	assert_string_equal(r.rate[0].name, "read");
	assert_int_equal(r.rate[0].count, 2000);
	assert_true(r.rate[0].per_second == 1000.0);
	assert_true(r.rate[0].bytes_per_second == 4096000.0);
	/* 10 of 2000 were slow: half of all that ever were would have been before. */
	assert_in_range(r.rate[0].p50, 9985, 10239);
	assert_in_range(r.rate[0].p99, 9985, 10239);
	assert_int_equal(r.rate[0].max, 1000000);
	assert_int_equal(r.rate[1].count, 0);
	assert_true(r.rate[1].bytes_per_second < 0);
	assert_int_equal(r.rate[2].count, 0);
	assert_int_equal(r.nrows, 5);
	assert_string_equal(r.rate[3].name, "torn");
	assert_int_equal(r.rate[3].count, 10);
	assert_true(r.rate[3].per_second == 5.0);
	assert_int_equal(r.rate[4].count, 0);
	assert_int_equal(r.in_flight, 7);
	assert_true(r.notifies == 0.1);
	rates_free(&r);
	dev_free(&was);
	dev_free(&now);
}

static void without_an_earlier_sample_there_are_none(void **state)
{
	struct dev now = sample(3000, 3000, 510, 300), same = sample(3000, 1, 0, 1);
	struct rates r;

	(void)state;
	assert_int_equal(rates_between(NULL, &now, &r), 0);
	assert_true(r.seconds == 0 && !r.n && r.notifies < 0);
	assert_int_equal(r.in_flight, 7);
	rates_free(&r);
	assert_int_equal(rates_between(&same, &now, &r), 0);
	assert_true(r.seconds == 0);
	rates_free(&r);
	dev_free(&now);
	dev_free(&same);
}

/* pvbackd was started again: what is there now has been counted since. */
static void counters_that_went_back_are_new(void **state)
{
	struct dev was = sample(1000, 1000, 500, 100), now = sample(2000, 40, 0, 4);
	struct rates r;

	(void)state;
	assert_int_equal(rates_between(&was, &now, &r), 0);
	assert_int_equal(r.rate[0].count, 40);
	assert_true(r.rate[0].bytes_per_second == 40 * 4096.0);
	assert_true(r.notifies == 0.1);
	rates_free(&r);
	dev_free(&was);
	dev_free(&now);
}

static void what_is_no_answer_is_told(void **state)
{
	static const struct {
		const char *line;
		enum reply want;
	} row[] = {
		{ "{\"done\":true}", REPLY_DONE },
		{ "{\"done\":false,\"error\":\"no\"}", REPLY_ERROR },
		{ "{\"version\":\"1\"}", REPLY_OTHER },
		{ "", REPLY_BROKEN },
		{ "[]", REPLY_BROKEN },
		{ "{", REPLY_BROKEN },
		{ "{\"device\":5}", REPLY_BROKEN },
		{ "{\"device\":\"3/xvda\"}", REPLY_BROKEN },
		{ "{\"device\":\"3/xvda\",\"kind\":\"vbd\"}", REPLY_DEVICE },
		{ "{\"device\":\"a\",\"kind\":\"b\",\"facts\":[],\"operations\":{},"
		  "\"counters\":7,\"histograms\":[1]}",
		  REPLY_DEVICE },
		{ "{\"device\":\"a\",\"kind\":\"b\",\"operations\":[1,{},{\"name\":2},"
		  "{\"name\":\"x\",\"count\":\"none\",\"latency\":\"x\"}],"
		  "\"histograms\":{\"x\":{\"buckets\":[[-1,-1],[],5,[1]]}}}",
		  REPLY_DEVICE },
		{ "{\"device\":\"a\",\"kind\":\"b\",\"worker\":-5,\"queues\":\"x\","
		  "\"counters_of_queues\":[{},7]}",
		  REPLY_DEVICE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct rates r;
		struct dev d;
		char *text;

		assert_int_equal(reply_parse(row[i].line, &d, &text), row[i].want);
		if (row[i].want == REPLY_DEVICE) {
			assert_int_equal(rates_between(&d, &d, &r), 0);
			rates_free(&r);
			dev_free(&d);
		}
		free(text);
	}
}

static void rates_as_json(void **state)
{
	struct dev was = sample(1000, 1000, 500, 100), now = sample(3000, 3000, 510, 300);
	struct rates r;
	char *line;

	(void)state;
	assert_int_equal(rates_between(&was, &now, &r), 0);
	line = reply_rates(&now, &r);
	assert_non_null(strstr(line, "\"read\":{\"per_second\":1000.0"));
	assert_non_null(strstr(line, "\"in_flight\":7"));
	assert_non_null(strstr(line, "\"lost\":{\"torn\":{\"per_second\":5.0"));
	assert_null(strchr(line, '\n'));
	free(line);
	rates_free(&r);
	dev_free(&was);
	dev_free(&now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_is_understood),
		cmocka_unit_test(rates_are_those_of_the_interval),
		cmocka_unit_test(without_an_earlier_sample_there_are_none),
		cmocka_unit_test(counters_that_went_back_are_new),
		cmocka_unit_test(what_is_no_answer_is_told),
		cmocka_unit_test(rates_as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
