/* SPDX-License-Identifier: MIT */
#include "net_keys_super.h"

#include <errno.h>
#include <string.h>

#include <net/if.h>

#include "num.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int net_mac_parse(const char *s, uint8_t mac[6])
{
	static const uint8_t none[6];

	for (int i = 0; i < 6; i++, s += 3) {
		int high = hex_digit(s[0]);
		int low = high < 0 ? -1 : hex_digit(s[1]);

		if (low < 0 || s[2] != (i < 5 ? ':' : '\0'))
			return -EINVAL;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	/* Not that of a group, nor nobody's. */
	return mac[0] & 1 || memcmp(mac, none, sizeof(none)) == 0 ? -EINVAL : 0;
}

int net_rate_parse(const char *s, uint64_t *bytes, uint32_t *usec)
{
	const char *comma = strchr(s, ',');
	char first[24] = { 0 };

	if (!comma || (size_t)(comma - s) >= sizeof(first))
		return -EINVAL;
	memcpy(first, s, (size_t)(comma - s));
	if (num_u64(first, UINT64_MAX, bytes) || num_u32(comma + 1, UINT32_MAX, usec))
		return -EINVAL;
	return *bytes && *usec ? 0 : -EINVAL;
}

/* The kernel's dev_valid_name(). */
int net_ifname_check(const char *s)
{
	size_t n = strlen(s);

	if (!n || n >= IFNAMSIZ || strcmp(s, ".") == 0 || strcmp(s, "..") == 0)
		return -EINVAL;
	return strpbrk(s, "/: \t\n\v\f\r") ? -EINVAL : 0;
}
