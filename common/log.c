/* SPDX-License-Identifier: MIT */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "clock.h"

#define LIMIT_WINDOW_MS 10000
#define LIMIT_LINES     10

static const char *const level_name[] = { "err", "warn", "info", "debug" };
_Static_assert(ARRAY_SIZE(level_name) == LOG_NLEVELS, "a level has no name");

static const int level_syslog[] = { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
_Static_assert(ARRAY_SIZE(level_syslog) == LOG_NLEVELS, "a level has no priority");

static const char *log_program = "pvbackd";
static enum log_sink log_sink = LOG_STDERR;
static _Atomic enum log_level log_threshold = LOG_LVL_INFO;

void log_init(const char *program, enum log_sink sink)
{
	log_program = program;
	log_sink = sink;
	if (sink == LOG_SYSLOG)
		openlog(program, LOG_PID, LOG_DAEMON);
}

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&log_threshold, level, memory_order_relaxed);
}

enum log_level log_get_level(void)
{
	return atomic_load_explicit(&log_threshold, memory_order_relaxed);
}

int log_level_parse(const char *s, enum log_level *out)
{
	for (size_t i = 0; i < LOG_NLEVELS; i++)
		if (strcmp(s, level_name[i]) == 0) {
			*out = (enum log_level)i;
			return 0;
		}
	return -EINVAL;
}

const char *log_level_name(enum log_level level)
{
	return level_name[level];
}

static void log_line(enum log_level level, const char *tag, const char *text)
{
	char line[1200];
	int n;

	n = snprintf(line, sizeof(line), "%s%s%s", tag ? tag : "", tag ? ": " : "", text);
	if (n < 0)
		return;
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	if (log_sink == LOG_SYSLOG)
		syslog(level_syslog[level], "%s", line);
	else
		fprintf(stderr, "%s[%d] %s: %s\n", log_program, (int)getpid(),
		        level_name[level], line);
}

static void printf_like(3, 0)
	log_vwrite(enum log_level level, const char *tag, const char *fmt, va_list ap)
{
	int saved = errno;
	char text[1024];

	if (level > log_get_level())
		return;
	if (vsnprintf(text, sizeof(text), fmt, ap) >= 0)
		log_line(level, tag, text);
	errno = saved;
}

void log_write(enum log_level level, const char *tag, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vwrite(level, tag, fmt, ap);
	va_end(ap);
}

bool log_allowed(struct log_limit *lim, uint32_t lines, const char *tag)
{
	uint64_t now = clock_ns() / 1000000;

	if (now - lim->start >= LIMIT_WINDOW_MS) {
		lim->start = now;
		lim->lines = 0;
	}
	if (lim->lines >= lines) {
		lim->dropped++;
		return false;
	}
	lim->lines++;
	if (lim->dropped) {
		log_write(LOG_LVL_WARN, tag, "%u more lines about it were suppressed",
		          lim->dropped);
		lim->dropped = 0;
	}
	return true;
}

void log_guest(struct log_limit *lim, const char *tag, const char *fmt, ...)
{
	va_list ap;

	if (!log_allowed(lim, LIMIT_LINES, tag))
		return;
	va_start(ap, fmt);
	log_vwrite(LOG_LVL_WARN, tag, fmt, ap);
	va_end(ap);
}
