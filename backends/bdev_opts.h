/* SPDX-License-Identifier: MIT */
/*
 * Settings of which each is one of a few words, for pvbackd's half of a backend: "NAME =
 * VALUE" for all its devices, or "NAME[PATTERN] = VALUE" for some.
 */
#ifndef PVB_BDEV_OPTS_H
#define PVB_BDEV_OPTS_H

#include <stdbool.h>
#include <stdint.h>

#include <sys/queue.h>

#include "compiler.h"

#define BDEV_OPTS_MAX 8

/** struct bdev_opt - One of them: what it can be, the default first */
struct bdev_opt {
	const char *name;
	const char *value[4];
};

/** struct bdev_opts - Of one device: places in the lists above */
struct bdev_opts {
	uint8_t v[BDEV_OPTS_MAX];
};

struct bdev_opt_rule;

/** struct bdev_reading - What one reading of the file amounts to */
struct bdev_reading {
	struct bdev_opts all;
	STAILQ_HEAD(bdev_opt_rules, bdev_opt_rule) rules;
};

/**
 * struct bdev_optset - All of a backend
 * @now:	In effect
 * @next:	Read since
 */
struct bdev_optset {
	const struct bdev_opt *opt;
	unsigned int n;
	struct bdev_reading now, next;
};

/* Of a static one, with the array of its settings. */
#define BDEV_OPTSET(s, opts)                                                  \
	{                                                                     \
		.opt = (opts), .n = ARRAY_SIZE(opts),                         \
		.now = { .rules = STAILQ_HEAD_INITIALIZER((s).now.rules) },   \
		.next = { .rules = STAILQ_HEAD_INITIALIZER((s).next.rules) }, \
	}

/** bdev_opts_set() - configure() of struct super_backend; in effect after bdev_opts_end()
 */
int must_check bdev_opts_set(struct bdev_optset *s, const char *key, const char *value,
                             const char **want);

/** bdev_opts_end() - configured() of struct super_backend */
void bdev_opts_end(struct bdev_optset *s, bool take);

/**
 * bdev_opts_for() - What is chosen for a device
 * @matches:	Whether a pattern, as glob(7) has it, is for it
 *
 * Of the patterns that match the last one stands, whether the line for all comes before
 * or after it.
 */
struct bdev_opts bdev_opts_for(const struct bdev_optset *s,
                               bool (*matches)(const char *pattern, const void *arg),
                               const void *arg);

#endif
