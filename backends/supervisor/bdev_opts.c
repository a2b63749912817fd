/* SPDX-License-Identifier: MIT */
#include "bdev_opts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct bdev_opt_rule {
	STAILQ_ENTRY(bdev_opt_rule) link;
	unsigned int opt;
	uint8_t value;
	char pattern[];
};

static void reading_clear(struct bdev_reading *r)
{
	struct bdev_opt_rule *rule;

	while ((rule = STAILQ_FIRST(&r->rules))) {
		STAILQ_REMOVE_HEAD(&r->rules, link);
		free(rule);
	}
	r->all = (struct bdev_opts){ 0 };
}

/* Return: place of @value in the list of @opt, or -1 and in @want the list. */
static int value_find(const struct bdev_opt *opt, const char *value, const char **want)
{
	static char list[80];
	int n = 0;

	for (int i = 0; i < (int)ARRAY_SIZE(opt->value) && opt->value[i]; i++) {
		const char *v = opt->value[i];

		if (strcmp(v, value) == 0)
			return i;
		n += snprintf(list + n, sizeof(list) - (size_t)n, "%s%s", i ? ", " : "",
		              v);
	}
	*want = list;
	return -1;
}

/* Return: 0, or -EINVAL when @s is not "[PATTERN]" */
static int rule_add(struct bdev_optset *set, unsigned int opt, const char *s,
                    uint8_t value)
{
	size_t len = strlen(s);
	struct bdev_opt_rule *r;

	if (len < 3 || s[0] != '[' || s[len - 1] != ']')
		return -EINVAL;
	r = calloc(1, sizeof(*r) + len);
	if (!r)
		return -ENOMEM;
	r->opt = opt;
	r->value = value;
	memcpy(r->pattern, s + 1, len - 2);
	STAILQ_INSERT_TAIL(&set->next.rules, r, link);
	return 0;
}

int bdev_opts_set(struct bdev_optset *s, const char *key, const char *value,
                  const char **want)
{
	size_t len = strcspn(key, "[");
	unsigned int i = 0;
	int v;

	while (i < s->n &&
	       (strlen(s->opt[i].name) != len || strncmp(s->opt[i].name, key, len) != 0))
		i++;
	if (i == s->n)
		return -ENOENT;
	v = value_find(&s->opt[i], value, want);
	if (v < 0)
		return -EINVAL;
	if (key[len])
		return rule_add(s, i, key + len, (uint8_t)v) ? -ENOENT : 0;
	s->next.all.v[i] = (uint8_t)v;
	return 0;
}

void bdev_opts_end(struct bdev_optset *s, bool take)
{
	if (take) {
		reading_clear(&s->now);
		s->now.all = s->next.all;
		STAILQ_CONCAT(&s->now.rules, &s->next.rules);
	}
	reading_clear(&s->next);
}

struct bdev_opts bdev_opts_for(const struct bdev_optset *s,
                               bool (*matches)(const char *pattern, const void *arg),
                               const void *arg)
{
	struct bdev_opts o = s->now.all;
	const struct bdev_opt_rule *r;

	STAILQ_FOREACH(r, &s->now.rules, link)
	if (matches(r->pattern, arg))
		o.v[r->opt] = r->value;
	return o;
}
