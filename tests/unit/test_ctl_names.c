/* SPDX-License-Identifier: MIT */
/* What pvbackctl takes for a device's name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "names.h"

static char disk_name[] = "3/xvda", nic_name[] = "3/vif-0", vbd[] = "vbd", vif[] = "vif",
	    web[] = "web";
static const struct dev disk = {
	.device = disk_name, .kind = vbd, .guest = web, .domid = 3, .devid = 51712
};
static const struct dev nic = { .device = nic_name, .kind = vif, .domid = 3, .devid = 0 };

static void names_of_a_disk(void **state)
{
	static const struct {
		const char *name;
		bool device, guest;
	} row[] = {
		{ "3/xvda", true, false },      { "web/xvda", true, false },
		{ "3/51712", true, false },     { "web/51712", true, false },
		{ "vbd-3-51712", true, false }, { "vbd3.51712", true, false },
		{ "3", false, true },           { "web", false, true },
		{ "", false, false },           { "xvda", false, false },
		{ "3/", false, false },         { "/xvda", false, false },
		{ "03/xvda", false, false },    { "3/xvda1", false, false },
		{ "3/xvdb", false, false },     { "4/xvda", false, false },
		{ "vbd-3", false, false },      { "vif3.51712", false, false },
		{ "we", false, false },         { "web/", false, false },
		{ "%s/%s", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		assert_int_equal(name_is_device(row[i].name, &disk), row[i].device);
		assert_int_equal(name_is_guest(row[i].name, &disk), row[i].guest);
	}
}

/* Its guest has no name. */
static void names_of_a_card(void **state)
{
	static char key[] = "interface", value[] = "lan0";
	struct pair fact = { key, value };
	struct dev renamed = nic;

	(void)state;
	renamed.facts = (struct pairs){ &fact, 1 };
	assert_true(name_is_device("lan0", &renamed));
	assert_true(name_is_device("vif3.0", &renamed));
	assert_false(name_is_device("lan0", &nic));
	assert_true(name_is_device("vif3.0", &nic));
	assert_true(name_is_device("3/vif-0", &nic));
	assert_true(name_is_device("vif-3-0", &nic));
	assert_true(name_is_guest("3", &nic));
	assert_false(name_is_guest("", &nic));
	assert_false(name_is_device("(null)/vif-0", &nic));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_a_disk),
		cmocka_unit_test(names_of_a_card),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
