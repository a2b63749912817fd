/* SPDX-License-Identifier: MIT */
/* Requests at the control socket, and what of a device is shown. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "device.h"
#include "guest.h"
#include "report.h"
#include "super.h"

static struct ctl_request rq;
static char why[128];

static int parse(const char *line)
{
	return request_parse(line, strlen(line), &rq, why, sizeof(why));
}

static void requests(void **state)
{
	(void)state;
	assert_int_equal(parse("{\"cmd\":\"list\"}"), 0);
	assert_int_equal(rq.cmd, CTL_LIST);
	assert_false(rq.some || rq.one);
	assert_int_equal(parse("{\"cmd\":\"stats\",\"domid\":3}"), 0);
	assert_true(rq.some && !rq.one && rq.domid == 3);
	assert_int_equal(
		parse("{\"cmd\":\"show\",\"domid\":0,\"kind\":\"vbd\",\"devid\":51712}"),
		0);
	assert_true(rq.one && rq.domid == 0 && rq.devid == 51712);
	assert_string_equal(rq.kind, "vbd");
	assert_int_equal(parse("{\"cmd\":\"log\",\"level\":\"debug\"}"), 0);
	assert_int_equal(rq.level, LOG_LVL_DEBUG);
	assert_int_equal(parse(" {\"cmd\" : \"version\" } "), 0);
}

static void what_is_no_request_is_refused(void **state)
{
	static const struct {
		const char *line, *says;
	} row[] = {
		{ "", "no JSON" },
		{ "list", "no JSON" },
		{ "{\"cmd\":\"list\"} x", "no JSON" },
		{ "{\"cmd\":\"list\",\"cmd\":\"show\"}", "no JSON" },
		{ "{\"cmd\":\"li\\u0000st\"}", "no JSON" },
		{ "[]", "object" },
		{ "{}", "object" },
		{ "{\"cmd\":7}", "object" },
		{ "{\"cmd\":\"lst\"}", "no command \"lst\"" },
		{ "{\"cmd\":\"list\",\"domid\":\"3\"}", "domid" },
		{ "{\"cmd\":\"list\",\"domid\":-1}", "domid" },
		{ "{\"cmd\":\"list\",\"domid\":32752}", "domid" },
		{ "{\"cmd\":\"list\",\"domid\":1.5}", "domid" },
		{ "{\"cmd\":\"list\",\"domid\":99999999999999999999}", "no JSON" },
		{ "{\"cmd\":\"list\",\"devid\":1}", "needs domid" },
		{ "{\"cmd\":\"list\",\"domid\":1,\"devid\":1}", "needs domid and kind" },
		{ "{\"cmd\":\"list\",\"domid\":1,\"devid\":4294967296,\"kind\":\"vbd\"}",
		  "devid" },
		{ "{\"cmd\":\"list\",\"domid\":1,\"devid\":1,"
		  "\"kind\":\"0123456789abcdef\"}",
		  "kind" },
		{ "{\"cmd\":\"resume\",\"domid\":1}", "needs devid" },
		{ "{\"cmd\":\"capture\",\"snaplen\":1}", "needs devid" },
		{ "{\"cmd\":\"capture\",\"domid\":1,\"devid\":1,\"kind\":\"vif\"}",
		  "snaplen" },
		{ "{\"cmd\":\"capture\",\"domid\":1,\"devid\":1,\"kind\":\"vif\","
		  "\"snaplen\":65561}",
		  "snaplen" },
		{ "{\"cmd\":\"tune\",\"what\":\"x\"}", "needs devid" },
		{ "{\"cmd\":\"tune\",\"domid\":1,\"devid\":1,\"kind\":\"vif\"}",
		  "needs what" },
		{ "{\"cmd\":\"log\"}", "level" },
		{ "{\"cmd\":\"log\",\"level\":\"loud\"}", "level" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		assert_int_equal(parse(row[i].line), -EINVAL);
		if (!strstr(why, row[i].says))
			fail_msg("%s: %s", row[i].line, why);
	}
	/* As deep as one likes: not a matter of the stack. */
	{
		char deep[1000];

		memset(deep, '[', sizeof(deep));
		assert_int_equal(request_parse(deep, sizeof(deep), &rq, why, sizeof(why)),
		                 -EINVAL);
	}
}

/* ---- A device --------------------------------------------------------------------- */

static const char *const counters[] = { "requests", "reads" };
static const char *const hists[] = { "read" };
static const struct stats_table table = { counters, hists, 2, 1, 4 };
static const struct bdev_op ops[] = { { "read", "reads", NULL, "read" } };
static const char *const losses[] = { "reads" };
static const struct bdev_stats stats = { &table, ops, 1, losses, 1 };

static void describe(const struct bdev *d, const struct bdev_conf *conf,
                     struct bdev_facts *f)
{
	bdev_fact(f, "image", "/x/\"%u\"\\\n\033[2J\x7f", d->devid);
	bdev_fact_num(f, "most", UINT64_MAX);
	bdev_fact_bool(f, "connected", conf);
}

static const struct super_backend backend = { .kind = "vkey",
	                                      .stats = &stats,
	                                      .describe = describe };

