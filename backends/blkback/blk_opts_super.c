/* SPDX-License-Identifier: MIT */
#include "blk_opts_super.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

static const struct {
	const char *name;
	const char *value[4];
} opts[] = {
#define X(id, name_, ...) [BLK_OPT_##id] = { .name = (name_), .value = { __VA_ARGS__ } },
	BLK_OPTS(X)
#undef X
};

struct rule {
	STAILQ_ENTRY(rule) link;
	enum blk_opt opt;
	uint8_t value;
	char pattern[];
};

/** struct settings - What one reading of the file amounts to */
struct settings {
	struct blk_opts all;
	STAILQ_HEAD(, rule) rules;
};

/* In effect, and what has been read since. */
static struct settings now = { .rules = STAILQ_HEAD_INITIALIZER(now.rules) };
static struct settings next = { .rules = STAILQ_HEAD_INITIALIZER(next.rules) };

static void settings_clear(struct settings *s)
{
	struct rule *r;

	while ((r = STAILQ_FIRST(&s->rules))) {
		STAILQ_REMOVE_HEAD(&s->rules, link);
		free(r);
	}
	s->all = (struct blk_opts){ 0 };
}

/* Return: place of @value in the list of @opt, or -1 and in @want the list. */
static int value_find(enum blk_opt opt, const char *value, const char **want)
{
	static char list[80];
	int n = 0;

	for (int i = 0; i < (int)ARRAY_SIZE(opts[opt].value) && opts[opt].value[i]; i++) {
		const char *v = opts[opt].value[i];

		if (strcmp(v, value) == 0)
			return i;
		n += snprintf(list + n, sizeof(list) - (size_t)n, "%s%s", i ? ", " : "",
		              v);
	}
	*want = list;
	return -1;
}

/* Return: 0, or -EINVAL when @s is not "[PATTERN]" */
static int rule_add(enum blk_opt opt, const char *s, uint8_t value)
{
	size_t len = strlen(s);
	struct rule *r;

	if (len < 3 || s[0] != '[' || s[len - 1] != ']')
		return -EINVAL;
	r = calloc(1, sizeof(*r) + len);
	if (!r)
		return -ENOMEM;
	r->opt = opt;
	r->value = value;
	memcpy(r->pattern, s + 1, len - 2);
	STAILQ_INSERT_TAIL(&next.rules, r, link);
	return 0;
}

int blk_opts_set(const char *key, const char *value, const char **want)
{
	size_t len = strcspn(key, "[");
	int i = 0, v;

	while (i < BLK_NOPTS &&
	       (strlen(opts[i].name) != len || strncmp(opts[i].name, key, len) != 0))
		i++;
	if (i == BLK_NOPTS)
		return -ENOENT;
	v = value_find((enum blk_opt)i, value, want);
	if (v < 0)
		return -EINVAL;
	if (key[len])
		return rule_add((enum blk_opt)i, key + len, (uint8_t)v) ? -ENOENT : 0;
	next.all.v[i] = (uint8_t)v;
	return 0;
}

void blk_opts_end(bool take)
{
	if (take) {
		settings_clear(&now);
		now.all = next.all;
		STAILQ_CONCAT(&now.rules, &next.rules);
	}
	settings_clear(&next);
}

static bool rule_matches(const struct rule *r, const char *params, const char *image,
                         const char *guest)
{
	if (r->pattern[0] != '/')
		return guest && fnmatch(r->pattern, guest, 0) == 0;
	return fnmatch(r->pattern, params, 0) == 0 || fnmatch(r->pattern, image, 0) == 0;
}

struct blk_opts blk_opts_for(const char *params, const char *image, const char *guest)
{
	struct blk_opts o = now.all;
	const struct rule *r;

	STAILQ_FOREACH(r, &now.rules, link)
	if (rule_matches(r, params, image, guest))
		o.v[r->opt] = r->value;
	return o;
}

const char *blk_opts_name(enum blk_opt opt, const struct blk_opts *o)
{
	return opts[opt].value[o->v[opt]];
}
