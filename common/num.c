/* SPDX-License-Identifier: MIT */
#include "num.h"

#include <errno.h>
#include <string.h>

/* Read the digits at *s, which may be NULL, leave *s behind the last one. */
static int num_digits(const char **s, uint64_t *out)
{
	const char *p = *s;
	uint64_t v = 0;

	if (!p || *p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return -ERANGE;
	*s = p;
	*out = v;
	return 0;
}

int num_u64(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t v;
	int rc = num_digits(&s, &v);

	if (rc)
		return rc;
	if (*s)
		return -EINVAL;
	if (v > max)
		return -ERANGE;
	*out = v;
	return 0;
}

int num_u32(const char *s, uint32_t max, uint32_t *out)
{
	uint64_t v;
	int rc = num_u64(s, max, &v);

	if (!rc)
		*out = (uint32_t)v;
	return rc;
}

int num_size(const char *s, uint64_t *out)
{
	static const char suffix[] = "KMGT";
	unsigned int shift = 0;
	uint64_t v;
	int rc = num_digits(&s, &v);

	if (rc)
		return rc;
	if (*s) {
		const char *p = strchr(suffix, *s);

		if (!p || s[1])
			return -EINVAL;
		shift = 10 * (unsigned int)(p - suffix + 1);
	}
	if (v > UINT64_MAX >> shift)
		return -ERANGE;
	*out = v << shift;
	return 0;
}
