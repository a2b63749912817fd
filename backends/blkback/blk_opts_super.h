/* SPDX-License-Identifier: MIT */
/*
 * What an administrator can choose for disks: "NAME = VALUE" for all of them, or
 * "NAME[PATTERN] = VALUE" for those whose image (PATTERN begins with a slash) or whose
 * guest's name the pattern matches.
 */
#ifndef PVB_BLK_OPTS_SUPER_H
#define PVB_BLK_OPTS_SUPER_H

#include "bdev_opts.h"

/* Index of the setting, its name, what it can be, the default first. */
#define BLK_OPTS(X)                                            \
	X(ENGINE, "engine", "auto", "io_uring", "threads")     \
	X(CACHE, "cache", "none", "writeback", "writethrough") \
	X(LOOP, "loop-bypass", "on", "off")                    \
	X(ON_ERROR, "on-error", "report", "pause")             \
	X(ON_ENOSPC, "on-enospc", "report", "pause")

enum blk_opt {
#define X(name, ...) BLK_OPT_##name,
	BLK_OPTS(X)
#undef X
	BLK_NOPTS
};

/** blk_opts_set(), blk_opts_end() - As bdev_opts_set(), bdev_opts_end() */
int must_check blk_opts_set(const char *key, const char *value, const char **want);
void blk_opts_end(bool take);

/**
 * blk_opts_for() - What is chosen for a disk
 * @params:	As the toolstack named the image
 * @image:	Path that is opened
 * @guest:	Its name, or NULL
 */
struct bdev_opts blk_opts_for(const char *params, const char *image, const char *guest);

/** blk_opts_name() - "none", for log lines */
const char *blk_opts_name(enum blk_opt opt, const struct bdev_opts *o);

#endif
