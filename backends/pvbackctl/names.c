/* SPDX-License-Identifier: MIT */
#include "names.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool printf_like(2, 3) is(const char *s, const char *fmt, ...)
{
	autofree char *name = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&name, fmt, ap);
	va_end(ap);
	if (n < 0)
		name = NULL;
	return n >= 0 && strcmp(s, name) == 0;
}

bool name_is_device(const char *s, const struct dev *d)
{
	const char *slash = strchr(d->device, '/');
	const char *name = slash ? slash + 1 : d->device;
	const char *interface = pairs_find(&d->facts, "interface");

	return (interface && strcmp(s, interface) == 0) ||
	       is(s, "%u/%s", d->domid, name) || is(s, "%u/%u", d->domid, d->devid) ||
	       (d->guest &&
	        (is(s, "%s/%s", d->guest, name) || is(s, "%s/%u", d->guest, d->devid))) ||
	       is(s, "%s-%u-%u", d->kind, d->domid, d->devid) ||
	       is(s, "%s%u.%u", d->kind, d->domid, d->devid);
}

bool name_is_guest(const char *s, const struct dev *d)
{
	return is(s, "%u", d->domid) || (d->guest && strcmp(s, d->guest) == 0);
}
