/* SPDX-License-Identifier: MIT */
#include "xs_path.h"

#include <string.h>

#include "num.h"

#define PREFIX "backend/"

/* The component at @p, up to the next slash or the end, as a number. */
static uint32_t number(const char *p, size_t len, uint32_t max)
{
	char digits[12];
	uint32_t v;

	if (len >= sizeof(digits) || (len > 1 && p[0] == '0'))
		return UINT32_MAX;
	memcpy(digits, p, len);
	digits[len] = 0;
	return num_u32(digits, max, &v) ? UINT32_MAX : v;
}

enum xs_scope xs_path_parse(const char *path, struct xs_path *out)
{
	const char *p = path;
	size_t len;

	*out = (struct xs_path){ 0 };
	if (strncmp(p, PREFIX, strlen(PREFIX)) != 0)
		return XS_SCOPE_NONE;
	p += strlen(PREFIX);
	len = strcspn(p, "/");
	if (len == 0 || len >= sizeof(out->kind))
		return XS_SCOPE_NONE;
	memcpy(out->kind, p, len);
	p += len;
	if (!*p++)
		return XS_SCOPE_KIND;
	len = strcspn(p, "/");
	out->domid = number(p, len, NUM_DOMID_MAX);
	p += len;
	if (!*p++)
		return XS_SCOPE_GUEST;
	len = strcspn(p, "/");
	out->devid = number(p, len, XS_PATH_DEVID_MAX);
	p += len;
	out->dir_len = (size_t)(p - path);
	out->key = *p ? p + 1 : p;
	if (out->domid == UINT32_MAX || out->devid == UINT32_MAX)
		return XS_SCOPE_BAD;
	return XS_SCOPE_DEVICE;
}
