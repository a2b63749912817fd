/* SPDX-License-Identifier: MIT */
/* Log lines: one per fact, naming the guest and the device, never on the data path. */
#ifndef PVB_LOG_H
#define PVB_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"

enum log_level {
	LOG_LVL_ERR,   /* the operator has to act */
	LOG_LVL_WARN,  /* something is wrong, it is dealt with */
	LOG_LVL_INFO,  /* state changes */
	LOG_LVL_DEBUG, /* every decision */
	LOG_NLEVELS
};

enum log_sink {
	LOG_STDERR, /* "<level> text", time stamps are the reader's (journald) business */
	LOG_SYSLOG, /* facility daemon */
};

/**
 * struct log_limit - What is left of one guest's right to fill the log
 * @start:	Monotonic time in ms at which the window began
 * @lines:	Lines written in this window
 * @dropped:	Lines suppressed since the last one written
 *
 * Zero-initialised is ready to use.
 */
struct log_limit {
	uint64_t start;
	uint32_t lines;
	uint32_t dropped;
};

/** log_init() - Name the program, choose the sink; before that: stderr, level info */
void log_init(const char *program, enum log_sink sink);
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/** log_level_parse() - "err", "warn", "info", "debug" -> level. Return: 0 or -EINVAL. */
int must_check log_level_parse(const char *s, enum log_level *out);
const char *log_level_name(enum log_level level);

/**
 * log_write() - One line
 * @tag:	What it is about ("guest 3 vbd-51712"), or NULL
 *
 * Keeps errno. Control bytes of the text are shown as '?': a guest's bytes may be in it.
 */
void log_write(enum log_level level, const char *tag, const char *fmt, ...)
	printf_like(3, 4);

/**
 * log_allowed() - May one more line be written that somebody untrusted causes?
 * @lim:	Whose allowance it is
 * @lines:	Its size: so many lines in 10 seconds
 * @tag:	For the line that says how many were suppressed
 */
bool must_check log_allowed(struct log_limit *lim, uint32_t lines, const char *tag);

/**
 * log_guest() - A warning about what a guest did, at most 10 lines in 10 seconds
 * @lim:	The guest's (or device's) own allowance
 */
void log_guest(struct log_limit *lim, const char *tag, const char *fmt, ...)
	printf_like(3, 4);

#define log_err(tag, ...)   log_write(LOG_LVL_ERR, tag, __VA_ARGS__)
#define log_warn(tag, ...)  log_write(LOG_LVL_WARN, tag, __VA_ARGS__)
#define log_info(tag, ...)  log_write(LOG_LVL_INFO, tag, __VA_ARGS__)
#define log_debug(tag, ...) log_write(LOG_LVL_DEBUG, tag, __VA_ARGS__)

/** log_errno() - Log "text: strerror(errno)" once, where it is known. Return: -errno. */
#define log_errno(tag, fmt, ...) \
	(log_write(LOG_LVL_ERR, tag, fmt ": %m", ##__VA_ARGS__), -errno)

#endif
