/* SPDX-License-Identifier: MIT */
/*
 * crowd FIRST LAST DEVICES PAGES - what a full host looks like to a backend: map the ring
 * and the pages of each device of each guest, connect its event channel, all at once, and
 * see that every page is the right one and every event arrives.
 *
 * The guests run a contract-agent called "main".
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <xenevtchn.h>
#include <xengnttab.h>

#include "pattern.h"
#include "peer.h"

struct device {
	struct peer *guest;
	long region;
	int remote, port;
	uint8_t *pages;
};

static unsigned long pages;
static xenevtchn_handle *evt;
static xengnttab_handle *gnt;

static bool failed(const struct device *d, const char *what)
{
	fprintf(stderr, "crowd: d%u: %s: %s\n", d->guest->domid, what, strerror(errno));
	return false;
}

static bool attach(struct device *d, unsigned long seed)
{
	uint32_t refs[PEER_VALUES];

	d->region = peer_call(d->guest, "shr.share 0 %lu 1", pages);
	if (d->region < 0 || d->guest->nvalue != pages)
		return failed(d, "share");
	for (size_t i = 0; i < pages; i++)
		refs[i] = (uint32_t)d->guest->value[i];
	d->pages = xengnttab_map_domain_grant_refs(gnt, (uint32_t)pages, d->guest->domid,
	                                           refs, PROT_READ | PROT_WRITE);
	if (!d->pages)
		return failed(d, "map");
	pattern_fill(d->pages, pages * 4096, seed);
	d->remote = (int)peer_call(d->guest, "evt.unbound 0");
	d->port = xenevtchn_bind_interdomain(evt, d->guest->domid,
	                                     (evtchn_port_t)d->remote);
	return d->port > 0 ? true : failed(d, "bind");
}

/* All ports have had their first event: take them, and then one more from each guest. */
static bool events(struct device *d, size_t n)
{
	struct pollfd p = { .fd = xenevtchn_fd(evt), .events = POLLIN };
	size_t told = 0;

	while (told < n && poll(&p, 1, 10000) == 1) {
		int port = xenevtchn_pending(evt);

		for (size_t i = 0; i < n; i++)
			told += d[i].port == port;
		xenevtchn_unmask(evt, (evtchn_port_t)port);
	}
	if (told < n)
		fprintf(stderr, "crowd: %zu of %zu events\n", told, n);
	return told == n;
}

static bool verify(struct device *d, size_t n)
{
	if (!events(d, n))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (peer_call(d[i].guest, "mem.check %ld %zu", d[i].region, i) != 1)
			return failed(&d[i], "the guest sees other bytes");
		if (peer_call(d[i].guest, "evt.notify %d", d[i].remote) != 0)
			return failed(&d[i], "notify");
	}
	return events(d, n);
}

static void release(struct device *d, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		xengnttab_unmap(gnt, d[i].pages, (uint32_t)pages);
		if (i + 1 == n || d[i + 1].guest != d[i].guest)
			peer_detach(d[i].guest);
	}
}

/* All devices of all guests; how many. */
static size_t attach_all(struct device *d, uint32_t first, uint32_t last, size_t per)
{
	size_t n = 0;

	for (uint32_t domid = first; domid <= last; domid++) {
		struct peer *guest = peer_attach(domid, "main");

		for (size_t i = 0; guest && i < per; i++, n++) {
			d[n].guest = guest;
			if (!attach(&d[n], n))
				exit(1);
		}
	}
	return n;
}

int main(int argc, char **argv)
{
	uint32_t first, last;
	size_t per, want, n;
	struct device *d;
	bool good;

	if (argc != 5) {
		fprintf(stderr, "usage: crowd FIRST LAST DEVICES PAGES\n");
		return 2;
	}
	first = (uint32_t)atoi(argv[1]);
	last = (uint32_t)atoi(argv[2]);
	per = strtoul(argv[3], NULL, 10);
	pages = strtoul(argv[4], NULL, 10);
	want = (last - first + 1) * per;
	d = calloc(want, sizeof(*d));
	evt = xenevtchn_open(NULL, 0);
	gnt = xengnttab_open(NULL, 0);
	if (!d || !evt || !gnt || pages > PEER_VALUES)
		return 1;
	n = attach_all(d, first, last, per);
	good = n == want && verify(d, n);
	printf("%zu of %zu devices, %zu pages mapped, %zu ports\n", n, want, n * pages,
	       n);
	release(d, n);
	free(d);
	xengnttab_close(gnt);
	xenevtchn_close(evt);
	return good ? 0 : 1;
}
