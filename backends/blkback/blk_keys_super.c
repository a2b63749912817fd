/* SPDX-License-Identifier: MIT */
#include "blk_keys_super.h"

#include <errno.h>
#include <string.h>

int blk_mode_parse(const char *s, bool *ro, bool *shared)
{
	if ((s[0] != 'r' && s[0] != 'w') || (s[1] && strcmp(s + 1, "!") != 0))
		return -EINVAL;
	*ro = s[0] == 'r';
	*shared = s[1] == '!';
	return 0;
}

int blk_protocol_parse(const char *s, enum blk_protocol *out)
{
	if (strcmp(s, "x86_64-abi") == 0)
		*out = BLK_PROTO_X86_64;
	else if (strcmp(s, "x86_32-abi") == 0)
		*out = BLK_PROTO_X86_32;
	else
		return -EINVAL;
	return 0;
}

/* Up to six hex digits, more than major (12 bits) and minor (20 bits) have. */
static const char *hex(const char *s, unsigned int max, unsigned int *out)
{
	static const char digits[] = "0123456789abcdef";
	const char *start = s, *d;

	for (*out = 0; *s && (d = strchr(digits, *s)) && s - start < 6; s++)
		*out = *out << 4 | (unsigned int)(d - digits);
	return s == start || *out > max ? NULL : s;
}

int blk_device_parse(const char *s, unsigned int *major, unsigned int *minor)
{
	unsigned int ma, mi;

	s = hex(s, 0xfff, &ma);
	if (!s || *s != ':')
		return -EINVAL;
	s = hex(s + 1, 0xfffff, &mi);
	if (!s || *s)
		return -EINVAL;
	*major = ma;
	*minor = mi;
	return 0;
}
