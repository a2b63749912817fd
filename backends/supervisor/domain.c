/* SPDX-License-Identifier: MIT */
#include "domain.h"

#include <errno.h>

#include <xenctrl.h>

struct domains {
	xc_interface *xc;
};

int domains_open(struct domains **out)
{
	autofree struct domains *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->xc = xc_interface_open(NULL, NULL, 0);
	if (!d->xc)
		return errno ? -errno : -EIO;
	*out = take_ptr(d);
	return 0;
}

void domains_close(struct domains *d)
{
	if (!d)
		return;
	xc_interface_close(d->xc);
	free(d);
}

enum domain_life domain_life(struct domains *d, uint32_t domid)
{
	xc_dominfo_t info;
	int n;

	if (!d)
		return DOMAIN_UNKNOWN;
	errno = 0;
	/* It answers with the first domain from @domid on. */
	n = xc_domain_getinfo(d->xc, domid, 1, &info);
	if (n < 0 && errno != ESRCH)
		return DOMAIN_UNKNOWN;
	return n == 1 && info.domid == domid && !info.dying ? DOMAIN_ALIVE : DOMAIN_DEAD;
}