static struct super super;
static struct guest guest;
static struct device *dev;

static int setup(void **state)
{
	(void)state;
	super = (struct super){ 0 };
	guest = (struct guest){ .super = &super, .domid = 3, .tag = "guest 3" };
	LIST_INIT(&super.guests);
	TAILQ_INIT(&super.dirty);
	LIST_INIT(&guest.devices);
	LIST_INSERT_HEAD(&super.guests, &guest, link);
	dev = device_new(&guest, &backend, 7);
	return !dev;
}

static int teardown(void **state)
{
	(void)state;
	LIST_REMOVE(dev, link);
	if (dev->stats >= 0)
		close(dev->stats);
	free(dev);
	return 0;
}

static void shows(enum ctl_cmd cmd, bool is, const char *text)
{
	char *line = report_device(dev, cmd);

	assert_non_null(line);
	assert_true(strchr(line, '\n') == line + strlen(line) - 1);
	if ((strstr(line, text) != NULL) != is)
		fail_msg("%s%s in %s", text, is ? " is not" : "", line);
	free(line);
}

static void guests_texts_do_no_harm(void **state)
{
	(void)state;
	dev->probed = true;
	snprintf(guest.name, sizeof(guest.name), "%s", "w\033[2Jeb\xff\xc2\x9b");
	snprintf(dev->said, sizeof(dev->said), "%s",
	         "r\xc3\xa4\xc2\x9b"
	         "31m");
	shows(CTL_LIST, true, "\"device\":\"3/vkey-7\"");
	shows(CTL_LIST, true, "\"guest\":\"w?[2Jeb???\"");
	shows(CTL_LIST, true, "\"fault\":\"r\xc3\xa4??31m\"");
	shows(CTL_LIST, true, "\"image\":\"/x/\\\"7\\\"\\\\??[2J?\"");
	shows(CTL_LIST, true, "\"most\":9223372036854775807");
	shows(CTL_LIST, false, "\033");
	shows(CTL_LIST, false, "\xc2\x9b");
}

static void statistics_of_all_queues(void **state)
{
	struct stats *s;

	(void)state;
	shows(CTL_STATS, false, "counters");
	dev->conf.nqueues = 2;
	dev->nqueues = 2;
	dev->stats = stats_create(&table);
	assert_int_equal(stats_map(dev->stats, &table, &s), 0);
	for (uint32_t q = 0; q < 3; q++) {
		stats_add(&stats_counters(s, q)[1], 100 + q);
		hist_add(stats_hist(s, q, 0), 20);
	}
	stats_unmap(s);
	/* The third queue is none that was connected. */
	shows(CTL_STATS, true, "\"counters\":{\"requests\":0,\"reads\":201}");
	shows(CTL_STATS, true,
	      "\"read\":{\"count\":2,\"sum\":40,\"min\":20,\"max\":20,"
	      "\"buckets\":[[20,2]]}");
	shows(CTL_STATS, true,
	      "\"operations\":[{\"name\":\"read\",\"count\":\"reads\","
	      "\"latency\":\"read\"}]");
	shows(CTL_STATS, true, "\"losses\":[\"reads\"]");
	shows(CTL_STATS, false, "counters_of_queues");
	shows(CTL_SHOW, true,
	      "\"counters_of_queues\":[{\"requests\":0,\"reads\":100},"
	      "{\"requests\":0,\"reads\":101}]");
	shows(CTL_LIST, false, "counters");

	/* Every byte as bad as it can be. */
	assert_int_equal(stats_map(dev->stats, &table, &s), 0);
	memset(stats_counters(s, 0), 0xff, 64);
	memset(stats_hist(s, 0, 0), 0xff, sizeof(struct hist));
	stats_unmap(s);
	shows(CTL_STATS, true, "\"count\":9223372036854775807");
	assert_int_equal(pwrite(dev->stats, "x", 1, 0), 1);
	shows(CTL_STATS, true, "\"spoiled\":");
	shows(CTL_STATS, false, "histograms");
}

static void requests_choose_devices(void **state)
{
	(void)state;
	assert_int_equal(parse("{\"cmd\":\"list\"}"), 0);
	assert_true(request_wants(&rq, dev));
	assert_int_equal(parse("{\"cmd\":\"list\",\"domid\":3}"), 0);
	assert_true(request_wants(&rq, dev));
	assert_int_equal(parse("{\"cmd\":\"list\",\"domid\":4}"), 0);
	assert_false(request_wants(&rq, dev));
	assert_int_equal(
		parse("{\"cmd\":\"list\",\"domid\":3,\"devid\":7,\"kind\":\"vkey\"}"), 0);
	assert_true(request_wants(&rq, dev));
	assert_int_equal(
		parse("{\"cmd\":\"list\",\"domid\":3,\"devid\":7,\"kind\":\"vbd\"}"), 0);
	assert_false(request_wants(&rq, dev));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests),
		cmocka_unit_test(what_is_no_request_is_refused),
		cmocka_unit_test_setup_teardown(guests_texts_do_no_harm, setup, teardown),
		cmocka_unit_test_setup_teardown(statistics_of_all_queues, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(requests_choose_devices, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
