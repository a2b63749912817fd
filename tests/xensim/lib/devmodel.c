/* SPDX-License-Identifier: MIT */
/*
 * libxendevicemodel, as far as xc_interface_open() needs it.
 *
 * The real library stays; only its open looks for /dev/xen/privcmd, and these three stand
 * before it in the loader's search because libxenctrl names libxencall first.
 */
#include "sim.h"

#include <stdlib.h>

#include <xendevicemodel.h>

struct xendevicemodel_handle {
	char unused;
};

xendevicemodel_handle *xendevicemodel_open(struct xentoollog_logger *logger,
                                           unsigned int open_flags)
{
	(void)logger;
	(void)open_flags;
	return calloc(1, sizeof(struct xendevicemodel_handle));
}

int xendevicemodel_close(xendevicemodel_handle *dmod)
{
	free(dmod);
	return 0;
}

int xendevicemodel_restrict(xendevicemodel_handle *dmod, domid_t domid)
{
	(void)dmod;
	(void)domid;
	return 0;
}
