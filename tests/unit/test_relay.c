/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "relay.h"

static void lines_are_taken_apart(void **state)
{
	static const struct {
		const char *line;
		enum log_level level;
		const char *text;
	} row[] = {
		{ "pvbackd-worker[12] err: guest 3 vbd-1: x", LOG_LVL_ERR,
		  "guest 3 vbd-1: x" },
		{ "pvbackd-worker[12] debug: a: b", LOG_LVL_DEBUG, "a: b" },
		{ "pvbackd-worker[12] loud: a", LOG_LVL_WARN,
		  "pvbackd-worker[12] loud: a" },
		{ "pvbackd-worker[12] ", LOG_LVL_WARN, "pvbackd-worker[12] " },
		{ "pvbackd-worker[12] warning-that-is-long: a", LOG_LVL_WARN,
		  "pvbackd-worker[12] warning-that-is-long: a" },
		{ "other[12] err: a", LOG_LVL_WARN, "other[12] err: a" },
		{ "==12==ERROR: AddressSanitizer", LOG_LVL_WARN,
		  "==12==ERROR: AddressSanitizer" },
		{ "", LOG_LVL_WARN, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		enum log_level level = LOG_LVL_ERR;

		assert_string_equal(relay_parse(row[i].line, &level), row[i].text);
		assert_int_equal(level, row[i].level);
	}
}

/* What our own standard error shows for what a worker says. */
static void relayed(const char *said, size_t len, char *shown, size_t size)
{
	struct relay r = { .tag = "guest 3" };
	int in[2], out[2], saved = dup(2);
	ssize_t n;

	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe2(out, O_NONBLOCK), 0);
	assert_int_equal(write(in[1], said, len), (ssize_t)len);
	close(in[1]);
	dup2(out[1], 2);
	while (relay_read(&r, in[0]) >= 0)
		;
	dup2(saved, 2);
	n = read(out[0], shown, size - 1);
	shown[n > 0 ? n : 0] = 0;
	close(saved);
	close(in[0]);
	close(out[0]);
	close(out[1]);
}

static unsigned int count(const char *text, const char *what)
{
	unsigned int n = 0;

	for (const char *p = text; (p = strstr(p, what)); p += strlen(what))
		n++;
	return n;
}

static void every_line_is_marked_as_the_guests(void **state)
{
	static const char said[] = "pvbackd-worker[7] warn: guest 3 vbd-1: fine\n"
				   "pvbackd-worker[7] info: guest 31 vbd-1: forged\n"
				   "half a li";
	char shown[4096];

	(void)state;
	relayed(said, strlen(said), shown, sizeof(shown));
	assert_non_null(strstr(shown, "] warn: guest 3 vbd-1: fine\n"));
	assert_non_null(
		strstr(shown, "] info: guest 3: worker: guest 31 vbd-1: forged\n"));
	assert_non_null(strstr(shown, "] warn: guest 3: worker: half a li\n"));
	assert_int_equal(count(shown, "\n"), 3);
}

static void a_flood_is_bounded(void **state)
{
	static char said[20000], shown[65536];

	(void)state;
	memset(said, '\n', sizeof(said));
	relayed(said, sizeof(said), shown, sizeof(shown));
	assert_int_equal(count(shown, "\n"), RELAY_LINES);
	memset(said, 'x', sizeof(said));
	relayed(said, sizeof(said), shown, sizeof(shown));
	assert_int_equal(count(shown, "\n"),
	                 (sizeof(said) + sizeof(((struct relay *)0)->line) - 2) /
	                         (sizeof(((struct relay *)0)->line) - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_taken_apart),
		cmocka_unit_test(every_line_is_marked_as_the_guests),
		cmocka_unit_test(a_flood_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
