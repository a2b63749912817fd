/* SPDX-License-Identifier: MIT */
#include "blk_vpd_super.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Digits of a serial number; some readers take no more than 16. */
#define SERIAL     16
/* SPC-4: an identification that begins with a vendor, eight characters. */
#define VENDOR_LEN 8

/* FNV-1a: to tell images apart, not to keep anybody out. */
static uint64_t hash(const char *s)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001b3;
	return h;
}

static void base64(const uint8_t *in, size_t n, char *out)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		size_t have = n - i < 3 ? n - i : 3;
		uint32_t v = (uint32_t)in[i] << 16;

		v |= have > 1 ? (uint32_t)in[i + 1] << 8 : 0;
		v |= have > 2 ? in[i + 2] : 0;
		*out++ = digit[v >> 18];
		*out++ = digit[v >> 12 & 63];
		*out++ = have > 1 ? digit[v >> 6 & 63] : '=';
		*out++ = have > 2 ? digit[v & 63] : '=';
	}
	*out = 0;
}

void blk_vpd_make(const char *image, struct blk_vpd *v)
{
	/* Device type disk, page, length; of page 0x83 then one designator. */
	uint8_t p80[4 + SERIAL] = { 0, 0x80, 0, SERIAL };
	uint8_t p83[8 + VENDOR_LEN + SERIAL] = { 0,
		                                 0x83,
		                                 0,
		                                 4 + VENDOR_LEN + SERIAL,
		                                 2 /* ASCII */,
		                                 1 /* T10 vendor */,
		                                 0,
		                                 VENDOR_LEN + SERIAL };
	static const char vendor[VENDOR_LEN] = { 'X', 'E', 'N', ' ', ' ', ' ', ' ', ' ' };
	char serial[SERIAL + 1];

	snprintf(serial, sizeof(serial), "%016llx", (unsigned long long)hash(image));
	memcpy(p80 + 4, serial, SERIAL);
	memcpy(p83 + 8, vendor, VENDOR_LEN);
	memcpy(p83 + 8 + VENDOR_LEN, serial, SERIAL);
	base64(p80, sizeof(p80), v->serial);
	base64(p83, sizeof(p83), v->id);
}

_Static_assert((8 + VENDOR_LEN + SERIAL + 2) / 3 * 4 < BLK_VPD_MAX, "it fits");

static int offer(struct bdev *d, xst_t t, const char *key, const char *value)
{
	autofree char *had = NULL;
	int rc = xst_read(d->xs, t, &had, "%s/%s", d->path, key);

	return rc == -ENOENT ? xst_printf(d->xs, t, d->path, key, "%s", value) : rc;
}

int blk_vpd_offer(struct bdev *d, xst_t t, const char *image)
{
	struct blk_vpd v;
	int rc;

	blk_vpd_make(image, &v);
	rc = offer(d, t, "sm-data/scsi/0x12/0x80", v.serial);
	return rc ? rc : offer(d, t, "sm-data/scsi/0x12/0x83", v.id);
}
