/* SPDX-License-Identifier: MIT */
#include "ctl_act.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "dev_rest.h"
#include "dev_update.h"
#include "device.h"
#include "guest.h"
#include "super.h"

/* What a capture may have on its way to a client that does not read. */
#define CAPTURE_BYTES (4 << 20)

static const char *act_resume(struct device *d, const struct ctl_request *rq,
                              const int *fds, unsigned int nfds)
{
	(void)rq;
	(void)fds;
	(void)nfds;
	if (!d->bdev.ailing)
		return dev_rest_end(d);
	d->bdev.again = true;
	dev_update(d);
	return NULL;
}

/* Whether the worker takes it is said on the client's socket. */
static const char *act_capture(struct device *d, const struct ctl_request *rq,
                               const int *fds, unsigned int nfds)
{
	const int bytes = CAPTURE_BYTES;
	int rc;

	if (!d->ops->captures)
		return "nothing that can be captured passes such a device";
	if (nfds != 2)
		return "capture needs a socket and a memfd";
	if (d->worker_link != LINK_UP)
		return "it is not connected";
	if (setsockopt(fds[0], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)))
		return "its first descriptor is no socket";
	rc = guest_capture(d->guest, d, rq->snaplen, fds);
	return rc ? strerror(-rc) : NULL;
}

static const char *act_tune(struct device *d, const struct ctl_request *rq,
                            const int *fds, unsigned int nfds)
{
	static char why[192];

	(void)fds;
	(void)nfds;
	if (!d->ops->tune)
		return "nothing can be changed of such a device";
	if (!d->probed)
		return "it is not there yet, or its keys are wrong";
	if (!d->guest->super->xs)
		return "XenStore is away";
	d->bdev.xs = d->guest->super->xs;
	return d->ops->tune(&d->bdev, rq->what, why, sizeof(why)) ? why : NULL;
}

static const char *(*const act[CTL_NCMDS])(struct device *d, const struct ctl_request *rq,
                                           const int *fds, unsigned int nfds) = {
	[CTL_RESUME] = act_resume,
	[CTL_TUNE] = act_tune,
	[CTL_CAPTURE] = act_capture,
};

const char *ctl_act(struct device *d, const struct ctl_request *rq, const int *fds,
                    unsigned int nfds)
{
	return d ? act[rq->cmd](d, rq, fds, nfds) : "there is no such device";
}
