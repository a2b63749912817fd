/* SPDX-License-Identifier: MIT */
#include "blk_opts_super.h"

#include <fnmatch.h>

static const struct bdev_opt opts[] = {
#define X(id, name_, ...) [BLK_OPT_##id] = { .name = (name_), .value = { __VA_ARGS__ } },
	BLK_OPTS(X)
#undef X
};

_Static_assert(BLK_NOPTS <= BDEV_OPTS_MAX, "room for all");

static struct bdev_optset set = BDEV_OPTSET(set, opts);

/** struct disk_names - What a pattern may be for; @guest may be NULL */
struct disk_names {
	const char *params, *image, *guest;
};

int blk_opts_set(const char *key, const char *value, const char **want)
{
	return bdev_opts_set(&set, key, value, want);
}

void blk_opts_end(bool take)
{
	bdev_opts_end(&set, take);
}

static bool disk_matches(const char *pattern, const void *arg)
{
	const struct disk_names *n = arg;

	if (pattern[0] != '/')
		return n->guest && fnmatch(pattern, n->guest, 0) == 0;
	return fnmatch(pattern, n->params, 0) == 0 || fnmatch(pattern, n->image, 0) == 0;
}

struct bdev_opts blk_opts_for(const char *params, const char *image, const char *guest)
{
	struct disk_names names = { params, image, guest };

	return bdev_opts_for(&set, disk_matches, &names);
}

const char *blk_opts_name(enum blk_opt opt, const struct bdev_opts *o)
{
	return opts[opt].value[o->v[opt]];
}
