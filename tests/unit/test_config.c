/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"
#include "registry.h"

static char file[256];

static int setup(void **state)
{
	const char *dir = getenv("TMPDIR");

	(void)state;
	snprintf(file, sizeof(file), "%s/test_config.XXXXXX", dir ? dir : "/tmp");
	return close(mkstemp(file));
}

static int teardown(void **state)
{
	(void)state;
	return unlink(file);
}

static int read_text(const char *text, struct config *c, struct config_error *err)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(config_init(c), 0);
	err->text[0] = 0;
	return config_read(c, file, err);
}

static void a_file_is_read(void **state)
{
	struct config_error err;
	struct config c;

	(void)state;
	assert_int_equal(read_text("# comment = 1\n"
	                           "\n"
	                           "  \t# another\n"
	                           "log-level=debug\r\n"
	                           "\tkinds \t=  vbd, vbd \n"
	                           "worker = /a path/with = in it\n"
	                           "vbd.default-protocol = x86_64-abi\n"
	                           "run-dir = /run/x",
	                           &c, &err),
	                 0);
	assert_string_equal(err.text, "");
	assert_int_equal(c.log_level, LOG_LVL_DEBUG);
	assert_int_equal(c.kinds, 1U << registry_find("vbd", 3));
	assert_string_equal(c.worker, "/a path/with = in it");
	assert_string_equal(c.run_dir, "/run/x");
	config_free(&c);
}

static void defaults_serve_everything(void **state)
{
	struct config_error err;
	struct config c;

	(void)state;
	assert_int_equal(read_text("", &c, &err), 0);
	assert_int_equal(c.log_level, LOG_LVL_INFO);
	assert_int_equal(c.kinds,
	                 1U << registry_find("vbd", 3) | 1U << registry_find("vif", 3));
	assert_string_equal(c.run_dir, "/run/pvbackd");
	assert_non_null(strstr(c.worker, "/pvbackd-worker"));
	config_free(&c);
}

/* Each says which line, what is there, and what would be right. */
static void mistakes_are_named(void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} row[] = {
		{ "log-level = loud", ":1: log-level is \"loud\", it must be err, warn" },
		{ "\n\nlog_level = info", ":3: there is no setting \"log_level\"" },
		{ "# x\njust words", ":2: \"just words\" is not \"key = value\"" },
		{ "= x", ":1: there is no setting \"\"" },
		{ "kinds =", ":1: kinds is empty" },
		{ "kinds = vbd vif vkbd", ":1: kinds has \"vkbd\"" },
		{ "kinds = vb", ":1: kinds has \"vb\"" },
		{ "worker = bin/worker",
		  ":1: worker is \"bin/worker\", it must be an absolute" },
		{ "run-dir =", ":1: run-dir is \"\", it must be an absolute path" },
		{ "vbd.default-protocol = ia64",
		  ":1: vbd.default-protocol is \"ia64\", "
		  "it must be native, x86_64-abi or x86_32-abi" },
		{ "vbd.nothing = 1", ":1: there is no setting \"vbd.nothing\"" },
		{ "vif.x = 1", ":1: there is no setting \"vif.x\"" },
		{ "log-level = err\nlog-level = x\nworker = x", ":2: log-level" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct config_error err;
		struct config c;

		assert_int_equal(read_text(row[i].text, &c, &err), -EINVAL);
		if (strncmp(err.text, file, strlen(file)) != 0 ||
		    strncmp(err.text + strlen(file), row[i].says, strlen(row[i].says)) !=
		            0)
			fail_msg("\"%s\": %s", row[i].text, err.text);
		config_free(&c);
	}
}

/* The sample that is installed: each line that is commented out is a setting. */
static void the_sample_is_valid(void **state)
{
	FILE *f = fopen("xenstore-scripts/pvbackd.conf", "r");
	unsigned int settings = 0;
	struct config_error err;
	struct config c;
	char line[256];

	(void)state;
	if (!f)
		skip();
	assert_int_equal(config_init(&c), 0);
	while (fgets(line, sizeof(line), f)) {
		char *value = strstr(line, " = ");

		if (line[0] != '#' || line[1] == ' ' || !value)
			continue;
		*value = 0;
		value[strcspn(value + 1, "\n") + 1] = 0;
		if (config_set(&c, line + 1, value + 3, &err))
			fail_msg("%s", err.text);
		settings++;
	}
	assert_int_equal(settings, 21);
	fclose(f);
	config_free(&c);
}

static void a_missing_file_is_told_from_a_bad_one(void **state)
{
	struct config_error err;
	struct config c;

	(void)state;
	assert_int_equal(config_init(&c), 0);
	assert_int_equal(config_read(&c, "/nonexistent/pvbackd.conf", &err), -ENOENT);
	assert_int_equal(config_read(&c, "/", &err), -EINVAL);
	assert_non_null(strstr(err.text, "/: "));
	config_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(defaults_serve_everything, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(mistakes_are_named, setup, teardown),
		cmocka_unit_test(the_sample_is_valid),
		cmocka_unit_test(a_missing_file_is_told_from_a_bad_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
