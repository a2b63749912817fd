/* SPDX-License-Identifier: MIT */
/* What a path under backend/ is about. Pure. */
#ifndef PVB_XS_PATH_H
#define PVB_XS_PATH_H

#include <stddef.h>
#include <stdint.h>

/* Device numbers are ints in xenbus drivers. */
#define XS_PATH_DEVID_MAX 0x7fffffffU

enum xs_scope {
	XS_SCOPE_NONE,   /* not under backend/KIND */
	XS_SCOPE_KIND,   /* backend/KIND */
	XS_SCOPE_GUEST,  /* backend/KIND/DOMID, or one that names no domain */
	XS_SCOPE_DEVICE, /* backend/KIND/DOMID/DEVID and what is below */
	XS_SCOPE_BAD,    /* as DEVICE, but DOMID or DEVID is no such number */
};

/**
 * struct xs_path - A path taken apart
 * @kind:	For all scopes but NONE, NUL-terminated
 * @domid:	For DEVICE, and for GUEST; there UINT32_MAX if it names no domain
 * @devid:	For DEVICE
 * @dir_len:	For DEVICE and BAD: length of the part that names the directory
 * @key:	For DEVICE and BAD: what follows the directory, "" for itself
 */
struct xs_path {
	char kind[16];
	uint32_t domid;
	uint32_t devid;
	size_t dir_len;
	const char *key;
};

/**
 * xs_path_parse() - Take a path apart that is relative to our home in XenStore
 *
 * Numbers are decimal, in range and in the one form the toolstack writes: with a leading
 * zero they would give a device two names.
 */
enum xs_scope xs_path_parse(const char *path, struct xs_path *out);

#endif
