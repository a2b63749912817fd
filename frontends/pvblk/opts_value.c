/* SPDX-License-Identifier: MIT */
#include "opts_value.h"

#include <errno.h>
#include <string.h>

#include "num.h"

/* 4k is as good as 4K on a command line. */
int parse_size(const char *s, uint64_t *out)
{
	char text[32];
	size_t len = strlen(s);

	if (len == 0 || len >= sizeof(text))
		return -EINVAL;
	memcpy(text, s, len + 1);
	if (strchr("kmgt", text[len - 1]))
		text[len - 1] = (char)(text[len - 1] - 'a' + 'A');
	return num_size(text, out);
}

/* "5s", "200ms", "2m", "5": milliseconds. */
int parse_duration(const char *s, int *ms)
{
	static const struct {
		const char *suffix;
		uint32_t ms;
	} unit[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "", 1000 } };
	size_t digits = strspn(s, "0123456789");
	char text[12];
	uint32_t v;

	if (digits == 0 || digits >= sizeof(text))
		return -EINVAL;
	memcpy(text, s, digits);
	text[digits] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(unit); i++)
		if (strcmp(s + digits, unit[i].suffix) == 0) {
			if (num_u32(text, INT32_MAX / unit[i].ms, &v) || v == 0)
				return -ERANGE;
			*ms = (int)(v * unit[i].ms);
			return 0;
		}
	return -EINVAL;
}

/* Largest weight of a kind. */
#define WEIGHT_MAX 1000000U

static const struct load_mode modes[] = {
	{ "randread", true, { [LOAD_READ] = 1 } },
	{ "randwrite", true, { [LOAD_WRITE] = 1 } },
	{ "randtrim", true, { [LOAD_TRIM] = 1 } },
	{ "read", false, { [LOAD_READ] = 1 } },
	{ "write", false, { [LOAD_WRITE] = 1 } },
	{ "trim", false, { [LOAD_TRIM] = 1 } },
	{ "mixed", true, { 0 } },
};

/* One "write:20" of a list. */
static int weight_parse(struct load_mode *m, const char *s, size_t len)
{
	char text[24], *colon;

	if (len >= sizeof(text))
		return -EINVAL;
	memcpy(text, s, len);
	text[len] = '\0';
	colon = strchr(text, ':');
	if (!colon)
		return -EINVAL;
	*colon = '\0';
	for (unsigned int i = 0; i < LOAD_KINDS; i++)
		if (strcmp(text, load_kind_name[i]) == 0)
			return num_u32(colon + 1, WEIGHT_MAX, &m->weight[i]);
	return -EINVAL;
}

int parse_mode(const char *s, struct load_mode *out)
{
	struct load_mode m = { .name = s, .random = true };
	uint32_t sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (strcmp(s, modes[i].name) == 0) {
			*out = modes[i];
			return 0;
		}
	for (size_t len;; s += len + 1) {
		len = strcspn(s, ",");
		if (weight_parse(&m, s, len))
			return -EINVAL;
		if (!s[len])
			break;
	}
	for (unsigned int i = 0; i < LOAD_KINDS; i++)
		sum += m.weight[i];
	if (!sum)
		return -ERANGE;
	*out = m;
	return 0;
}
